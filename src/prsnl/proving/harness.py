"""`./prsnl prove`: a real load, real faults, and the books checked at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import psutil
from rich.console import Console
from rich.table import Table

from prsnl.core.db import LOST, Db, connect
from prsnl.core.errors import StartError
from prsnl.proving.audit import Audit, audit
from prsnl.proving.faults import FAULTS, Fault, Scene
from prsnl.proving.specs import COUNT, SPREAD, Count, Spread
from prsnl.proving.stack import URLS_FILE, WORKER, WORKERS, urls_of
from prsnl.work.ring import Channel
from prsnl.work.submit import Submission, submission, submit

T = TypeVar("T")

_OWNERS: Final = ("ada", "ben", "cy")
_START_TIMEOUT_S: Final = 90.0
_POLL_S: Final = 0.1
_RECONNECT_S: Final = 0.2

#: Makes the next task of the load, under an idempotency key.
Job: TypeAlias = Callable[[Random, str], Submission]


def mixed_job(random: Random, key: str) -> Submission:
    """Counting tasks of several shapes, one in twenty a parent."""
    owner = random.choice(_OWNERS)
    if random.random() < 0.05:  # noqa: PLR2004 - one in twenty is a parent
        command = Spread(children=5, at_once=2, child=Count(stages=2, work_ms=10))
        return submission(SPREAD, command, owner=owner, idempotency_key=key)
    return submission(
        COUNT,
        Count(
            stages=4,
            units=random.choice([1, 1, 3]),
            work_ms=random.choice([1, 10, 100]),
            in_child=random.random() < 0.3,  # noqa: PLR2004 - enough to hit some
        ),
        owner=owner,
        idempotency_key=key,
    )


@dataclass(frozen=True)
class Plan:
    """What a run is."""

    seconds: float
    seed: int
    #: Between two faults, on average.
    fault_every_s: float = 4.0
    lease_s: float = 6.0
    faults: Sequence[Fault] = FAULTS
    worker: str = WORKER
    job: Job = mixed_job
    #: So many unfinished tasks are kept in the queue while faults go on.
    backlog: int = 60
    #: Added to the environment of the stack.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: The tasks still open when the load ends have so long.
    settle_s: float = 120.0


@dataclass
class Report:
    """What came of a run."""

    seed: int
    seconds: float
    faults: Tally[str]
    audit: Audit
    #: Seconds by kind of fault, from the fault to the next claim of what it hurt, or
    #: to the next end of any task.
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(
            {
                "seed": self.seed,
                "seconds": round(self.seconds, 1),
                "faults": dict(self.faults),
                **asdict(self.audit),
                "clean": self.audit.is_clean,
                "recovery_s": {
                    name: {"p50": _quantile(times, 50), "p95": _quantile(times, 95)}
                    for name, times in self.recoveries_s.items()
                    if times
                },
            }
        )


@dataclass
class _Injected:
    name: str
    at: float
    #: Task and claim of what the hurt workers had in hand.
    victims: list[tuple[UUID, int]]


@dataclass
class Harness:
    """Runs one plan on a data folder of its own."""

    plan: Plan
    data_dir: Path
    say: Callable[[str], None]

    def run(self) -> Report:
        """Load, hurt, settle, audit."""
        began = time.monotonic()
        with self.stack() as scene:
            ids, injected = self._load(scene)
            self._settle(scene, ids)
            return Report(
                seed=self.plan.seed,
                seconds=time.monotonic() - began,
                faults=Tally(one.name for one in injected),
                audit=audit(scene.connection, ids),
                recoveries_s=_recoveries(scene.connection, injected),
            )

    def _load(self, scene: Scene) -> tuple[list[UUID], list[_Injected]]:
        ids: list[UUID] = []
        injected: list[_Injected] = []
        faults = _in_turn(self.plan.faults, scene.random)
        self._await_workers(scene)
        ends_at = time.monotonic() + self.plan.seconds
        fault_at = time.monotonic() + self.plan.fault_every_s
        while time.monotonic() < ends_at:
            self._top_up(scene, ids)
            if time.monotonic() >= fault_at:
                fault = next(faults)
                injected.append(self._inject(scene, fault))
                self.say(f"{len(ids):6} tasks   {fault.name}")
                fault_at = time.monotonic() + scene.random.uniform(
                    0.5 * self.plan.fault_every_s, 1.5 * self.plan.fault_every_s
                )
            time.sleep(_POLL_S)
        return ids, injected

    def _await_workers(self, scene: Scene) -> None:
        gives_up_at = time.monotonic() + _START_TIMEOUT_S

        def there(connection: Db) -> int:
            row = connection.execute(
                "select count(*) as n from workers where kind = 'worker'"
            ).fetchone()
            return int(row["n"]) if row else 0

        while time.monotonic() < gives_up_at and _again(scene, there) < WORKERS:
            time.sleep(_POLL_S)

    def _inject(self, scene: Scene, fault: Fault) -> _Injected:
        before = _again(
            scene,
            lambda c: c.execute(
                "select t.id, t.claim_no, w.pid from tasks t "
                "join workers w on w.id = t.worker_id where t.status = 'running'"
            ).fetchall(),
        )
        at = _again(scene, _now)
        hurt = fault.inject(scene)
        victims = [(row["id"], row["claim_no"]) for row in before if row["pid"] in hurt]
        return _Injected(fault.name, at, victims)

    def _top_up(self, scene: Scene, ids: list[UUID]) -> None:
        """Keep a backlog; the same submit again after a lost answer is one task."""

        def work(connection: Db) -> None:
            row = connection.execute(
                "select count(*) as n from tasks "
                "where status in ('queued', 'running', 'waiting') and parent_id is null"
            ).fetchone()
            assert row is not None
            wanted = [
                self.plan.job(scene.random, f"{self.plan.seed}/{len(ids) + number}")
                for number in range(max(0, self.plan.backlog - row["n"]))
            ]
            if wanted:
                told = submit(connection, wanted)
                ids.extend(one.task_id for one in told)
                connection.execute(f"notify {Channel.DUE}")

        _again(scene, work)

    def _settle(self, scene: Scene, ids: list[UUID]) -> None:
        self.say(f"{len(ids):6} tasks   no more faults; waiting for the rest to end")
        gives_up_at = time.monotonic() + self.plan.settle_s

        def is_open(connection: Db) -> bool:
            row = connection.execute(
                "select exists (select 1 from tasks where id = any(%s) and status in "
                "('queued', 'running', 'parked', 'waiting')) as open",
                [ids],
            ).fetchone()
            return bool(row and row["open"])

        while time.monotonic() < gives_up_at and _again(scene, is_open):
            time.sleep(_POLL_S)

    @contextmanager
    def stack(self) -> Iterator[Scene]:
        """The stack of the data folder, running while the block does."""
        process = self._start()
        scene = Scene(
            data_dir=self.data_dir,
            urls=urls_of(self.data_dir),
            connection=connect(urls_of(self.data_dir).database_url),
            random=Random(self.plan.seed),  # noqa: S311 - a run is repeated by its seed
            lease_s=self.plan.lease_s,
            root=psutil.Process(process.pid),
            restart=lambda: None,
            pause=time.sleep,
        )

        def restart() -> None:
            nonlocal process
            process.wait()
            process = self._start()
            scene.root = psutil.Process(process.pid)
            scene.urls = urls_of(self.data_dir)

        scene.restart = restart
        try:
            yield scene
        finally:
            scene.connection.close()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)

    def _start(self) -> subprocess.Popen[bytes]:
        (self.data_dir / URLS_FILE).unlink(missing_ok=True)
        log = self.data_dir / "prove.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "prsnl.proving.stack",
                    str(self.data_dir),
                    self.plan.worker,
                ],
                stdout=output,
                stderr=output,
                env=_environment(self.plan),
                start_new_session=True,
            )
        gives_up_at = time.monotonic() + _START_TIMEOUT_S
        while not (self.data_dir / URLS_FILE).exists():
            if process.poll() is not None or time.monotonic() > gives_up_at:
                raise StartError(
                    "The stack did not start: " + log.read_text(errors="replace")[-500:]
                )
            time.sleep(_POLL_S)
        return process


def main(
    *,
    minutes: float = 2.0,
    seed: int = 1,
    as_json: bool = False,
    lease_s: float = 6.0,
    data_dir: Path | None = None,
) -> int:
    """Prove it here; the exit status is 1 if any promise was broken."""
    console = Console(stderr=as_json)
    with passable_folder() as made:
        harness = Harness(
            Plan(seconds=minutes * 60, seed=seed, lease_s=lease_s),
            data_dir or made,
            say=lambda line: console.print(line, highlight=False),
        )
        report = harness.run()
    if as_json:
        print(report.as_json())  # noqa: T201 - what was asked for
    else:
        console.print(_table(report))
        console.print(_sentence(report))
    return 0 if report.audit.is_clean else 1


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder of its own: the database's user may pass through it, and not look."""
    with tempfile.TemporaryDirectory(prefix="prsnl-prove-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def _table(report: Report) -> Table:
    table = Table("fault", "times", "recovery p50", "p95", box=None)
    for name, times in sorted(report.faults.items()):
        took = report.recoveries_s.get(name, [])
        table.add_row(
            name,
            str(times),
            f"{_quantile(took, 50):.1f} s" if took else "-",
            f"{_quantile(took, 95):.1f} s" if took else "-",
        )
    return table


def _sentence(report: Report) -> str:
    told = report.audit
    return (
        f"{told.tasks} tasks, {report.faults.total()} faults in "
        f"{report.seconds:.0f} s (seed {report.seed}): lost {told.lost}, doubled "
        f"{told.doubled}, missing {told.missing}, stuck {told.stuck}, failed "
        f"{told.failed}, stages run again {told.stages_run_again}, stale writes "
        f"{told.stale_writes}, progress back {told.progress_back}."
    )


def _environment(plan: Plan) -> dict[str, str]:
    return {
        **os.environ,
        "PRSNL_LEASE_S": str(plan.lease_s),
        "PRSNL_RETRY_WAITS_SCALE": "0.01",
        **plan.environment,
    }


def _in_turn(faults: Sequence[Fault], random: Random) -> Iterator[Fault]:
    """Every kind once before any comes again."""
    while True:
        yield from random.sample(faults, len(faults))


def _again(scene: Scene, work: Callable[[Db], T]) -> T:
    """Do *work*, and again on a new connection while the database is away."""
    gives_up_at = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            return work(scene.connection)
        except LOST:
            if time.monotonic() > gives_up_at:
                raise
            time.sleep(_RECONNECT_S)
            scene.connection.close()
            with suppress(*LOST):
                scene.connection = connect(scene.urls.database_url)


def _now(connection: Db) -> float:
    row = connection.execute(
        "select extract(epoch from clock_timestamp())::float8 as at"
    ).fetchone()
    assert row is not None
    return float(row["at"])


def _recoveries(
    connection: Db, injected: Sequence[_Injected]
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}
    for one in injected:
        times = took.setdefault(one.name, [])
        for task_id, claim_no in one.victims:
            row = connection.execute(
                "select extract(epoch from min(started_at))::float8 as at "
                "from celery_task_results where task_id = %s and claim_no > %s",
                [task_id, claim_no],
            ).fetchone()
            if row is not None and row["at"] is not None:
                times.append(row["at"] - one.at)
        if not one.victims:
            row = connection.execute(
                "select extract(epoch from min(finished_at))::float8 as at "
                "from celery_task_results where finished_at > to_timestamp(%s)",
                [one.at],
            ).fetchone()
            if row is not None and row["at"] is not None:
                times.append(row["at"] - one.at)
    return took


def _quantile(times: Sequence[float], percent: int) -> float:
    if len(times) == 1:
        return round(times[0], 2)
    return round(quantiles(times, n=100, method="inclusive")[percent - 1], 2)
