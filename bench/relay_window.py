"""Whether one owner's long queue slows the relay for another owner.

Three databases on one server take turns: one whose first owner has nothing queued,
one where he has a few thousand tasks, kept at that, and one where he has 200,000.

- The relay's turn: a relay in this process sends hints while nobody works; another
  owner submits a task before each turn, and it has to be among the hints.
- From submit to claim: a real scheduler and real workers do the first owner's
  no-op tasks, and another owner submits one now and then. As many hints are out as
  were claimed in the last second, so under load about a second is what the design
  promises; the long queue must not make it longer than the short one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from redis import Redis

sys.path.insert(0, str(Path(__file__).parent))

import machine
from prsnl.core import schema
from prsnl.core.db import Database, Db, connect
from prsnl.proving.specs import TICK, Tick
from prsnl.work.relay import Relay, celery_app, due_listener
from prsnl.work.ring import Channel, Ring, ringing
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity, say_seen
from scratch import Scratch, scratch

BIG: Final = "big"
OTHER: Final = "other"
_BATCH: Final = 5_000
_SLOTS: Final = 2
_PAUSE_S: Final = 0.1
#: Another owner's task waits no longer than with the short queue, but for noise.
ALLOWED: Final = 1.25

_TAKEN_EVERY_S: Final = 0.016
#: With the pause 500 a second, as fast workers would.
_TAKE: Final = """
update tasks set status = 'success', sent_at = null, finished_at = now()
where id in (
    select id from tasks where status = 'queued' and sent_at is not null
    order by owner desc, sent_at limit 8)
"""


@dataclass
class Side:
    """One database with its queue."""

    name: str
    queued: int
    stack: Scratch
    #: The queue is filled up while workers empty it.
    is_kept: bool = False
    turn_ms: list[float] = field(default_factory=list)
    wait_ms: list[float] = field(default_factory=list)

    def fill(self) -> None:
        """Queue the first owner's tasks up to their number."""
        with connect(self.stack.urls.database_url) as connection:
            missing = self.queued - _queued(connection)
            while missing > 0:
                submit_some(connection, BIG, min(_BATCH, missing))
                missing -= _BATCH
            connection.execute("analyze tasks")


def submit_some(connection: Db, owner: str, count: int) -> None:
    """Insert so many no-op tasks of an owner."""
    with connection.transaction():
        submit(
            connection,
            [submission(TICK, Tick(events=0), owner=owner) for _ in range(count)],
        )


def _queued(connection: Db) -> int:
    row = connection.execute(
        "select count(*) as n from tasks where status = 'queued' and owner = %s", [BIG]
    ).fetchone()
    assert row is not None
    return int(row["n"])


def main() -> int:
    """Measure in turns, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(prog="bench relay_window", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--short", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=200, help="of the relay, a side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--probes", type=int, default=40, help="of each round")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.rows, asked.turns, asked.rounds, asked.probes = 20_000, 50, 1, 20
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    print(machine.described())
    with scratch() as stack:
        sides = [
            Side("nothing", 0, _with_database(stack, "nothing", 1)),
            Side("short", asked.short, _with_database(stack, "short", 2), is_kept=True),
            Side("long", asked.rows, _with_database(stack, "long", 3)),
        ]
        for side in sides:
            side.fill()
        _time_turns(sides, asked.turns)
        for _ in range(asked.rounds):
            for side in sides:
                side.fill()
                _time_claims(side, asked.probes)
    return _report(sides, asked)


def _with_database(stack: Scratch, name: str, broker_number: int) -> Scratch:
    """The same stack with a database of its own on both servers."""
    with connect(stack.urls.database_url) as connection:
        connection.execute(f"create database {name}")
    urls = replace(
        stack.urls,
        database_url=f"{stack.urls.database_url.rsplit('/', 1)[0]}/{name}",
        broker_url=f"{stack.urls.broker_url.rsplit('/', 1)[0]}/{broker_number}",
    )
    schema.migrate(urls.database_url)
    return replace(stack, urls=urls)


@dataclass
class _Bench:
    """A relay that nobody works for."""

    side: Side
    database: Database
    relay: Relay
    broker: Redis

    def turn(self) -> None:
        """Time one turn that sends something, and claim a few."""
        with self.database.connection() as connection:
            say_seen(connection, _WORKER)
            submit_some(connection, OTHER, 1)
            sent = 0
            while not sent:
                started_at = time.perf_counter()
                sent = self.relay.turn()
                turn_ms = 1000 * (time.perf_counter() - started_at)
                connection.execute(_TAKE)
                time.sleep(_TAKEN_EVERY_S)
            self.side.turn_ms.append(turn_ms)
            waits = connection.execute(
                "select 1 as ok from tasks where owner = %s and status = 'queued' "
                "and sent_at is null",
                [OTHER],
            ).fetchone()
            assert waits is None, "The other owner's task was not among the hints."
        self.broker.delete(str(TICK.queue))


_WORKER: Final = WorkerIdentity(kind="worker", queues=(str(TICK.queue),), slots=_SLOTS)


@contextmanager
def _relaying(side: Side) -> Iterator[_Bench]:
    urls = side.stack.urls
    with (
        Database.open(urls.database_url, size=2, name="bench") as database,
        Redis.from_url(urls.broker_url) as broker,
    ):
        relay = Relay(
            database,
            celery_app(urls.broker_url),
            due_listener(urls.database_url),
            timedelta(hours=1),
        )
        yield _Bench(side, database, relay, broker)
        with database.connection() as connection:
            connection.execute("truncate workers")


def _time_turns(sides: list[Side], turns: int) -> None:
    with (
        _relaying(sides[0]) as first,
        _relaying(sides[1]) as second,
        _relaying(sides[2]) as third,
    ):
        for _ in range(turns):
            for bench in (first, second, third):
                bench.turn()
    for side in sides:
        del side.turn_ms[: turns // 10]  # the first ones plan and connect


def _time_claims(side: Side, probes: int) -> None:
    supervisor = side.stack.supervisor
    url = side.stack.urls.database_url
    workers = [f"worker-{number}" for number in range(_SLOTS)]
    supervisor.add(side.stack.spec("scheduler", "prsnl.proving.scheduler"))
    for name in workers:
        module = ("prsnl.proving.worker", str(TICK.queue))
        supervisor.add(side.stack.spec(name, *module))
    try:
        with connect(url) as connection, ringing(url) as ring:
            since = _database_now(connection)
            for _ in range(10):  # warm, and under load where there is one
                _probe(connection, ring)
                time.sleep(0.5)
            measured = _database_now(connection)
            with _kept(side):
                for _ in range(probes):
                    _probe(connection, ring)
                    time.sleep(_PAUSE_S)
                _until_claimed(connection, since)
            rows = connection.execute(
                "select extract(epoch from claimed_at - created_at)::float as s "
                "from tasks where owner = %s and created_at > %s",
                [OTHER, measured],
            ).fetchall()
            side.wait_ms += [1000 * row["s"] for row in rows]
    finally:
        for name in (*workers, "scheduler"):
            supervisor.remove(name, wait=False)
        for name in (*workers, "scheduler"):
            supervisor.remove(name)


@contextmanager
def _kept(side: Side) -> Iterator[None]:
    """Keep the short queue at its length while the block runs."""
    stop = threading.Event()

    def keep() -> None:
        with connect(side.stack.urls.database_url) as connection:
            while not stop.wait(0.25):
                missing = side.queued - _queued(connection)
                if missing > 0:
                    submit_some(connection, BIG, missing)

    thread = threading.Thread(target=keep, name="keeper")
    if side.is_kept:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if side.is_kept:
            thread.join()


def _probe(connection: Db, ring: Ring) -> None:
    submit_some(connection, OTHER, 1)
    ring.ring(Channel.DUE)


def _database_now(connection: Db) -> object:
    row = connection.execute("select now() as at").fetchone()
    assert row is not None
    return row["at"]


def _until_claimed(connection: Db, since: object) -> None:
    give_up_at = time.monotonic() + 120
    while connection.execute(
        "select 1 as ok from tasks where owner = %s and created_at > %s "
        "and claimed_at is null limit 1",
        [OTHER, since],
    ).fetchone():
        if time.monotonic() > give_up_at:
            raise TimeoutError("The other owner's tasks were not claimed.")
        time.sleep(0.1)


def _report(sides: list[Side], asked: argparse.Namespace) -> int:
    print(
        f"\nmedian and 95th percentile; {asked.turns} turns, "
        f"{asked.rounds * asked.probes} probes in {asked.rounds} interleaved rounds"
    )
    rows = []
    short_ms = statistics.median(sides[1].wait_ms)
    for side in sides:
        turn_ms, wait_ms = _percentiles(side.turn_ms), _percentiles(side.wait_ms)
        rows.append(
            [
                f"{side.name} ({side.queued:,} rows)",
                f"{turn_ms[0]:.1f}",
                f"{turn_ms[1]:.1f}",
                f"{wait_ms[0]:.0f}",
                f"{wait_ms[1]:.0f}",
                f"{wait_ms[0] / short_ms:.2f}",
            ]
        )
    heads = ["queued", "turn ms", "p95", "submit to claim ms", "p95", "of short"]
    print(machine.table(heads, rows))
    is_slower = statistics.median(sides[2].wait_ms) > ALLOWED * short_ms
    print(f"allowed: the long queue at most {ALLOWED} of the short one")
    return 1 if is_slower else 0


def _percentiles(told: list[float]) -> tuple[float, float]:
    return statistics.median(told), statistics.quantiles(told, n=20)[-1]


if __name__ == "__main__":
    raise SystemExit(main())
