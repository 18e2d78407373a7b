"""The end of one claim and the next claim in one statement: both, or neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from prsnl.core.db import Database
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.work.control import cancel
from prsnl.work.finisher import Finisher
from prsnl.work.run import TaskRun
from prsnl.work.runner import Finished, Runner
from tests.integration.work.conftest import OWNER, Bench, Job, Made
from tests.saboteurs.losing_pool import losing


@pytest.fixture
def finisher() -> Iterator[Finisher[Finished]]:
    """It never ends a claim by itself before the test is over."""
    made: Finisher[Finished] = Finisher(linger_s=60)
    yield made
    made.close()


def with_finisher(
    bench: Bench, finisher: Finisher[Finished], database: Database | None = None
) -> Runner:
    return replace(bench.runner, finisher=finisher, database=database or bench.database)


def transactions_of(bench: Bench, *task_ids: UUID) -> set[str]:
    """The transactions that wrote the newest versions of some rows."""
    rows = bench.all(
        "select xmin::text as x from tasks where id = any(%s)", list(task_ids)
    )
    return {row["x"] for row in rows}


def test_an_end_waits_for_the_next_claim_and_is_one_commit_with_it(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """Two waits for the disk would be one too many."""
    first = bench.job()
    runner = with_finisher(bench, finisher)
    runner.execute(first)
    assert bench.status(first) == "running"

    seen: list[set[str]] = []

    def look(run: TaskRun, _: Job) -> Made:
        seen.append(transactions_of(bench, first, run.task_id))
        return Made()

    runner.execute(bench.job(look))

    assert bench.status(first) == "success"
    assert [len(writers) for writers in seen] == [1]
    assert bench.log(first) == ["success"]


@pytest.mark.parametrize("is_done", [True, False])
def test_whichever_answer_is_lost_the_end_and_the_claim_are_one_each(
    bench: Bench, finisher: Finisher[Finished], *, is_done: bool
) -> None:
    """Its connection is the second that the runner asks for."""
    first, second = bench.job(), bench.job()
    runner = with_finisher(
        bench, finisher, losing(bench.database, at=1, is_done=is_done)
    )
    runner.execute(first)
    runner.execute(second)
    finisher.close()

    for task_id in (first, second):
        row = bench.row(task_id)
        assert (row["status"], row["claim_no"], row["crashes"]) == ("success", 1, 0)
        assert bench.log(task_id) == ["success"]


def test_a_task_that_was_cancelled_before_its_end_is_revoked(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """And the next one runs all the same."""
    first, second = bench.job(), bench.job()
    runner = with_finisher(bench, finisher)
    runner.execute(first)
    with bench.database.connection() as connection:
        cancel(connection, first, owner=OWNER)
    runner.execute(second)
    finisher.close()

    assert bench.status(first) == "revoked"
    assert bench.status(second) == "success"


def test_an_end_that_the_row_refuses_does_not_hold_the_next_task(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """No database stores a NUL: the first one is to blame, and it alone."""

    def work(_run: TaskRun, job: Job) -> Made:
        return Made(word="\0" if job.word == "bad" else "good")

    first = bench.job(work, word="bad")
    second = bench.job(work)
    runner = with_finisher(bench, finisher)
    runner.execute(first)
    runner.execute(second)
    finisher.close()

    assert bench.row(first)["error_category"] == "bug"
    assert bench.status(second) == "success"


def test_an_end_is_written_though_the_next_task_is_not_to_be_had(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """A hint may come late, twice, or for what somebody else has taken."""
    first, second = bench.job(), bench.job()
    runner = with_finisher(bench, finisher)
    runner.execute(second)
    finisher.close()
    other: Finisher[Finished] = Finisher(linger_s=60)
    runner = with_finisher(bench, other)
    runner.execute(first)
    runner.execute(second)

    assert bench.status(first) == "success"
    assert bench.row(second)["claim_no"] == 1
    other.close()


def test_a_hint_for_the_task_that_ends_is_a_claim_of_its_own(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """One statement cannot change one row twice: the second change would be lost."""
    task_id = bench.job()
    runner = with_finisher(bench, finisher)
    runner.execute(task_id)
    runner.execute(task_id)
    finisher.close()

    assert bench.status(task_id) == "success"
    assert bench.log(task_id) == ["success"]


def test_the_end_of_a_child_is_counted_by_its_parent(
    bench: Bench, finisher: Finisher[Finished]
) -> None:
    """It changes another row, so it has a transaction of its own."""
    parent = bench.submit(
        SPREAD, Spread(children=2, at_once=2, child=Count(stages=1, work_ms=0))
    )
    runner = with_finisher(bench, finisher)
    runner.execute(parent)
    for row in bench.all("select id from tasks where parent_id = %s", parent):
        runner.execute(row["id"])
    other = bench.job()
    runner.execute(other)
    assert bench.row(parent)["children_open"] == 0
    runner.execute(parent)
    finisher.close()

    assert bench.status(parent) == "success"
