"""Nobody has more running, or waiting, than may be; whatever happens at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.core.errors import TooManyTasksError
from prsnl.engines.sandbox.memory import NoMemoryYet
from prsnl.work import caps, ledger, limits
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.claim import claim
from prsnl.work.relay import Relay, celery_app, due_listener
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.integration.work.conftest import JOB, OWNER, Bench, Job, Made

QUEUE = "file_processing"


def put_in_force(bench: Bench, given: Caps) -> None:
    bench.do(lambda connection: caps.write(connection, given))


def claimed(bench: Bench, task_id: UUID) -> bool:
    told = bench.do(
        lambda connection: claim(
            connection,
            task_id,
            worker_id=WorkerIdentity(kind="worker").id,
            lease=timedelta(minutes=1),
            is_again=False,
        )
    )
    return told is not None


@pytest.mark.parametrize("name", [EACH_OWNER, QUEUE])
def test_of_many_claims_at_once_as_many_succeed_as_may_run(
    bench: Bench, name: str
) -> None:
    """Two workers that look at the same moment do not both find the last place."""
    put_in_force(bench, Caps(running={name: 2}))
    tasks = [bench.job() for _ in range(8)]
    for task_id in tasks:
        bench.set(task_id, "sent_at = now()")

    hands = [bench.meanwhile(lambda one=one: claimed(bench, one)) for one in tasks]

    assert sum(hand.result() for hand in hands) == 2
    left = [one for one in tasks if bench.status(one) == "queued"]
    assert len(left) == 6
    assert all(bench.row(one)["sent_at"] is None for one in left)


def test_another_owner_is_not_held_up_by_a_cap(bench: Bench) -> None:
    put_in_force(bench, Caps(running={EACH_OWNER: 1}))

    assert claimed(bench, bench.job(owner="ada"))
    assert not claimed(bench, bench.job(owner="ada"))
    assert claimed(bench, bench.job(owner="bob"))


def test_a_busy_worker_turns_to_no_task_that_has_no_place(bench: Bench) -> None:
    """The end of one task and the claim of the next are one statement otherwise."""
    put_in_force(bench, Caps(running={EACH_OWNER: 1}))
    first, second = bench.job(), bench.job()

    bench.runner.execute(first)
    bench.runner.execute(second)

    assert [bench.status(one) for one in (first, second)] == ["success", "success"]


def test_the_relay_sends_no_more_than_may_run(
    bench: Bench, database_url: str, broker_url: str
) -> None:
    put_in_force(bench, Caps(running={EACH_OWNER: 2, QUEUE: 3}))
    worker = WorkerIdentity(kind="worker", queues=(QUEUE,), slots=9)
    bench.do(lambda connection: say_seen(connection, worker))
    for owner in ("ada", "bob", "cid"):
        for _ in range(4):
            bench.job(owner=owner)
    app = celery_app(broker_url)
    listener = due_listener(database_url)
    relay = Relay(bench.database, app, listener, timedelta(seconds=10))

    relay.turn()
    listener.close()
    app.close()

    out = bench.all(
        "select owner, count(*) as n from tasks where sent_at is not null "
        "group by owner order by owner"
    )
    assert sum(row["n"] for row in out) == 3
    assert max(row["n"] for row in out) <= 2


def test_a_task_says_that_it_waits_for_the_owners_others(bench: Bench) -> None:
    put_in_force(bench, Caps(running={EACH_OWNER: 1}))
    bench.do(lambda c: say_seen(c, WorkerIdentity(kind="scheduler")))
    running, waiting = bench.job(), bench.job()
    assert claimed(bench, running)

    view = bench.do(lambda c: ledger.task(c, waiting, owner=OWNER))

    assert str(view.waiting_because).startswith("You have 1 task running, the most")


def test_one_more_than_may_wait_is_refused_and_a_repetition_is_not(
    bench: Bench,
) -> None:
    bench.handle(lambda *_: Made())
    given = Caps(queued={EACH_OWNER: 2})

    def require(owner: str, key: str | None = None) -> None:
        bench.do(
            lambda c: caps.require_room(c, given, owner=owner, queue=QUEUE, key=key)
        )

    bench.job()
    require(OWNER)
    bench.submit(JOB, Job(), key="mine")

    with pytest.raises(TooManyTasksError, match="2 tasks waiting") as told:
        require(OWNER)
    require(OWNER, key="mine")
    require("somebody else")
    assert told.value.retry_after_s is not None


def test_caps_that_are_set_no_more_are_forgotten(bench: Bench) -> None:
    put_in_force(bench, Caps(running={EACH_OWNER: 1}, queued={QUEUE: 5}))
    put_in_force(bench, Caps(queued={QUEUE: 6}))

    assert bench.do(caps.read) == Caps(queued={QUEUE: 6})


def test_a_task_whose_child_finds_no_memory_waits_without_a_worker(
    bench: Bench,
) -> None:
    """It spends no try, says what it waits for, and goes on by itself."""
    tries: list[int] = []

    def work(run: TaskRun, _job: Job) -> Made:
        tries.append(run.attempt)
        if len(tries) == 1:
            raise NoMemoryYet("Waits for memory on this machine: it takes 9 GiB.")
        return Made()

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    row = bench.row(task_id)
    view = bench.do(lambda c: ledger.task(c, task_id, owner=OWNER))

    assert (row["status"], row["retries"], row["crashes"]) == (Status.PARKED, 0, 0)
    assert str(view.waiting_because).startswith("Waits for memory on this machine")
    bench.hurry(task_id)
    assert bench.do(limits.wake) == 1
    bench.runner.execute(task_id)
    assert bench.status(task_id) == Status.SUCCESS
