"""Every task that waits says why, in one sentence."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError, UnavailableError
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.work import ledger, line, pauses, providers, waiting
from prsnl.work.eta import Eta, History
from prsnl.work.queues import Queue
from prsnl.work.relay import PICK
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.integration.work.conftest import JOB, OWNER, Bench, Job, Made

SCHEDULER = WorkerIdentity(kind="scheduler")


def why(bench: Bench, task_id: UUID) -> str | None:
    return bench.do(lambda c: ledger.task(c, task_id, owner=OWNER)).waiting_because


def eta(bench: Bench, task_id: UUID) -> Eta | None:
    view = bench.do(lambda c: ledger.task(c, task_id, owner=OWNER))
    return bench.do(lambda c: History().eta(c, view))


def staff(bench: Bench, *, slots: int, trouble: str | None = None) -> None:
    """One scheduler, and one worker of so many slots; none but these."""
    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=slots)

    def hire(connection: Db) -> None:
        connection.execute("delete from workers")
        say_seen(connection, SCHEDULER, trouble=trouble)
        if slots:
            say_seen(connection, worker)

    bench.do(hire)


def test_without_a_scheduler(bench: Bench) -> None:
    assert why(bench, bench.job()) == (
        "No scheduler is running: start one with ./prsnl scheduler."
    )


def test_without_a_worker(bench: Bench) -> None:
    bench.beat.drain()
    staff(bench, slots=0)

    assert why(bench, bench.job()) == (
        "No worker for file_processing is running: start one with "
        "./prsnl worker file_processing."
    )


def test_with_a_worker_that_has_not_been_seen_for_long(bench: Bench) -> None:
    staff(bench, slots=1)
    task_id = bench.job()
    bench.do(
        lambda c: c.execute("update workers set seen_at = now() - interval '16 s'")
    )

    assert "No scheduler is running" in str(why(bench, task_id))


def test_while_every_worker_is_busy(bench: Bench) -> None:
    bench.beat.drain()
    staff(bench, slots=1)
    task_id = bench.job()
    bench.claim(bench.job())

    assert why(bench, task_id) == (
        "Every worker for file_processing is busy (1 of 1): it is number 1 in line."
    )


def test_next_in_line(bench: Bench) -> None:
    staff(bench, slots=2)

    assert why(bench, bench.job()) == (
        "Next in line: a worker takes it within a moment."
    )


def test_a_place_in_line_and_when_it_begins(bench: Bench) -> None:
    """Once others of the queue were measured; for a feed it would be out of date."""
    bench.beat.drain()
    staff(bench, slots=2)
    for _ in range(3):
        done = bench.claim(bench.job())
        bench.set(done.id, "claimed_at = now() - interval '10 s', total = 1")
        bench.end(done, Status.SUCCESS)
    for _ in range(2):
        bench.claim(bench.job())
    ids = [bench.job() for _ in range(4)]
    row = {**bench.row(ids[3]), "due_in_s": 0}

    assert re.fullmatch(
        r"Every worker for file_processing is busy \(2 of 2\): it is number 4 in line, "
        r"begins in \d\d to \d\d s\.",
        str(why(bench, ids[3])),
    )
    (told,) = bench.do(lambda c: waiting.reasons(c, [row], with_place=False))
    assert told == "Every worker for file_processing is busy (2 of 2)."
    assert eta(bench, ids[3]) is not None
    bench.do(partial(pauses.pause, queue=Queue.FILE_PROCESSING, by="ben"))
    assert eta(bench, ids[3]) is None, "nobody knows when it is resumed"


def test_the_line_is_the_one_that_the_relay_takes_from(bench: Bench) -> None:
    """Owners take turns; whoever has something running comes later."""
    for owner, number in (("ada", 9), ("ben", 3), ("cleo", 1)):
        for n in range(number):
            task_id = bench.job(owner=owner)
            bench.set(task_id, "priority = %s", n % 3)
    for _ in range(2):
        bench.claim(bench.job(owner="ada"))
    rooms = {"queues": ["file_processing"], "rooms": [100]}
    order = [row["id"] for row in bench.do(lambda c: c.execute(PICK, rooms).fetchall())]
    owners = [("file_processing", owner) for owner in ("ada", "ben", "cleo")]

    before = bench.do(lambda c: line.look(c, owners)).before

    assert len(order) == 13
    assert set(before) == set(order)
    off = [place - before[one] for place, one in enumerate(order)]
    assert all(0 <= each <= 2 for each in off), "of two in a turn either may be first"
    assert before[order[-1]] == 12


def test_what_is_out_already_stands_before_the_rest(bench: Bench) -> None:
    later, sent = bench.job(), bench.job()
    bench.set(sent, "sent_at = now()")
    lines = bench.do(lambda c: line.look(c, [("file_processing", OWNER)]))

    assert lines.before == {sent: 0, later: 1}


@pytest.mark.parametrize("is_own", [True, False])
def test_for_a_slot_that_another_task_holds(bench: Bench, *, is_own: bool) -> None:
    """Its holder is named to its owner alone."""
    holder = bench.job(owner=OWNER if is_own else "ben")
    task_id = bench.job()
    bench.do(
        lambda c: c.execute(
            "insert into machine_slots (name, task_id) values ('heavy desk', %s)",
            [holder],
        )
    )
    bench.set(task_id, "slot = 'heavy desk', due_at = now() + interval '5 min'")

    told = str(why(bench, task_id))

    assert told.startswith("Waits for another large job of desk to end")
    assert (str(holder) in told) == is_own
    assert "ben" not in told


def test_while_the_broker_is_away(bench: Bench) -> None:
    staff(bench, slots=2, trouble="The broker does not answer.")

    assert why(bench, bench.job()) == "The broker does not answer."


@pytest.mark.parametrize(
    ("wait", "told"),
    [("0.2 s", "at once"), ("42 s", "in 42 s"), ("239 s", "in 4 min")],
)
def test_before_a_retry(bench: Bench, wait: str, told: str) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        raise UnavailableError("The moon is down.")

    row = bench.run(work)
    bench.set(row["id"], "due_at = now() + %s::interval", wait)
    due_at = bench.row(row["id"])["due_at"]

    assert why(bench, row["id"]) == (
        f"Retry 1 of 2 begins {told}, at {waiting.clock(due_at)}, after: "
        "The moon is down."
    )


def test_of_a_held_child_and_its_parent(bench: Bench) -> None:
    parent = bench.submit(
        SPREAD, Spread(children=2, at_once=1, child=Count(stages=1, work_ms=0))
    )
    bench.runner.execute(parent)
    (held,) = bench.all("select id from tasks where held")
    staff(bench, slots=1)

    assert why(bench, parent) == "Waits for 2 of its 2 parts to end."
    assert "only 1 runs at once" in str(why(bench, held["id"]))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("down", "p is away since {since} (No answer.) It is tried again in 30 s."),
        ("probing", "p is being tried with another task first."),
        ("recovering", "p is back; its tasks go on a few at a time."),
    ],
)
def test_of_a_parked_task(bench: Bench, state: str, told: str) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = 'parked', provider = 'p'")
    bench.do(
        lambda c: providers.went_away(
            c, "p", "No answer.", first_wait=timedelta(seconds=30)
        )
    )
    bench.do(lambda c: c.execute("update providers set state = %s", [state]))
    (row,) = bench.all("select down_since from providers")

    assert why(bench, task_id) == told.format(since=waiting.clock(row["down_since"]))


def test_of_a_parked_task_whose_provider_is_unknown(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = 'parked', provider = 'p'")
    assert "No scheduler is running" in str(why(bench, task_id))
    staff(bench, slots=1)

    assert why(bench, task_id) == "Waits for p; it is tried again at once."


@pytest.mark.parametrize("status", list(Status))
def test_every_state_either_waits_for_a_reason_or_does_not_wait(
    bench: Bench, status: Status
) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = %s", str(status))
    waits = status in (Status.QUEUED, Status.PARKED, Status.WAITING)

    reason = why(bench, task_id)
    assert (reason is not None) == waits
    assert reason is None or reason.endswith(".")


def test_a_view_shows_what_its_owner_needs(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        run.progress.expect(8)
        run.step("Reading", steps=3)
        raise UnavailableError("Later.")

    row = bench.run(work)
    view = bench.do(lambda c: ledger.task(c, row["id"], owner=OWNER))

    assert (view.current, view.total, view.percentage) == (3, 8, 37.5)
    assert view.error == {
        "category": "transient",
        "code": "unavailable",
        "message": "Later.",
    }
    assert (view.attempt, view.is_cancelling) == (1, False)


def test_a_task_without_a_total_has_no_percentage(bench: Bench) -> None:
    """Never a percentage of nothing."""
    task_id = bench.job()
    bench.set(task_id, "total = 0")

    assert bench.do(lambda c: ledger.task(c, task_id, owner=OWNER)).percentage is None


def test_of_a_running_task_the_cancel_under_way_is_shown(bench: Bench) -> None:
    claimed = bench.claim(bench.job())
    bench.set(claimed.id, "cancel_requested_at = now()")

    assert bench.do(lambda c: ledger.task(c, claimed.id, owner=OWNER)).is_cancelling


def test_nobody_sees_the_task_of_another(bench: Bench) -> None:
    task_id = bench.job()

    with pytest.raises(NotFoundError):
        bench.do(lambda c: ledger.task(c, task_id, owner="ben"))
    assert bench.do(lambda c: ledger.tasks(c, owner="ben")) == []


def test_lists_are_paged_newest_first(bench: Bench) -> None:
    ids = [bench.submit(JOB, Job()) for _ in range(5)]
    pages: list[UUID] = []
    before = None
    while page := bench.do(
        lambda c, before=before: ledger.tasks(c, owner=OWNER, before=before, limit=2)  # type: ignore[misc]
    ):
        pages.extend(view.task_id for view in page)
        before = pages[-1]

    assert pages == ids[::-1]


def test_lists_are_filtered_by_state_and_queue(bench: Bench) -> None:
    failed, _ = bench.submit(JOB, Job()), bench.submit(JOB, Job())
    bench.set(failed, "status = 'dead'")

    def found(**by: object) -> list[UUID]:
        views = bench.do(lambda c: ledger.tasks(c, owner=OWNER, **by))  # type: ignore[arg-type]
        return [view.task_id for view in views]

    assert found(statuses=[Status.DEAD, Status.FAILURE]) == [failed]
    assert found(queue="insights") == []
    assert len(found(queue="file_processing")) == 2
