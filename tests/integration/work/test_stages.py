"""Stages and checkpoints: what is done stays done, and is done once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from prsnl.core.db import Db
from prsnl.core.errors import ChildCrashedError, CorruptError, UnavailableError
from prsnl.work.run import TaskRun
from prsnl.work.stages import GATHER_S, INLINE_BYTES, Lost, Stage
from tests.integration.work.conftest import (
    JOB,
    Bench,
    Job,
    Made,
    counted,
    counted_units,
    effects,
    nothing,
    stage,
)

INPUT = b"the input's hash"


def test_effects_are_applied_once_over_many_claims(bench: Bench) -> None:
    store = counted(bench)
    begun: list[tuple[int, str]] = []

    def work(run: TaskRun, _: Job) -> Made:
        for name in ("read", "write"):

            def make(name: str = name) -> Made:
                begun.append((run.attempt, name))
                return Made(word=name)

            run.stage(stage(name), inputs=[INPUT], work=make, store=store)
        if run.attempt < 3:
            raise UnavailableError("Later.")
        return Made()

    task_id = bench.job(work)
    for _ in range(3):
        bench.hurry(task_id)
        bench.runner.execute(task_id)

    assert bench.status(task_id) == "success"
    assert begun == [(1, "read"), (1, "write")]
    assert effects(bench) == {"read": 1, "write": 1}


def test_a_stage_after_a_crash_goes_on_where_the_first_claim_stopped(
    bench: Bench,
) -> None:
    begun: list[tuple[int, int]] = []
    store = counted_units(bench)

    def read(run: TaskRun, units: Sequence[int]) -> Iterator[tuple[int, Made]]:
        for unit in units:
            begun.append((run.attempt, unit))
            if run.attempt == 1 and unit == 3:
                raise ChildCrashedError("It died at page 3.")
            yield unit, Made(word=f"page {unit}")

    def work(run: TaskRun, _: Job) -> Made:
        done = run.units(
            stage("read"),
            units=range(1, 6),
            inputs=[INPUT],
            work=lambda units: read(run, units),
            store=store,
        )
        return Made(word=" ".join(one.word for one in done.values.values()))

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    after_the_crash = bench.row(task_id)
    bench.runner.execute(task_id)

    # Pages 1 and 2 came within one gathering: they are kept although it broke off.
    assert (after_the_crash["current"], after_the_crash["crashes"]) == (2, 1)
    assert begun == [(1, 1), (1, 2), (1, 3), (2, 3), (2, 4), (2, 5)]
    assert set(effects(bench).values()) == {1}
    assert bench.row(task_id)["result"] == {
        "word": "page 1 page 2 page 3 page 4 page 5"
    }


def test_what_fails_later_leaves_what_was_made_before(bench: Bench) -> None:
    """The transcript stays although the summary failed for good."""
    store = counted(bench)

    def work(run: TaskRun, _: Job) -> Made:
        run.stage(
            stage("read"), inputs=[INPUT], work=lambda: Made(word="read"), store=store
        )
        raise CorruptError("The second half is torn.")

    row = bench.run(work)

    assert row["status"] == "failure"
    assert effects(bench) == {"read": 1}


def reading(bench: Bench, *, inputs: bytes = INPUT, **more: object) -> list[str]:
    """Have `JOB` read by one stage; gives the words of those that really read."""
    begun: list[str] = []
    store = counted(bench)

    def work(run: TaskRun, command: Job) -> Made:
        def make() -> Made:
            begun.append(command.word)
            return Made(word="text")

        done = run.stage(
            more.get("stage", stage("read")),  # type: ignore[arg-type]
            inputs=[inputs],
            parameters={"word": more["parameter"]} if "parameter" in more else None,
            work=make,
            store=lambda c, made: store(c, Made(word=f"{command.word} {made.word}")),
            run=int(str(more.get("run", 0))),
        )
        return done.value

    bench.handle(work)
    return begun


def run_one(bench: Bench, word: str, owner: str = "ada") -> None:
    task_id = bench.submit(JOB, Job(word=word), owner=owner)
    bench.runner.execute(task_id)
    assert bench.row(task_id)["result"] == {"word": "text"}


def test_a_second_task_of_the_same_owner_finds_the_result(bench: Bench) -> None:
    """A second upload costs nothing; its own effects are applied all the same."""
    begun = reading(bench)

    run_one(bench, "first")
    run_one(bench, "second")

    assert begun == ["first"]
    assert effects(bench) == {"first text": 1, "second text": 1}
    found = bench.all("select from_checkpoint from task_stages order by committed_at")
    assert [row["from_checkpoint"] for row in found] == [False, True]


def test_another_owner_does_not_find_it(bench: Bench) -> None:
    """Else one could probe for the files of others by the time a task takes."""
    begun = reading(bench)

    run_one(bench, "first")
    run_one(bench, "second", owner="ben")

    assert begun == ["first", "second"]


@pytest.mark.parametrize(
    "more",
    [
        {"inputs": b"another input"},
        {"stage": stage("scan")},
        {"stage": stage("read", version=2)},
        {"parameter": "de"},
        {"run": 1},
    ],
)
def test_everything_that_counts_is_part_of_the_key(
    bench: Bench, more: dict[str, object]
) -> None:
    begun = reading(bench)
    run_one(bench, "first")
    again = reading(bench, **more)  # type: ignore[arg-type]
    run_one(bench, "second")

    assert (begun, again) == (["first"], ["second"])


def test_a_large_result_is_kept_as_a_blob_and_found_again(bench: Bench) -> None:
    large = "x" * (INLINE_BYTES + 1)
    begun: list[int] = []

    def work(run: TaskRun, _: Job) -> Made:
        def make() -> Made:
            begun.append(run.attempt)
            return Made(word=large)

        done = run.stage(stage(), inputs=[INPUT], work=make, store=nothing)
        assert done.value.word == large
        return Made(word=str(len(done.value.word)))

    first, second = bench.run(work), bench.run(work)

    assert first["result"] == second["result"] == {"word": str(len(large))}
    assert begun == [1]
    (kept,) = bench.all("select result, blob from task_checkpoints")
    assert kept["result"] is None
    with bench.storage.open(kept["blob"]) as file:
        assert large.encode() in file.read()


def test_a_blob_that_is_gone_is_made_anew(bench: Bench) -> None:
    """The trash was emptied: that must not fail a task for good."""
    begun: list[int] = []

    def work(run: TaskRun, _: Job) -> Made:
        def make() -> Made:
            begun.append(1)
            return Made(word="x" * (INLINE_BYTES + 1))

        run.stage(stage(), inputs=[INPUT], work=make, store=nothing)
        return Made()

    bench.run(work)
    (kept,) = bench.all("select blob from task_checkpoints")
    bench.storage.delete(kept["blob"])

    assert bench.run(work)["status"] == "success"
    assert begun == [1, 1]
    assert bench.storage.open(kept["blob"]).close() is None


class Richer(Made):
    pages: int


def test_a_result_of_another_shape_is_made_anew(bench: Bench) -> None:
    """Somebody forgot to raise the version: wrong, but no reason to fail."""

    def plain(run: TaskRun, _: Job) -> Made:
        run.stage(stage(), inputs=[INPUT], work=Made, store=nothing)
        return Made()

    richer = Stage(name="write", version=1, result=Richer, title="Write")

    def rich(run: TaskRun, _: Job) -> Made:
        done = run.stage(
            richer, inputs=[INPUT], work=lambda: Richer(pages=3), store=nothing
        )
        return Made(word=str(done.value.pages))

    bench.run(plain)

    assert bench.run(rich)["result"] == {"word": "3"}


def test_an_effect_that_fails_takes_its_guard_with_it(bench: Bench) -> None:
    """All of a commit or nothing: else the effect would be lost for good."""
    store = counted(bench)

    def work(run: TaskRun, _: Job) -> Made:
        def fail_at_first(connection: object, made: Made) -> None:
            store(connection, made)  # type: ignore[arg-type]
            if run.attempt == 1:
                raise UnavailableError("Later.")

        run.stage(
            stage(), inputs=[INPUT], work=lambda: Made(word="w"), store=fail_at_first
        )
        return Made()

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    assert effects(bench) == {}
    assert bench.all("select 1 from task_stages") == []
    bench.hurry(task_id)
    bench.runner.execute(task_id)

    assert effects(bench) == {"w": 1}


def test_progress_never_goes_back_over_claims(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        run.progress.expect(6)
        for number in range(1, 5 if run.attempt == 1 else 3):
            run.stage(
                stage(f"s{number}"),
                inputs=[run.task_id.bytes, bytes([run.attempt])],
                work=Made,
                store=nothing,
            )
        raise UnavailableError("Later.")

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    bench.hurry(task_id)
    bench.runner.execute(task_id)

    assert (bench.row(task_id)["current"], bench.row(task_id)["total"]) == (4, 6)
    events = bench.all(
        "select seq, current from task_progress where task_id = %s order by seq, id",
        task_id,
    )
    assert [e["current"] for e in events] == sorted(e["current"] for e in events)
    assert [e["seq"] for e in events] == sorted({e["seq"] for e in events})


def test_many_small_units_share_commits(bench: Bench) -> None:
    """A thousand small pages must not wait for a thousand disks."""

    def work(run: TaskRun, _: Job) -> Made:
        run.units(
            stage(),
            units=range(1000),
            inputs=[INPUT],
            work=lambda units: ((unit, Made()) for unit in units),
            store=lambda *_: None,
        )
        return Made()

    row = bench.run(work)

    commits = bench.all("select distinct committed_at from task_stages")
    assert row["current"] == 1000
    assert len(commits) < 60
    assert bench.all("select count(*) as n from task_stages")[0]["n"] == 1000


def test_what_makes_units_is_let_go_when_they_cannot_be_kept(bench: Bench) -> None:
    """It may hold a sandbox child, without which the next task would wait for ever."""
    held: list[bool] = []
    kept_alive: list[BaseException] = []

    def make(units: Sequence[int]) -> Iterator[tuple[int, Made]]:
        held.append(True)
        try:
            for unit in units:
                time.sleep(GATHER_S)
                yield unit, Made()
        finally:
            held.clear()

    def refuse(_connection: Db, _made: Mapping[int, Made]) -> None:
        raise CorruptError("It cannot be kept.")

    def work(run: TaskRun, _: Job) -> Made:
        try:
            run.units(stage(), units=range(3), inputs=[INPUT], work=make, store=refuse)
        except CorruptError as error:
            # As an error in a circle of references does until it is collected.
            kept_alive.append(error)
            raise
        return Made()

    row = bench.run(work)

    assert row["status"] == "failure"
    assert kept_alive
    assert held == []


def test_a_task_that_was_removed_meanwhile_is_lost_and_no_defect(bench: Bench) -> None:
    """Whoever empties the trash removes the tasks of its files, running ones too."""
    told: list[BaseException] = []

    def work(run: TaskRun, _: Job) -> Made:
        bench.do(
            lambda connection: connection.execute(
                "delete from tasks where id = %s", [run.task_id]
            )
        )
        try:
            run.stage(stage(), inputs=[INPUT], work=Made, store=nothing)
        except Exception as error:
            told.append(error)
            raise
        return Made()

    bench.runner.execute(bench.job(work))

    assert [type(error) for error in told] == [Lost]


def test_a_stage_without_units_is_done(bench: Bench) -> None:
    """An empty document has no pages, and that is no error of the core."""

    def work(run: TaskRun, _: Job) -> Made:
        done = run.units(
            stage(),
            units=(),
            inputs=[INPUT],
            work=lambda _units: pytest.fail("there is nothing to do"),
            store=lambda *_: None,
        )
        return Made(word=str(done.values))

    assert bench.run(work)["result"] == {"word": "{}"}
