"""Cancel in each state, and what stays cancelled."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import ConflictError, NotFoundError, UnavailableError
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.work import control
from prsnl.work.claim import child_ended
from prsnl.work.reaper import reap
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from tests.integration.work.conftest import (
    OWNER,
    Bench,
    Job,
    Made,
    nested_family,
    nothing,
    stage,
)


def cancel(bench: Bench, task_id: UUID, owner: str = OWNER) -> Status:
    with bench.database.connection() as connection:
        return control.cancel(connection, task_id, owner=owner)


@pytest.mark.parametrize("status", ["queued", "parked"])
def test_what_no_worker_holds_is_revoked_on_the_spot(bench: Bench, status: str) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = %s", status)

    assert cancel(bench, task_id) is Status.REVOKED
    row = bench.row(task_id)
    assert (row["status"], row["message"]) == ("revoked", "Cancelled")
    assert row["finished_at"] is not None
    assert bench.events(task_id)[-1] == "revoked"


def test_a_running_task_is_flagged_and_its_worker_ends_it(bench: Bench) -> None:
    claimed = bench.claim(bench.job())

    assert cancel(bench, claimed.id) is Status.RUNNING
    assert bench.row(claimed.id)["message"] == "Cancelling"
    assert bench.end(claimed, Status.SUCCESS).name == "CANCELLED"
    assert bench.end(claimed, Status.REVOKED).name == "HELD"
    assert bench.status(claimed.id) == "revoked"


@pytest.mark.parametrize("status", ["success", "failure", "dead", "revoked"])
def test_what_has_ended_stays_as_it_is(bench: Bench, status: str) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = %s", status)
    before = bench.row(task_id)

    assert cancel(bench, task_id) == status
    assert bench.row(task_id) == before


@pytest.mark.parametrize("verdict", ["success", "retry", "crash"])
def test_however_the_work_ends_a_cancelled_task_is_revoked(
    bench: Bench, verdict: str
) -> None:
    """Nothing that the handler does after the flag brings the task back."""

    def work(run: TaskRun, _: Job) -> Made:
        cancel(bench, run.task_id)
        if verdict == "retry":
            raise UnavailableError("Later.")
        if verdict == "crash":
            bench.expire(run.task_id)
            bench.do(reap)
        return Made()

    row = bench.run(work)

    assert (row["status"], row["retries"], row["crashes"]) == ("revoked", 0, 0)
    assert row["result"] is None


def test_a_running_task_is_told_by_the_beat(bench: Bench) -> None:
    killed = threading.Event()
    is_in = threading.Event()

    def work(run: TaskRun, _: Job) -> Made:
        with run.killing(killed.set):
            is_in.set()
            assert killed.wait(30)
            run.check()
        return Made()

    task_id = bench.job(work)
    done = bench.meanwhile(lambda: bench.runner.execute(task_id))
    assert is_in.wait(30)
    cancel(bench, task_id)
    done.result(timeout=30)

    assert bench.status(task_id) == "revoked"


def test_a_hint_for_a_cancelled_task_changes_nothing(bench: Bench) -> None:
    task_id = bench.job()
    cancel(bench, task_id)

    bench.runner.execute(task_id)

    assert (bench.status(task_id), bench.row(task_id)["claim_no"]) == ("revoked", 0)


def test_what_was_committed_before_stays(bench: Bench) -> None:
    run = bench.task_run(bench.claim(bench.job()))
    run.stage(stage(), inputs=[], work=Made, store=nothing)
    cancel(bench, run.task_id)

    assert len(bench.all("select 1 from task_checkpoints")) == 1
    assert len(bench.all("select 1 from task_stages")) == 1


def test_nobody_cancels_the_task_of_another(bench: Bench) -> None:
    task_id = bench.job()

    for stranger, wanted in (("ben", task_id), (OWNER, uuid4())):
        with pytest.raises(NotFoundError):
            cancel(bench, wanted, stranger)
    assert bench.status(task_id) == "queued"


def family(
    bench: Bench, children: int = 4, at_once: int = 2
) -> tuple[UUID, list[UUID]]:
    """A parent that waits, and its children, of which some are held."""
    parent = bench.submit(
        SPREAD,
        Spread(children=children, at_once=at_once, child=Count(stages=1, work_ms=0)),
    )
    bench.runner.execute(parent)
    rows = bench.all("select id from tasks where parent_id = %s order by id", parent)
    return parent, [row["id"] for row in rows]


def test_cancel_goes_down_to_the_children(bench: Bench) -> None:
    parent, (done, running, *held) = family(bench)
    bench.runner.execute(done)
    claimed = bench.claim(running)

    assert cancel(bench, parent) is Status.REVOKED
    assert bench.status(done) == "success"
    assert {bench.status(one) for one in held} == {"revoked"}
    assert bench.row(running)["cancel_requested_at"] is not None
    assert bench.end(claimed, Status.SUCCESS).name == "CANCELLED"
    bench.end(claimed, Status.REVOKED)
    assert (bench.status(running), bench.status(parent)) == ("revoked", "revoked")


def test_the_last_child_that_is_cancelled_queues_its_parent(bench: Bench) -> None:
    parent, children = family(bench, 2)
    for child in children:
        cancel(bench, child)

    assert bench.status(parent) == "queued"
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["failed"] == 2


def test_a_cancelled_child_makes_room_for_a_held_one(bench: Bench) -> None:
    _, (first, _, *held) = family(bench)
    cancel(bench, first)

    assert [bench.row(one)["held"] for one in held] == [False, True]


def test_a_held_child_that_is_cancelled_makes_no_room(bench: Bench) -> None:
    """It had no place: the others would be more at once than they may be."""
    parent, (_, _, third, fourth) = family(bench)
    cancel(bench, third)

    assert bench.row(fourth)["held"]
    assert bench.row(parent)["children_open"] == 3


def test_a_cancel_of_the_whole_and_the_end_of_a_part_do_not_lock_one_another(
    bench: Bench,
) -> None:
    """The child holds its own row and wants its parent's; so must the cancel."""
    parent, (child, *_) = family(bench)
    bench.claim(child)
    with bench.database.transaction() as connection:
        connection.execute(
            "update tasks set status = 'success', finished_at = now() where id = %s",
            [child],
        )
        cancelling = bench.meanwhile(lambda: cancel(bench, parent))
        bench.until(bench.somebody_waits_for_a_lock)
        child_ended(connection, parent)

    assert cancelling.result() is Status.REVOKED
    assert (bench.status(parent), bench.status(child)) == ("revoked", "success")


def test_a_cancel_of_the_whole_and_the_end_of_a_parts_part_do_not_lock_one_another(
    bench: Bench,
) -> None:
    """The lowest rows are locked first, whatever the depth."""
    batch, archive, (member, other) = nested_family(bench)
    with bench.database.transaction() as connection:
        connection.execute(
            "update tasks set status = 'success', finished_at = now() where id = %s",
            [member],
        )
        cancelling = bench.meanwhile(lambda: cancel(bench, batch))
        bench.until(bench.somebody_waits_for_a_lock)
        child_ended(connection, archive)

    assert cancelling.result() is Status.REVOKED
    told = [bench.status(one) for one in (batch, archive, member, other)]
    assert told == ["revoked", "revoked", "success", "revoked"]


def test_a_cancel_while_children_are_made_reaches_them(bench: Bench) -> None:
    """They are there only after the cancel has begun to wait for the parent's row."""
    parent = bench.submit(SPREAD, Spread(children=2, at_once=2))
    with bench.database.transaction() as connection:
        connection.execute("select 1 from tasks where id = %s for update", [parent])
        cancelling = bench.meanwhile(lambda: cancel(bench, parent))
        bench.until(bench.somebody_waits_for_a_lock)
        connection.execute(
            "update tasks set status = 'waiting', children_open = 1 where id = %s",
            [parent],
        )
        connection.execute(
            "insert into tasks (id, owner, name, queue, command, command_hash, "
            "parent_id) select gen_random_uuid(), owner, 'count_task', queue, '{}', "
            "'', id from tasks where id = %s",
            [parent],
        )
    cancelling.result()

    rows = bench.all("select status from tasks")
    assert [row["status"] for row in rows] == ["revoked", "revoked"]


def test_a_cancelled_task_is_not_retried(bench: Bench) -> None:
    task_id = bench.job()
    cancel(bench, task_id)

    with pytest.raises(ConflictError, match="stays so"):
        bench.do(lambda c: control.retry(c, task_id, owner=OWNER))
