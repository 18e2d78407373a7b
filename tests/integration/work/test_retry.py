"""Dead letters are queued again by their owner, and nothing else is."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import ConflictError, CorruptError, NotFoundError
from prsnl.proving.specs import COUNT, SPREAD, Count, Spread
from prsnl.work import control
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.integration.work.conftest import (
    OWNER,
    Bench,
    Job,
    Made,
    counted,
    effects,
    nested_family,
    stage,
)


def retry(bench: Bench, task_id: UUID, owner: str = OWNER) -> None:
    with bench.database.connection() as connection:
        control.retry(connection, task_id, owner=owner)


@pytest.mark.parametrize("status", ["failure", "dead"])
def test_a_dead_letter_starts_afresh_and_keeps_its_place(
    bench: Bench, status: str
) -> None:
    task_id = bench.job()
    bench.set(
        task_id,
        "status = %s, retries = 3, crashes = 2, current = 5, claim_no = 4, "
        "finished_at = now()",
        status,
    )
    retry(bench, task_id)

    row = bench.row(task_id)
    assert (row["status"], row["retries"], row["crashes"]) == ("queued", 0, 0)
    assert (row["current"], row["claim_no"], row["finished_at"]) == (5, 4, None)
    bench.runner.execute(task_id)
    assert (bench.status(task_id), bench.row(task_id)["claim_no"]) == ("success", 5)


def test_a_retry_does_no_committed_stage_again(bench: Bench) -> None:
    store = counted(bench)
    begun: list[str] = []

    def work(run: TaskRun, _: Job) -> Made:
        def make() -> Made:
            begun.append("read")
            return Made(word="read")

        run.stage(stage(), inputs=[b"i"], work=make, store=store)
        if run.attempt == 1:
            raise CorruptError("Torn.")
        return Made()

    row = bench.run(work)
    retry(bench, row["id"])
    bench.runner.execute(row["id"])

    assert bench.status(row["id"]) == "success"
    assert (begun, effects(bench)) == (["read"], {"read": 1})


@pytest.mark.parametrize("status", ["queued", "running", "parked", "success"])
def test_what_has_not_failed_is_not_retried(bench: Bench, status: str) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = %s", status)

    with pytest.raises(ConflictError, match=f"it is {status}"):
        retry(bench, task_id)


def test_nobody_retries_the_task_of_another(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = 'dead'")

    for stranger, wanted in (("ben", task_id), (OWNER, uuid4())):
        with pytest.raises(NotFoundError):
            retry(bench, wanted, stranger)


def broken_family(bench: Bench) -> tuple[UUID, list[UUID]]:
    """A parent that has ended, with one child that failed and one that did not."""
    parent = bench.submit(
        SPREAD, Spread(children=2, at_once=2, child=Count(stages=1, work_ms=0))
    )
    bench.runner.execute(parent)
    rows = bench.all("select id from tasks where parent_id = %s order by id", parent)
    failing, fine = [row["id"] for row in rows]
    bench.end(bench.claim(failing), Status.FAILURE)
    bench.runner.execute(fine)
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["failed"] == 1
    return parent, [failing, fine]


@pytest.mark.parametrize("whom", ["the parent", "the child"])
def test_of_a_parent_only_the_failed_children_are_retried(
    bench: Bench, whom: str
) -> None:
    parent, (failing, fine) = broken_family(bench)
    retry(bench, parent if whom == "the parent" else failing)

    assert (bench.status(failing), bench.status(fine)) == ("queued", "success")
    assert bench.status(parent) == "waiting"
    assert bench.row(parent)["children_open"] == 1
    bench.runner.execute(failing)
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["succeeded"] == 2
    assert bench.row(fine)["claim_no"] == 1


def test_a_retried_part_does_not_bring_a_cancelled_whole_back(bench: Bench) -> None:
    """A cancelled task stays cancelled, whatever is done to its parts."""
    parent, (failing, _) = broken_family(bench)
    bench.set(parent, "status = 'revoked', cancel_requested_at = now()")

    with pytest.raises(ConflictError, match="cancelled"):
        retry(bench, failing)
    assert (bench.status(parent), bench.status(failing)) == ("revoked", "failure")


def test_a_part_is_not_retried_while_its_whole_is_being_finished(bench: Bench) -> None:
    """The closing stage has read the outcomes already: it would miss this one."""
    parent, (failing, _) = broken_family(bench)
    bench.set(parent, "status = 'running', cancel_requested_at = now()")

    with pytest.raises(ConflictError, match="just being finished"):
        retry(bench, failing)
    assert bench.row(parent)["cancel_requested_at"] is not None


def test_a_whole_that_is_about_to_be_finished_waits_for_the_retried_part(
    bench: Bench,
) -> None:
    """It is queued, and perhaps hinted; the closing stage is to see the new outcome."""
    parent, (failing, _) = broken_family(bench)
    bench.set(parent, "status = 'queued', sent_at = now(), finished_at = null")
    retry(bench, failing)

    assert bench.status(parent) == "waiting"
    bench.runner.execute(failing)
    row = bench.row(parent)
    assert (row["status"], row["sent_at"]) == ("queued", None)
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["succeeded"] == 2


def test_a_parent_without_failed_children_is_retried_itself(bench: Bench) -> None:
    parent, (failing, _) = broken_family(bench)
    bench.set(failing, "status = 'success'")
    bench.set(parent, "status = 'dead'")
    retry(bench, parent)

    assert bench.status(parent) == "queued"


def test_two_retries_at_once_are_one(bench: Bench) -> None:
    parent, (failing, _) = broken_family(bench)

    def attempt() -> bool:
        try:
            retry(bench, failing)
        except ConflictError:
            return False
        return True

    both = [bench.meanwhile(attempt) for _ in range(4)]

    assert sum(one.result() for one in both) == 1
    assert bench.row(parent)["children_open"] == 1


def test_retried_children_obey_their_parents_limit(bench: Bench) -> None:
    parent = bench.submit(SPREAD, Spread(children=5, at_once=1, child=Count(work_ms=0)))
    bench.runner.execute(parent)
    with bench.database.connection() as connection:
        connection.execute(
            "update tasks set status = 'dead', held = false, finished_at = now() "
            "where parent_id = %s",
            [parent],
        )
        connection.execute(
            "update tasks set status = 'success', children_open = 0, "
            "finished_at = now() where id = %s",
            [parent],
        )

    retry(bench, parent)

    children = bench.all(
        "select held from tasks where parent_id = %s and status = 'queued'", parent
    )
    assert sorted(child["held"] for child in children) == [
        False,
        True,
        True,
        True,
        True,
    ]


def test_a_parent_closes_anew_over_retried_children(bench: Bench) -> None:
    """Else its result tells of the new ends and its effects of the old ones."""
    closed: list[int] = []

    def work(run: TaskRun, _: Job) -> Made:
        before = stage("before")
        run.stage(
            before, inputs=[b"i"], work=Made, store=lambda _c, _v: closed.append(0)
        )
        wanted = [
            submission(COUNT, Count(work_ms=0), owner=OWNER, parent_id=run.task_id)
            for _ in range(2)
        ]
        outcomes = run.children(wanted, at_once=2)
        count = sum(one.status is Status.SUCCESS for one in outcomes)
        run.stage(
            stage("close"),
            inputs=[str(count).encode()],
            work=Made,
            store=lambda _c, _v: closed.append(count),
        )
        return Made(word=str(count))

    parent = bench.job(work)
    bench.runner.execute(parent)
    first, second = bench.all("select id from tasks where parent_id = %s", parent)
    bench.runner.execute(first["id"])
    bench.set(second["id"], "status = 'dead', finished_at = now()")
    bench.set(parent, "status = 'queued', children_open = 0, due_at = now()")
    bench.runner.execute(parent)

    retry(bench, parent)
    bench.runner.execute(second["id"])
    bench.runner.execute(parent)

    assert bench.row(parent)["result"] == {"word": "2"}
    assert closed == [0, 1, 2], "the stage before the children is not done again"


@pytest.mark.parametrize("whom", ["the archive", "the member"])
def test_who_has_counted_the_end_of_a_whole_waits_again_for_it(
    bench: Bench, whom: str
) -> None:
    """Its archive ends a second time, and would be counted twice."""
    batch, archive, (failing, fine) = nested_family(bench)
    bench.end(bench.claim(failing), Status.FAILURE)
    bench.runner.execute(fine)
    bench.runner.execute(archive)
    bench.runner.execute(batch)
    assert (bench.status(archive), bench.status(batch)) == ("success", "success")

    retry(bench, archive if whom == "the archive" else failing)

    assert [bench.status(one) for one in (archive, batch)] == ["waiting", "waiting"]
    assert [bench.row(one)["children_open"] for one in (archive, batch)] == [1, 1]
    bench.runner.execute(failing)
    bench.runner.execute(archive)
    bench.runner.execute(batch)
    assert (bench.status(batch), bench.row(batch)["children_open"]) == ("success", 0)
    assert bench.row(batch)["result"]["succeeded"] == 1


def test_a_whole_that_waits_still_is_not_counted_again(bench: Bench) -> None:
    batch, archive, (failing, _) = nested_family(bench)
    bench.end(bench.claim(failing), Status.FAILURE)
    retry(bench, failing)

    assert [bench.row(one)["children_open"] for one in (archive, batch)] == [2, 1]
