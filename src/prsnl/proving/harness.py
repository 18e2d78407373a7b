"""`./prsnl prove`: a real load, real faults, and the books checked at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import psutil

from prsnl.core.db import LOST, Db, connect
from prsnl.core.errors import PrsnlError, StartError
from prsnl.embedded import tether
from prsnl.proving.audit import audit, unfinished
from prsnl.proving.disk import SmallDisk
from prsnl.proving.faults import FAULTS, FILL_DISK, PICKLE_RAN, Fault
from prsnl.proving.load import NO_MIX, Job, Load, Loading, Mix, mixed_job, open_load
from prsnl.proving.provider import MODEL
from prsnl.proving.recovery import Injected, recoveries
from prsnl.proving.report import Report
from prsnl.proving.scene import Scene, children, kill
from prsnl.proving.stack import URLS_FILE, WORKER, WORKERS, urls_of
from prsnl.work import control

_START_TIMEOUT_S: Final = 90.0
_STOP_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.1
#: A run may take so many times as long where not every fault was done.
_LONGEST_TIMES: Final = 4
#: At least, where a fault took longer than its turn.
_BETWEEN_S: Final = 1.0
_TELL_EVERY_S: Final = 15.0
_PORT_FILE: Final = "provider-port"
_PROVIDER_TIMEOUT_S: Final = 2.0
#: A task that failed with a reason is retried so often: a person would give up, too.
_RETRIES: Final = 3

_OPEN: Final = """
select count(*) filter (
           where status in ('queued', 'running', 'parked', 'waiting')) as open,
       count(*) filter (where status = 'success') as done
from tasks
"""

#: What failed for a reason that has passed, and that its row tells: a provider that
#: was away or lied, a third kill in a row with nothing done between them.
_TOLD: Final = """
select id, owner, error_code from tasks
where status in ('failure', 'dead') and error_code in (
    'unusable_answer', 'provider_failed', 'provider_silent',
    'child_crashed', 'out_of_memory')
"""


@dataclass(frozen=True)
class Plan:
    """What a run is."""

    seconds: float
    seed: int
    #: From one fault to the next, on average.
    fault_every_s: float = 3.6
    lease_s: float = 6.0
    faults: Sequence[Fault] = FAULTS
    worker: str = WORKER
    job: Job = mixed_job
    mix: Mix = NO_MIX
    workers: int = WORKERS
    #: So many unfinished tasks are kept in the queue while faults go on.
    backlog: int = 60
    #: Added to the environment of the stack.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: The tasks still open when the load ends have so long.
    settle_s: float = 120.0
    has_provider: bool = False


@dataclass
class Harness:
    """Runs one plan on a data folder of its own.

    Attributes:
        plan: What is done.
        folder: Of this run alone; the stack's data folder is made in it.
        say: Told what happens, line by line.
        disk: The small disk that the data folder is on, if it is.
    """

    plan: Plan
    folder: Path
    say: Callable[[str], None]
    disk: SmallDisk | None = None

    def __post_init__(self) -> None:
        self.data_dir = self.folder / "data"
        self.data_dir.mkdir(mode=0o711, exist_ok=True)
        self._log = self.folder / "prove.log"
        self._injected: list[Injected] = []
        self._began_s = time.monotonic()
        self._told_s = self._began_s
        self._starts = 0

    def run(self) -> Report:
        """Load, hurt, settle, audit."""
        with (
            self.stack() as scene,
            open_load(
                scene, seed=self.plan.seed, job=self.plan.job, mix=self.plan.mix
            ) as load,
        ):
            self._await_workers(scene)
            self._began_s = time.monotonic()
            self._hurt(scene, load)
            seconds = time.monotonic() - self._began_s
            asked_again = self._settle(scene, load)
            scene.again(lambda connection: connection.execute("select 1"))
            return Report(
                seed=self.plan.seed,
                seconds=seconds,
                lease_s=self.plan.lease_s,
                audit=audit(
                    scene.connection,
                    load.ids,
                    load.put_in,
                    opened_pickles=int((self.data_dir / PICKLE_RAN).exists()),
                ),
                recovery=recoveries(
                    scene.connection, self._injected, lease_s=self.plan.lease_s
                ),
                asked_again=asked_again,
                database_starts=self._starts,
                unfinished=unfinished(scene.connection),
            )

    def _hurt(self, scene: Scene, load: Loading) -> None:
        scene.pause = lambda seconds: self._go_on(scene, load, seconds)
        possible = [fault for fault in self.plan.faults if fault.needs(scene)]
        faults = _in_turn(possible, scene.random)
        began_at = time.monotonic()
        every_s = min(self.plan.fault_every_s, self.plan.seconds / (len(possible) + 1))
        fault_at = began_at + every_s
        while self._goes_on(time.monotonic() - began_at, possible):
            if time.monotonic() >= fault_at:
                fault_at += scene.random.uniform(0.5, 1.5) * every_s
                self._inject(scene, load, next(faults))
                fault_at = max(fault_at, time.monotonic() + _BETWEEN_S)
            scene.pause(_POLL_S)

    def _goes_on(self, seconds: float, possible: Sequence[Fault]) -> bool:
        """Whether there is time left, or on a slow machine a fault not done yet."""
        done = {one.fault.name for one in self._injected}
        is_done = {fault.name for fault in possible} <= done
        longest_s = self.plan.seconds * (1 if is_done else _LONGEST_TIMES)
        return seconds < longest_s

    def _go_on(self, scene: Scene, load: Loading, seconds: float) -> None:
        """Let time pass; submit, and look who is back."""
        until = time.monotonic() + seconds
        while True:
            load.top_up(scene, self.plan.backlog)
            self._look(scene)
            self._tell(scene)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(left_s, _POLL_S))

    def _look(self, scene: Scene) -> None:
        for one in self._injected:
            one.hurt.look(scene)

    def _inject(self, scene: Scene, load: Loading, fault: Fault) -> None:
        starts = self._database_starts()
        hurt = fault.inject(scene)
        if hurt is None:
            self._say(load, f"{fault.name}: nobody was there to be hurt")
            return
        self._injected.append(Injected(fault, hurt))
        self._say(load, fault.name)
        if fault.name == FILL_DISK:
            self._starts = max(self._starts, self._database_starts() - starts)

    def _database_starts(self) -> int:
        """How often the supervisor has seen the database end."""
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()
            return sum("supervisor.ended" in one and "postgres" in one for one in lines)
        return 0

    def _await_workers(self, scene: Scene) -> None:
        gives_up_at = time.monotonic() + _START_TIMEOUT_S

        def there(connection: Db) -> int:
            row = connection.execute(
                "select count(*) as n from workers where kind = 'worker'"
            ).fetchone()
            return int(row["n"]) if row else 0

        while time.monotonic() < gives_up_at and scene.again(there) < self.plan.workers:
            time.sleep(_POLL_S)

    def _settle(self, scene: Scene, load: Load) -> dict[str, int]:
        """Wait until all has ended; retry what has failed for a reason that passed."""
        self._say(load, "no more faults; waiting for the rest to end")
        asked_again: Tally[str] = Tally()
        for _ in range(_RETRIES + 1):
            self._await_end(scene, load)
            told = scene.again(lambda c: c.execute(_TOLD).fetchall())
            for row in told:
                with suppress(PrsnlError):  # its parent has taken it along
                    control.retry(scene.connection, row["id"], owner=row["owner"])
                    asked_again[row["error_code"]] += 1
            if not told:
                break
        return dict(asked_again)

    def _await_end(self, scene: Scene, load: Load) -> None:
        gives_up_at = time.monotonic() + self.plan.settle_s
        while time.monotonic() < gives_up_at:
            with suppress(PrsnlError):
                load.finish(scene)
            self._look(scene)
            self._tell(scene)
            row = scene.again(lambda c: c.execute(_OPEN).fetchone())
            if row is not None and not row["open"] and not load.waiting:
                return
            time.sleep(_POLL_S)

    def _tell(self, scene: Scene) -> None:
        """Now and then, how far it is."""
        if time.monotonic() - self._told_s < _TELL_EVERY_S:
            return
        self._told_s = time.monotonic()
        with suppress(*LOST):
            row = scene.connection.execute(_OPEN).fetchone()
            if row is not None:
                self.say(f"{self._clock()}  {row['done']} done, {row['open']} open")

    def _say(self, load: Loading, what: str) -> None:
        self.say(f"{self._clock()}  {len(load.ids):5} submitted   {what}")

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began_s)
        return f"{seconds // 60:2}:{seconds % 60:02}"

    @contextmanager
    def stack(self) -> Iterator[Scene]:
        """The stack of the data folder, running while the block does."""
        with self._provider() as port:
            process = self._start(port)
            scene = Scene(
                data_dir=self.data_dir,
                urls=urls_of(self.data_dir),
                connection=connect(urls_of(self.data_dir).database_url),
                random=Random(self.plan.seed),  # noqa: S311 - repeated by its seed
                lease_s=self.plan.lease_s,
                root=psutil.Process(process.pid),
                restart=lambda: None,
                pause=time.sleep,
                disk=self.disk,
                provider_port=port,
            )

            def restart() -> None:
                nonlocal process
                process.wait()
                process = self._start(port)
                scene.root = psutil.Process(process.pid)
                scene.urls = urls_of(self.data_dir)

            scene.restart = restart
            try:
                yield scene
            finally:
                scene.connection.close()
                _stop(process)

    @contextmanager
    def _provider(self) -> Iterator[int | None]:
        """The model server, if the plan has one; tells its port."""
        if not self.plan.has_provider:
            yield None
            return
        port_file = self.folder / _PORT_FILE
        process = self._run("prsnl.proving.provider", str(port_file), port=None)
        try:
            self._await_file(port_file, process)
            yield int(port_file.read_text())
        finally:
            process.kill()
            process.wait()

    def _start(self, port: int | None) -> subprocess.Popen[bytes]:
        (self.data_dir / URLS_FILE).unlink(missing_ok=True)
        process = self._run(
            "prsnl.proving.stack",
            str(self.data_dir),
            self.plan.worker,
            str(self.plan.workers),
            port=port,
        )
        self._await_file(self.data_dir / URLS_FILE, process)
        return process

    def _run(
        self, module: str, *arguments: str, port: int | None
    ) -> subprocess.Popen[bytes]:
        """Start a process that ends when we are killed."""
        tied = [sys.executable, "-I", "-S", tether.__file__]
        tied += [str(int(signal.SIGTERM)), str(os.getpid()), "0"]
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [*tied, sys.executable, "-m", module, *arguments],
                stdout=output,
                stderr=output,
                cwd=self.folder,  # a `.env` of the user's is none of ours
                env=_environment(self.plan, port),
                start_new_session=True,
            )

    def _await_file(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        gives_up_at = time.monotonic() + _START_TIMEOUT_S
        while not path.exists():
            if process.poll() is not None or time.monotonic() > gives_up_at:
                _stop(process)
                said = self._log.read_text(errors="replace")[-500:]
                raise StartError(f"The stack did not start: {said}")
            time.sleep(_POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a stack, also one with a worker that was stopped; by force if need be."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        below = children(root)
        for one in below:
            with suppress(psutil.NoSuchProcess):
                one.resume()
        process.terminate()
        try:
            process.wait(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            for one in [root, *below, *children(root)]:
                kill(one)
    process.wait()


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder of its own: the database's user may pass through it, and not look."""
    with tempfile.TemporaryDirectory(prefix="prsnl-prove-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def _environment(plan: Plan, port: int | None) -> dict[str, str]:
    told = {
        **own_environment(),
        "PRSNL_LEASE_S": str(plan.lease_s),
        "PRSNL_RETRY_WAITS_SCALE": "0.05",
    }
    if port is not None:
        told |= {
            "PRSNL_LLM_PROVIDER": "compatible",
            "PRSNL_LLM_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "PRSNL_LLM_MODEL": MODEL,
            "PRSNL_LLM_TIMEOUT_S": str(_PROVIDER_TIMEOUT_S),
        }
    return {**told, **plan.environment}


def own_environment() -> dict[str, str]:
    """Ours without the user's settings: nothing of his is touched or asked."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PRSNL_")}
    given = kept.get("PYTHONPATH", "").split(os.pathsep)
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(
            str(Path(one).absolute()) for one in given if one
        ),
    }


def _in_turn(faults: Sequence[Fault], random: Random) -> Iterator[Fault]:
    """Every kind once before any comes again."""
    while True:
        yield from random.sample(faults, len(faults))
