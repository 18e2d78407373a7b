"""A worker that lost its claim writes nothing: two claims of one row, side by side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from prsnl.work.claim import Claim, Fence
from prsnl.work.reaper import reap
from prsnl.work.run import TaskRun, Waits
from prsnl.work.specs import Status
from prsnl.work.stages import Cancelled, Lost
from prsnl.work.submit import submission
from tests.integration.work.conftest import (
    JOB,
    OWNER,
    Bench,
    Job,
    Made,
    counted,
    effects,
    nothing,
    stage,
)


def overtaken(bench: Bench) -> tuple[Claim, Claim]:
    """The claim of a worker that fell silent, and the one that followed."""
    task_id = bench.job()
    first = bench.claim(task_id)
    bench.expire(task_id)
    bench.do(reap)
    return first, bench.claim(task_id)


def test_the_token_rises_with_every_claim(bench: Bench) -> None:
    first, second = overtaken(bench)

    assert (first.claim_no, second.claim_no) == (1, 2)


def write_a_stage(run: TaskRun) -> None:
    run.stage(stage(), inputs=[b"i"], work=Made, store=nothing)


def tell_progress(run: TaskRun) -> None:
    run.progress.advance(50, "Far")
    run.stages.tell(run.progress.take())


def have_children(run: TaskRun) -> None:
    wanted = submission(JOB, Job(), owner=OWNER, parent_id=run.task_id)
    run.children([wanted], at_once=1)


WRITES: list[Callable[[TaskRun], None]] = [write_a_stage, tell_progress, have_children]


@pytest.mark.parametrize("write", WRITES)
def test_a_worker_that_lost_its_claim_writes_nothing(
    bench: Bench, write: Callable[[TaskRun], None]
) -> None:
    first, _ = overtaken(bench)
    tables = ("tasks", "task_progress", "task_stages", "celery_task_results")
    before = [bench.all(f"select * from {table}") for table in tables]

    try:
        write(bench.task_run(first))
    except Lost:
        pass
    else:
        assert write is tell_progress, "only what is worth nothing is lost silently"

    assert [bench.all(f"select * from {table}") for table in tables] == before


@pytest.mark.parametrize(
    "status", [Status.SUCCESS, Status.FAILURE, Status.QUEUED, Status.PARKED]
)
def test_it_cannot_end_the_task_either(bench: Bench, status: Status) -> None:
    first, second = overtaken(bench)

    assert bench.end(first, status) is Fence.LOST
    assert bench.status(first.id) == "running"
    assert bench.end(second, Status.SUCCESS) is Fence.HELD
    assert bench.log(first.id) == ["queued", "success"]


def test_of_two_that_run_on_only_the_newer_has_effects(bench: Bench) -> None:
    store = counted(bench)
    first, second = overtaken(bench)
    old, new = bench.task_run(first), bench.task_run(second)

    def commit(run: TaskRun, name: str) -> None:
        run.stage(
            stage(name),
            inputs=[b"i", bytes([run.attempt])],
            work=lambda: Made(word=name),
            store=store,
        )

    commit(new, "a")
    with pytest.raises(Lost):
        commit(old, "a")
    with pytest.raises(Lost):
        commit(old, "b")
    commit(new, "b")

    assert effects(bench) == {"a": 1, "b": 1}
    assert {row["claim_no"] for row in bench.all("select * from task_stages")} == {2}


@pytest.mark.parametrize("write", [write_a_stage, have_children])
def test_a_cancelled_task_is_stopped_at_its_next_commit(
    bench: Bench, write: Callable[[TaskRun], None]
) -> None:
    """Also where the beat has not told it yet."""
    run = bench.task_run(bench.claim(bench.job()))
    bench.set(run.task_id, "cancel_requested_at = now()")

    with pytest.raises(Cancelled):
        write(run)

    assert bench.all("select 1 from task_stages") == []


def test_a_task_that_was_cancelled_while_it_made_children_is_revoked_at_once(
    bench: Bench,
) -> None:
    """Not only when the lease of a claim has run out that nobody holds."""

    def work(run: TaskRun, _: Job) -> Made:
        bench.set(run.task_id, "cancel_requested_at = now()")
        have_children(run)
        return Made()

    assert bench.run(work)["status"] == "revoked"


def test_a_claim_that_is_given_away_is_not_ended_twice(bench: Bench) -> None:
    claimed = bench.claim(bench.job())

    assert bench.end(claimed, Status.QUEUED) is Fence.HELD
    assert bench.end(claimed, Status.QUEUED) is Fence.HELD
    assert bench.log(claimed.id) == ["queued"]


def test_children_are_spawned_once(bench: Bench) -> None:
    """The claim that follows gets the outcomes, not a second set."""
    claimed = bench.claim(bench.job())
    with pytest.raises(Waits):
        have_children(bench.task_run(claimed))
    with pytest.raises(Lost):
        write_a_stage(bench.task_run(claimed))

    (child,) = bench.all("select id from tasks where parent_id = %s", claimed.id)
    bench.runner.execute(child["id"])
    again = submission(JOB, Job(), owner=OWNER, parent_id=claimed.id)
    run = bench.task_run(bench.claim(claimed.id))
    outcomes = run.children([again], at_once=1)

    assert [one.status for one in outcomes] == [Status.SUCCESS]
    assert len(bench.all("select 1 from tasks where parent_id = %s", claimed.id)) == 1
