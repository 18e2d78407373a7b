"""A paused queue begins nothing, and tells so; what runs goes on."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta, timezone
from functools import partial
from uuid import UUID

from prsnl.core.db import Db
from prsnl.proving.specs import SPREAD
from prsnl.work import limits, pauses, providers
from prsnl.work.claim import claim, turn
from prsnl.work.pauses import Paused
from prsnl.work.queues import Queue
from prsnl.work.relay import STATE
from prsnl.work.specs import Status
from prsnl.work.workers import GONE_AFTER, WorkerIdentity, say_seen
from tests.integration.work.conftest import LEASE, LEAVES, Bench
from tests.integration.work.test_waiting_because import staff, why

FILES = Queue.FILE_PROCESSING


def pause(bench: Bench) -> None:
    bench.do(partial(pauses.pause, queue=FILES, by="ben"))


def resume(bench: Bench) -> None:
    bench.do(partial(pauses.resume, queue=FILES))


def claimed(bench: Bench, task_id: UUID) -> bool:
    def take(connection: Db) -> bool:
        worker_id = WorkerIdentity(kind="worker").id
        return (
            claim(connection, task_id, worker_id=worker_id, lease=LEASE, is_again=False)
            is not None
        )

    return bench.do(take)


def test_a_paused_queue_says_who_paused_it_and_how_it_goes_on(bench: Bench) -> None:
    bench.beat.drain()
    staff(bench, slots=1)
    task_id = bench.job()
    pause(bench)
    bench.do(partial(pauses.pause, queue=FILES, by="ada"))

    ((queue, told),) = bench.do(pauses.paused).items()
    assert (queue, told.by) == (FILES, "ben"), "the second pause changes nothing"
    assert str(why(bench, task_id)).startswith(
        f"The queue {FILES} is paused by ben since {told.at:%Y}"
    )
    assert f"./prsnl queues resume {FILES}" in str(why(bench, task_id))
    resume(bench)
    assert "Next in line" in str(why(bench, task_id))


def test_a_hint_that_is_out_claims_nothing_of_a_paused_queue(bench: Bench) -> None:
    """And it is sent again at once when the queue goes on: nobody waits it out."""
    running, hinted = bench.claim(bench.job()), bench.job()
    bench.set(hinted, "sent_at = now()")
    pause(bench)

    assert not claimed(bench, hinted)
    worker_id = WorkerIdentity(kind="worker").id
    (has_ended, following) = bench.do(
        lambda c: turn(
            c,
            running,
            bench.ending(Status.SUCCESS),
            hinted,
            worker_id=worker_id,
            lease=LEASE,
        )
    )
    assert (has_ended, following) == (True, None), "what runs goes on to its end"
    assert bench.row(hinted)["claim_no"] == 0
    resume(bench)
    assert bench.row(hinted)["sent_at"] is None
    assert claimed(bench, hinted)


def test_the_relay_passes_by_a_paused_queue(bench: Bench) -> None:
    worker = WorkerIdentity(kind="worker", queues=(FILES, "insights"), slots=1)
    bench.do(lambda c: say_seen(c, worker))

    def served() -> set[str]:
        rows = bench.do(lambda c: c.execute(STATE, {"gone": GONE_AFTER}).fetchall())
        return {row["queue"] for row in rows}

    assert served() == {FILES, "insights"}
    pause(bench)
    assert served() == {"insights"}
    resume(bench)
    assert served() == {FILES, "insights"}


def test_parts_of_a_task_are_paused_with_their_queue(bench: Bench) -> None:
    parent = bench.submit(SPREAD, LEAVES)
    bench.runner.execute(parent)
    children = bench.all("select id from tasks where parent_id = %s", parent)
    pause(bench)
    for child in children:
        bench.runner.execute(child["id"])

    assert bench.status(parent) == Status.WAITING
    resume(bench)
    for one in [*(child["id"] for child in children), parent]:
        bench.runner.execute(one)
    assert bench.status(parent) == Status.SUCCESS


def test_nobody_is_let_go_on_for_a_slot_while_paused(bench: Bench) -> None:
    """Else the slot would idle while the chosen one may not run."""
    name = f"heavy {socket.gethostname()}"
    holder, paused, other = bench.claim(bench.job()).id, bench.job(), bench.job()
    bench.do(
        lambda c: c.execute(
            "insert into machine_slots (name, task_id) values (%s, %s)", [name, holder]
        )
    )
    bench.set(holder, "slot = %s", name)
    for one in (paused, other):
        bench.set(one, "slot = %s, due_at = now() + interval '5 min'", name)
    bench.set(other, "queue = 'insights'")
    pause(bench)
    bench.set(holder, "status = 'success'")

    assert bench.row(paused)["slot"] == name
    assert bench.row(other)["slot"] is None
    resume(bench)
    assert bench.row(paused)["slot"] is None, "with the queue it goes on, too"


def test_a_provider_is_not_tried_with_a_task_that_may_not_run(bench: Bench) -> None:
    paused, other = bench.job(), bench.job()
    for one in (paused, other):
        bench.set(one, "status = 'parked', provider = 'p'")
    bench.set(other, "queue = 'insights'")
    pause(bench)
    bench.do(providers.wake)

    assert bench.status(paused) == Status.PARKED
    assert bench.status(other) == Status.QUEUED


def test_a_place_at_a_provider_is_not_kept_for_one_that_may_not_run(
    bench: Bench,
) -> None:
    on_its_way, paused, other = bench.job(), bench.job(), bench.job()
    bench.do(
        lambda c: c.execute(
            "insert into limits (name, provider, at_once, request_every_s, "
            "token_every_s, burst_s) values ('m', 'p', 1, 0, 0, 0)"
        )
    )
    bench.set(on_its_way, "waits_for = 'm'")
    for one in (paused, other):
        bench.set(one, "status = 'parked', waits_for = 'm'")
    bench.set(other, "queue = 'insights'")
    pause(bench)
    bench.do(limits.wake)

    assert bench.status(paused) == Status.PARKED
    assert bench.status(other) == Status.QUEUED


def test_a_pause_is_told_in_the_time_of_everybody() -> None:
    at = datetime(2026, 5, 4, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert "since 2026-05-03 23:30 UTC" in Paused("ben", at).reason(FILES)
