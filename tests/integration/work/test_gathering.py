"""Stages that share a commit: each is still done once, and none is lost by an error."""

from __future__ import annotations

from dataclasses import replace

from prsnl.core.errors import CorruptError, UnavailableError
from prsnl.work.gathered import Gathered
from prsnl.work.run import TaskRun
from prsnl.work.stages import StageStore
from tests.integration.work.conftest import Bench, Job, Made, counted, effects, stage

NAMES = ("look", "read", "write")


def patient(run: TaskRun) -> StageStore:
    """The run's stages, which wait for the end of the block on a slow machine, too."""
    return replace(run.stages, _gathered=Gathered(gather_s=3600))


def make(
    bench: Bench, stages: StageStore, begun: list[str], *, content: bytes = b"input"
) -> None:
    """Do each of `NAMES` within one gathering."""
    store = counted(bench)
    for name in NAMES:

        def work(name: str = name) -> Made:
            begun.append(name)
            return Made(word=name)

        stages.stage(stage(name), inputs=[content], work=work, store=store)


def test_quick_stages_share_a_commit_and_have_guards_of_their_own(
    bench: Bench,
) -> None:
    shown: list[object] = []

    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, [])
            shown.append((bench.row(run.task_id)["current"], effects(bench)))
        return Made()

    row = bench.run(work)

    # Nothing is told as done before it is committed.
    assert shown == [(0, {})]
    assert (row["status"], row["current"]) == ("success", len(NAMES))
    assert effects(bench) == dict.fromkeys(NAMES, 1)
    rows = bench.all("select * from task_stages where task_id = %s", row["id"])
    assert {one["stage"] for one in rows} == set(NAMES)
    assert len({one["committed_at"] for one in rows}) == 1


def test_an_error_keeps_what_was_gathered_before_it(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, [])
            raise CorruptError("The second half is torn.")

    row = bench.run(work)

    assert row["status"] == "failure"
    assert effects(bench) == dict.fromkeys(NAMES, 1)


def test_what_was_gathered_is_found_by_the_next_claim(bench: Bench) -> None:
    begun: list[str] = []

    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, begun)
            if run.attempt == 1:
                raise UnavailableError("Later.")
        return Made()

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    bench.hurry(task_id)
    bench.runner.execute(task_id)

    assert bench.status(task_id) == "success"
    assert begun == list(NAMES)
    assert effects(bench) == dict.fromkeys(NAMES, 1)


def test_a_claim_that_lost_its_task_writes_nothing_of_what_it_gathered(
    bench: Bench,
) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, [])
            bench.set(run.task_id, "claim_no = claim_no + 1")
        return Made()

    row = bench.run(work)

    assert row["status"] == "running"
    assert effects(bench) == {}
    assert bench.all("select * from task_stages where task_id = %s", row["id"]) == []


def test_a_cancelled_task_stores_nothing_more(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, [])
            bench.set(run.task_id, "cancel_requested_at = now()")
        return Made()

    row = bench.run(work)

    assert row["status"] == "revoked"
    assert effects(bench) == {}


def test_a_second_task_on_the_same_input_finds_it_all(bench: Bench) -> None:
    """To look is left out only where two stages in a row were not found."""
    begun: list[str] = []

    def work(run: TaskRun, _: Job) -> Made:
        stages = patient(run)
        with stages.gathering(wanted=True):
            make(bench, stages, begun)
        return Made()

    bench.run(work)
    bench.run(work)

    assert begun == list(NAMES)
    assert effects(bench) == dict.fromkeys(NAMES, 2)
