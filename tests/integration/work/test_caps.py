"""Nobody has more running, or waiting, than may be; whatever happens at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.core.errors import ConflictError, TooManyTasksError
from prsnl.engines.sandbox.memory import NoMemoryYet
from prsnl.proving.specs import SPREAD
from prsnl.work import caps, control, ledger, limits
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.claim import claim
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.integration.work.conftest import JOB, LEAVES, OWNER, Bench, Job, Made
from tests.integration.work.test_relay import relay_of

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
    with relay_of(bench, database_url, broker_url) as relay:
        relay.turn()

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


def test_a_retry_of_a_person_is_refused_aloud_where_no_more_may_wait(
    bench: Bench,
) -> None:
    """It would be one more that waits, as a new task is; what is refused stays."""
    put_in_force(bench, Caps(queued={EACH_OWNER: 1}))
    failed, waiting = bench.job(), bench.job()
    bench.set(failed, "status = 'dead', finished_at = now()")

    def retry(task_id: UUID) -> None:
        bench.do(lambda c: control.retry_one(c, task_id, owner=OWNER))

    with pytest.raises(TooManyTasksError, match="try this one again") as told:
        retry(failed)
    assert told.value.retry_after_s is not None
    assert bench.status(failed) == Status.DEAD
    with pytest.raises(ConflictError, match="has not failed"):
        retry(waiting)

    bench.runner.execute(waiting)
    retry(failed)
    assert bench.status(failed) == Status.QUEUED


def test_the_failed_parts_of_a_batch_are_no_more_that_wait(bench: Bench) -> None:
    """They have their place in it: who has a batch of a thousand has one task."""
    parent = bench.submit(SPREAD, LEAVES)
    bench.runner.execute(parent)
    parts = bench.all("select id from tasks where parent_id = %s order by id", parent)
    for row in parts:
        bench.set(row["id"], "status = 'dead', finished_at = now()")
    bench.set(parent, "status = 'failure', children_open = 0, finished_at = now()")
    put_in_force(bench, Caps(queued={EACH_OWNER: 1}))
    bench.job()

    bench.do(lambda c: control.retry_one(c, parent, owner=OWNER))

    assert bench.status(parent) == Status.WAITING
    assert {bench.status(row["id"]) for row in parts} == {Status.QUEUED}


@pytest.mark.parametrize("name", [EACH_OWNER, QUEUE])
def test_there_is_room_for_as_many_as_the_cap_has_left(bench: Bench, name: str) -> None:
    def room() -> int | None:
        return bench.do(lambda c: caps.room(c, owner=OWNER, queue=QUEUE))

    assert room() is None
    put_in_force(bench, Caps(queued={name: 3}))
    assert room() == 3
    bench.job()
    bench.job()
    assert room() == 1
    bench.job()
    bench.job()
    assert room() == 0


def test_a_cap_below_a_step_holds_nothing_for_ever(bench: Bench) -> None:
    """It was lowered after the steps were made: with nothing before it one goes."""

    def why() -> str | None:
        return bench.do(lambda c: caps.why_full(c, owner=OWNER, wanted={QUEUE: 9}))

    assert why() is None
    put_in_force(bench, Caps(queued={EACH_OWNER: 2}))
    assert why() is None
    task_id = bench.job()
    assert why() == "you may have 2 tasks waiting at once (PRSNL_OWNER_QUEUED_MAX)"
    put_in_force(bench, Caps(queued={QUEUE: 2}))
    assert str(why()).endswith("waiting at once (PRSNL_QUEUE_QUEUED_MAX)")
    bench.runner.execute(task_id)
    assert why() is None
    assert bench.do(lambda c: caps.step(c, most=50)) == 1


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
