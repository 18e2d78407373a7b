"""Tasks a second through the whole core, beside bare Celery on the same broker.

Three sides take turns in one run. Each has all its tasks waiting and its processes
warm, then the tasks are released at one moment, and the clock stops when the last one
has ended:

- `core`: the relay sends hints, the workers claim rows, each task tells five steps
  and returns a result; the rows are inserted by one transaction, and its COMMIT
  releases them.
- `celery`: a task that returns a result, by a prefork pool with acks_late and the
  default prefetch; the messages wait in a list of another name, and its RENAME
  releases them.
- `celery + 5 states`: the same, with five `update_state` calls.

Both kinds of workers run at nice 10, in their sessions too, and the servers at 0.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import structlog
from redis import Redis

sys.path.insert(0, str(Path(__file__).parent))

import costs
import machine
from prsnl.core.db import Db, connect
from prsnl.proving.specs import TICK, Tick
from prsnl.work.ring import Channel, ringing
from prsnl.work.submit import submission, submit
from scratch import Scratch, scratch

EVENTS: Final = 5
WARM_UP: Final = 200
_LONGEST_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.05
_BARE_QUEUE: Final = "bare"
_STAGED: Final = "bare_staged"


@dataclass(frozen=True)
class Run:
    """One side's turn."""

    seconds: float
    tasks: int
    #: Seconds of CPU by group of processes.
    cpu_s: Mapping[str, float]
    #: At the end of the turn.
    memory: Mapping[str, costs.Memory]

    @property
    def per_s(self) -> float:
        """Tasks a second."""
        return self.tasks / self.seconds


class Side(Protocol):
    """One of the alternatives."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the supervisor's processes, by group."""

    def running(self, stack: Scratch) -> AbstractContextManager[None]:
        """While the block runs its processes are there, with nothing to do."""

    def carry(self, stack: Scratch, tasks: int) -> float:
        """Release so many tasks; the seconds until the last one has ended."""


@dataclass
class Core:
    """Rows decide, Celery carries."""

    workers: int
    module: str = "prsnl.proving.worker"
    name: str = "core"
    groups: dict[str, tuple[str, ...]] = field(init=False)
    #: Rows stored for each task, by table; known after a turn.
    rows: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = {
            "workers": tuple(f"worker-{n}" for n in range(self.workers)),
            "scheduler": ("scheduler",),
            "postgres": ("postgres",),
            "valkey": ("valkey",),
        }

    @contextmanager
    def running(self, stack: Scratch) -> Iterator[None]:
        """A scheduler, and workers of one queue."""
        with connect(stack.urls.database_url) as connection:
            connection.execute("truncate tasks, workers cascade")
        stack.supervisor.add(stack.spec("scheduler", "prsnl.proving.scheduler"))
        for name in self.groups["workers"]:
            stack.supervisor.add(stack.spec(name, self.module, str(TICK.queue)))
        with connect(stack.urls.database_url) as connection:
            there = "workers where kind = 'worker'"
            _until(lambda: _count(connection, there) == self.workers)
        try:
            yield
        finally:
            for name in (*self.groups["workers"], "scheduler"):
                stack.supervisor.remove(name, wait=False)
            for name in (*self.groups["workers"], "scheduler"):
                stack.supervisor.remove(name)

    def carry(self, stack: Scratch, tasks: int) -> float:
        """The COMMIT of one INSERT releases the rows."""
        wanted = [
            submission(TICK, Tick(events=EVENTS), owner="bench") for _ in range(tasks)
        ]
        url = stack.urls.database_url
        with connect(url) as connection, ringing(url) as ring:
            connection.execute("truncate tasks cascade")
            with connection.transaction():
                submit(connection, wanted)
                released = connection.execute(
                    "select clock_timestamp() as at"
                ).fetchone()
            ring.ring(Channel.DUE)
            # Seldom: it counts rows, and the rows themselves say when they ended.
            ended = "tasks where finished_at > '-infinity'"
            _until(lambda: _count(connection, ended) == tasks, every_s=0.5)
            assert _count(connection, "tasks where status = 'success'") == tasks
            self.rows = {
                table: _count(connection, table) / tasks
                for table in ("tasks", "celery_task_results", "task_progress")
            }
            assert released is not None
            row = connection.execute(
                "select extract(epoch from max(finished_at) - %s)::float as s "
                "from tasks",
                [released["at"]],
            ).fetchone()
            assert row is not None
            return float(row["s"])


@dataclass
class Bare:
    """Celery as most people run it."""

    children: int
    name: str
    task: str
    groups: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"celery": ("celery",), "valkey": ("valkey",)}
    )

    @contextmanager
    def running(self, stack: Scratch) -> Iterator[None]:
        """One prefork parent with its children."""
        with _broker(stack) as broker:
            broker.flushall()
        more = {"BARE_RESULTS_URL": _results_url(stack)}
        argv = ("celery", "-A", "bare_celery", "worker", f"-c{self.children}")
        stack.supervisor.add(stack.spec("celery", *argv, nice=10, more=more))
        try:
            _until(lambda: bool(stack.pids("celery")))
            _give_way(stack.pids("celery")[0])
            yield
        finally:
            stack.supervisor.remove("celery")

    def carry(self, stack: Scratch, tasks: int) -> float:
        """The RENAME of a list releases the messages."""
        with (
            _broker(stack) as broker,
            Redis.from_url(_results_url(stack)) as results,
        ):
            results.flushdb()
            self._stage(stack, tasks)
            released_at = time.monotonic()
            broker.rename(_STAGED, _BARE_QUEUE)
            _until(lambda: _nothing_left(broker), every_s=0.01)
            seconds = time.monotonic() - released_at
            stored = list(results.scan_iter("celery-task-meta-*", count=1000))
            done = [value for value in results.mget(stored) if b"SUCCESS" in value]
            assert len(done) == tasks, f"{len(done)} of {tasks} results"
            return seconds

    def _stage(self, stack: Scratch, tasks: int) -> None:
        from celery import Celery  # noqa: PLC0415 - only this side has use for it

        app = Celery("bench", broker=stack.urls.broker_url, set_as_current=False)
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(tasks):
                app.send_task(
                    self.task,
                    args=[EVENTS],
                    queue=_STAGED,
                    producer=producer,
                    ignore_result=False,
                )
        app.close()


def _give_way(pid: int) -> None:
    """As our own workers do: niceness counts within a session alone."""
    with suppress(OSError):
        Path("/proc", str(pid), "autogroup").write_text("10", encoding="ascii")


def _results_url(stack: Scratch) -> str:
    return f"{stack.urls.broker_url.rsplit('/', 1)[0]}/1"


def _broker(stack: Scratch) -> Redis:
    return Redis.from_url(stack.urls.broker_url)


def _nothing_left(broker: Redis) -> bool:
    """Nothing waits, and every message taken was acknowledged: after its result."""
    both = broker.pipeline(transaction=True)
    both.llen(_BARE_QUEUE)
    both.hlen("unacked")
    return not any(both.execute())


def _count(connection: Db, what: str) -> int:
    row = connection.execute(f"select count(*) as n from {what}").fetchone()
    assert row is not None
    return int(row["n"])


def _until(is_so: Callable[[], bool], *, every_s: float = _LOOK_EVERY_S) -> None:
    give_up_at = time.monotonic() + _LONGEST_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"Not done after {_LONGEST_S:.0f} s.")
        time.sleep(every_s)


def measure(stack: Scratch, side: Side, tasks: int) -> Run:
    """One turn of one side, warmed up."""
    with side.running(stack):
        side.carry(stack, WARM_UP)
        pids = {group: stack.pids(*names) for group, names in side.groups.items()}
        before = {group: costs.cpu_s(roots) for group, roots in pids.items()}
        seconds = side.carry(stack, tasks)
        return Run(
            seconds,
            tasks,
            {group: costs.cpu_s(pids[group]) - before[group] for group in pids},
            {group: costs.memory(roots) for group, roots in pids.items()},
        )


def main() -> int:
    """Measure in turns, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(prog="bench throughput", description=__doc__)
    parser.add_argument("--tasks", type=int, default=3000, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=machine.cores())
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--only", choices=["core", "celery", "states"], action="append")
    parser.add_argument("--worker-module", default="prsnl.proving.worker")
    asked = parser.parse_args()
    if asked.quick:
        asked.tasks, asked.rounds = 500, 1
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    core = Core(asked.workers, asked.worker_module)
    sides: dict[str, Side] = {
        "core": core,
        "celery": Bare(asked.workers, "celery", "plain"),
        "states": Bare(asked.workers, "celery + 5 states", "telling"),
    }
    chosen = [side for key, side in sides.items() if key in (asked.only or sides)]
    print(machine.described())
    print(machine.versions("celery", "kombu", "redis", "psycopg"))
    runs: dict[str, list[Run]] = {side.name: [] for side in chosen}
    with scratch() as stack:
        for number in range(1, asked.rounds + 1):
            for side in chosen:
                run = measure(stack, side, asked.tasks)
                runs[side.name].append(run)
                print(f"  round {number}: {side.name} {run.per_s:.0f}/s", flush=True)
    return _report(runs, core, asked)


def _report(
    runs: Mapping[str, list[Run]], core: Core, asked: argparse.Namespace
) -> int:
    per_s = {
        name: statistics.median(run.per_s for run in turns)
        for name, turns in runs.items()
    }
    base = per_s.get("core")
    print(
        f"\n{asked.tasks} tasks a turn, {asked.workers} workers, "
        f"medians of {asked.rounds} interleaved rounds, fsync on"
    )
    rows = [
        [
            name,
            f"{per_s[name]:.0f}",
            f"{min(r.per_s for r in turns):.0f}-{max(r.per_s for r in turns):.0f}",
            f"{base / per_s[name]:.2f}" if base else "-",
        ]
        for name, turns in runs.items()
    ]
    print(machine.table(["side", "tasks/s", "least-most", "core / it"], rows))
    print("\nRows the core stored for each task:", end=" ")
    print(", ".join(f"{table} {count:g}" for table, count in core.rows.items()))
    print("\nSeconds of CPU for 1,000 tasks; memory at the end of a turn")
    print(machine.table(["side: group", "CPU s", "PSS MiB", "peak RSS"], _costs(runs)))
    if base is None or "celery" not in per_s:
        return 0
    return 0 if base >= max(v for k, v in per_s.items() if k != "core") else 1


def _costs(runs: Mapping[str, list[Run]]) -> list[list[str]]:
    rows = []
    for name, turns in runs.items():
        for group in turns[0].cpu_s:
            cpu_s = statistics.median(1000 * t.cpu_s[group] / t.tasks for t in turns)
            pss = statistics.median(t.memory[group].pss_mib for t in turns)
            peak = max(t.memory[group].peak_rss_mib for t in turns)
            told = [f"{name}: {group}", f"{cpu_s:.2f}", f"{pss:.0f}", f"{peak:.0f}"]
            rows.append(told)
        whole_s = statistics.median(
            1000 * sum(t.cpu_s.values()) / t.tasks for t in turns
        )
        whole_mib = statistics.median(
            sum(m.pss_mib for m in t.memory.values()) for t in turns
        )
        rows.append([f"{name}: all", f"{whole_s:.2f}", f"{whole_mib:.0f}", ""])
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
