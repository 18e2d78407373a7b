"""The relay: few hints, fair ones, and none that is out unknown."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.core.db import Db
from prsnl.work.queues import Queue
from prsnl.work.relay import Relay, celery_app, due_listener
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity, say_gone, say_seen
from tests.brokers import Box
from tests.fakes.proxy import proxied
from tests.integration.work.conftest import JOB, Bench, Job

QUEUE = "file_processing"


@dataclass
class Line:
    """A relay, the broker it sends to, and the workers that it sees."""

    bench: Bench
    box: Box
    relay: Relay
    workers: list[WorkerIdentity]

    def hire(self, slots: int, *queues: str) -> None:
        """Let there be a worker."""
        worker = WorkerIdentity(kind="worker", queues=queues or (QUEUE,), slots=slots)
        self.workers.append(worker)
        self.bench.do(lambda c: say_seen(c, worker))

    def submit(self, count: int, *, owner: str = "ada") -> list[UUID]:
        """So many tasks of one owner."""
        wanted = [submission(JOB, Job(), owner=owner) for _ in range(count)]
        return [one.task_id for one in self.bench.do(lambda c: submit(c, wanted))]

    def out(self) -> list[UUID]:
        """The hints in the broker, the next one first."""
        return [UUID(one.headers["id"]) for one in self.box.messages(QUEUE)]

    def sent(self) -> int:
        """How many the rows believe out."""
        rows = self.bench.all("select 1 from tasks where sent_at is not null")
        return len(rows)

    def turn(self) -> int:
        """One look of the relay, the broker's state included."""
        self.relay._checked_at = float("-inf")
        return self.relay.turn()


@contextmanager
def relay_of(
    bench: Bench, database_url: str, broker_url: str, *, resend_after_s: float = 10
) -> Iterator[Relay]:
    """A relay of one scheduler."""
    resend_after = timedelta(seconds=resend_after_s)
    listener = due_listener(database_url)
    with (
        closing(celery_app(broker_url)) as app,
        closing(Relay(bench.database, app, listener, resend_after)) as relay,
    ):
        yield relay


@pytest.fixture
def line(bench: Bench, database_url: str, broker_url: str, box: Box) -> Iterator[Line]:
    bench.do(lambda c: say_gone(c, bench.beat.worker))
    with relay_of(bench, database_url, broker_url) as relay:
        yield Line(bench, box, relay, [])


@pytest.fixture
def idle(bench: Bench) -> None:
    """The bench's own worker is no part of the scene."""
    bench.beat._is_closed = True
    bench.beat._asking.put(None)
    bench.until(lambda: not bench.all("select 1 from workers"))


pytestmark = pytest.mark.usefixtures("idle")


def test_a_hint_says_the_name_and_the_id_and_no_more(line: Line) -> None:
    line.hire(1)
    (task_id,) = line.submit(1)

    assert line.turn() == 1
    (message,) = line.box.messages(QUEUE)
    told = message.headers
    assert (told["id"], told["task"]) == (str(task_id), "job_task")
    assert json.loads(message.body)[:2] == [[], {}]
    assert b"ada" not in message.raw


def test_twice_the_slots_are_out_and_no_more(line: Line) -> None:
    line.hire(2)
    ids = line.submit(50)

    assert [line.turn(), line.turn()] == [4, 0]
    assert line.out() == ids[:4]
    assert line.sent() == 4


def test_what_is_claimed_makes_room(line: Line) -> None:
    line.hire(2)
    ids = line.submit(50)
    line.turn()
    for task_id in ids[:4]:
        line.box.take(QUEUE)
        line.bench.claim(task_id)

    assert line.turn() >= 4


def test_without_a_worker_nothing_is_sent(line: Line) -> None:
    line.hire(2, "insights")
    line.submit(3)

    assert (line.turn(), line.sent()) == (0, 0)


@pytest.mark.parametrize("how", ["killed", "draining"])
def test_a_worker_that_is_no_more_counts_for_nothing(line: Line, how: str) -> None:
    line.hire(2)
    line.submit(3)
    change = {
        "killed": "seen_at = now() - interval '16 s'",
        "draining": "state = 'draining'",
    }[how]
    line.bench.do(lambda c: c.execute(f"update workers set {change}"))

    assert line.turn() == 0


@pytest.mark.parametrize(
    "how",
    [
        "due_at = now() + interval '1 minute'",
        "held = true",
        "status = 'parked'",
        "status = 'revoked'",
        "status = 'running'",
    ],
)
def test_only_what_can_be_claimed_is_sent(line: Line, how: str) -> None:
    line.hire(2)
    (task_id,) = line.submit(1)
    line.bench.set(task_id, how)

    assert line.turn() == 0


def test_within_an_owner_priority_comes_first_then_age(line: Line) -> None:
    line.hire(2)
    first, second, third, fourth = line.submit(4)
    line.bench.set(third, "priority = 5")
    line.bench.set(second, "due_at = now() - interval '1 minute'")
    line.turn()

    assert line.out() == [third, second, first, fourth]


def test_an_owner_with_a_thousand_tasks_does_not_delay_another(line: Line) -> None:
    line.hire(2)
    line.submit(1000, owner="bulk")
    (late,) = line.submit(1, owner="late")
    line.turn()

    assert late in line.out()


def test_owners_share_what_there_is(line: Line) -> None:
    line.hire(6)
    for owner in ("ada", "ben", "cy"):
        line.submit(100, owner=owner)
    line.turn()

    rows = line.bench.all("select owner from tasks where sent_at is not null")
    assert Counter(row["owner"] for row in rows) == {"ada": 4, "ben": 4, "cy": 4}


def test_who_has_least_running_comes_first(line: Line) -> None:
    line.hire(2)
    for task_id in line.submit(3, owner="busy"):
        line.bench.claim(task_id)
    line.submit(10, owner="busy")
    line.submit(10, owner="idle")
    line.turn()

    rows = line.bench.all("select owner from tasks where sent_at is not null")
    assert Counter(row["owner"] for row in rows) == {"idle": 3, "busy": 1}


def test_a_hint_is_sent_again_when_the_broker_has_lost_it(
    line: Line, database_url: str, broker_url: str
) -> None:
    line.hire(2)
    line.submit(3)
    line.turn()
    line.box.empty(QUEUE)
    assert line.turn() == 0, "not before its time"

    with relay_of(line.bench, database_url, broker_url, resend_after_s=0) as relay:
        assert relay.turn() == 3
    assert len(line.out()) == 3


def test_a_hint_that_waits_in_a_long_line_is_not_sent_again(
    line: Line, database_url: str, broker_url: str
) -> None:
    """Workers are busy with long tasks; the list would grow for ever."""
    line.hire(2)
    line.submit(3)
    line.turn()

    with relay_of(line.bench, database_url, broker_url, resend_after_s=0) as relay:
        assert relay.turn() == 0
    assert len(line.out()) == 3


def test_only_so_many_as_were_lost_are_sent_again(
    line: Line, database_url: str, broker_url: str
) -> None:
    line.hire(3)
    line.submit(6)
    line.turn()
    line.box.take(QUEUE, 2)

    with relay_of(line.bench, database_url, broker_url, resend_after_s=0) as relay:
        assert relay.turn() == 2


def test_a_broker_that_forgot_everything_is_told_at_once(line: Line) -> None:
    line.hire(5)
    ids = line.submit(10)
    line.turn()
    line.box.forget()

    assert line.turn() == 10
    assert sorted(line.out()) == sorted(ids)


def is_troubled(relay: Relay) -> bool:
    return relay.trouble is not None


def test_while_the_broker_is_away_nothing_is_believed_out(
    line: Line, database_url: str
) -> None:
    line.hire(2)
    line.submit(3)
    with relay_of(line.bench, database_url, "redis://127.0.0.1:1/0") as relay:
        assert relay.turn() == 0
        assert relay.trouble is not None
        assert "broker does not answer" in relay.trouble

    assert line.sent() == 0


def test_hints_that_could_not_be_sent_go_out_when_the_broker_is_back(
    line: Line, database_url: str, broker_url: str
) -> None:
    """It went away between the look at it and the sending."""
    line.hire(2)
    line.submit(3)
    with (
        proxied(broker_url) as (proxy, url),
        relay_of(line.bench, database_url, url) as relay,
    ):
        relay._check_broker()
        relay._checked_at = float("inf")
        proxy.cut()
        relay.turn()
        assert is_troubled(relay)
        assert line.sent() == 0

        proxy.mend()
        relay._checked_at = float("-inf")
        assert relay.turn() == 3
        assert not is_troubled(relay)
    assert len(line.out()) == 3


def test_a_hint_is_never_out_unknown(
    line: Line, database_url: str, broker_url: str
) -> None:
    """`sent_at` is committed before the broker has heard of it."""
    line.hire(2)
    line.submit(3)
    with (
        proxied(broker_url) as (proxy, url),
        relay_of(line.bench, database_url, url) as relay,
    ):
        relay._check_broker()
        relay._checked_at = float("inf")
        proxy.freeze()
        turning = line.bench.meanwhile(relay.turn)
        line.bench.until(lambda: line.sent() == 3)
        assert line.out() == []
        proxy.thaw()
        assert turning.result(timeout=30) == 3

    assert len(line.out()) == 3


def test_two_relays_at_once_send_each_hint_once(
    line: Line, database_url: str, broker_url: str
) -> None:
    line.hire(100)
    ids = line.submit(200)
    barrier = threading.Barrier(2, timeout=30)

    def work(relay: Relay) -> None:
        barrier.wait()
        for _ in range(5):
            relay.turn()

    with relay_of(line.bench, database_url, broker_url) as other:
        both = [
            line.bench.meanwhile(lambda r=r: work(r))  # type: ignore[misc]
            for r in (line.relay, other)
        ]
        for one in both:
            one.result()

    assert sorted(line.out()) == sorted(ids)


def test_a_task_that_is_cancelled_between_the_pick_and_the_mark_is_not_sent(
    line: Line,
) -> None:
    """Its row is locked by the cancel: the relay does not wait for it."""
    line.hire(2)
    cancelled, other = line.submit(2)
    with line.bench.database.transaction() as connection:
        connection.execute(
            "update tasks set status = 'revoked' where id = %s", [cancelled]
        )
        assert line.turn() == 1

    assert line.out() == [other]


def test_it_runs_until_it_is_told_to_stop(line: Line) -> None:
    line.hire(2)
    stop = threading.Event()
    running = line.bench.meanwhile(lambda: line.relay.run(stop))
    (task_id,) = line.submit(1)
    line.bench.until(lambda: line.out() == [task_id])
    stop.set()

    running.result(timeout=30)


def test_queues_have_windows_of_their_own(line: Line) -> None:
    line.hire(2)
    line.hire(1, str(Queue.INSIGHTS))
    line.submit(10)
    moved = line.submit(10)

    def move(connection: Db) -> None:
        connection.execute(
            "update tasks set queue = 'insights' where id = any(%s)", [moved]
        )

    line.bench.do(move)
    line.turn()

    assert len(line.box.messages(QUEUE)) == 4
    assert len(line.box.messages("insights")) == 2
