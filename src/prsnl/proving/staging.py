"""The processes of a run: its stack, and the model server beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import psutil

from prsnl.core.db import connect
from prsnl.core.errors import StartError
from prsnl.embedded import tether
from prsnl.proving.disk import SmallDisk
from prsnl.proving.faults import FAULTS, Fault
from prsnl.proving.load import NO_MIX, Job, Mix, mixed_job
from prsnl.proving.provider import MODEL
from prsnl.proving.scene import Scene, children, kill
from prsnl.proving.stack import URLS_FILE, WORKER, WORKERS, urls_of

_START_TIMEOUT_S: Final = 90.0
_STOP_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.1
_PORT_FILE: Final = "provider-port"
_PROVIDER_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True)
class Plan:
    """What a run is."""

    seconds: float
    seed: int
    #: From one fault to the next, on average.
    fault_every_s: float = 2.5
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
    #: The tasks still open when the load ends have so long: a provider that was away
    #: again and again is asked after five minutes.
    settle_s: float = 420.0
    has_provider: bool = False


@dataclass(frozen=True)
class Staging:
    """Starts what a plan needs, and stops it.

    Attributes:
        plan: What is run.
        folder: Of this run alone.
        disk: The small disk that the data folder is on, if it is.
    """

    plan: Plan
    folder: Path
    disk: SmallDisk | None = None

    @property
    def data_dir(self) -> Path:
        """The data folder of the stack."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the supervisor says; not on the small disk."""
        return self.folder / "prove.log"

    @contextmanager
    def stack(self) -> Iterator[Scene]:
        """The stack of the data folder, running while the block does."""
        with self._provider() as port:
            process = self._start(port)

            def restart() -> None:
                nonlocal process
                process.wait()
                process = self._start(port)
                scene.root = psutil.Process(process.pid)
                scene.urls = urls_of(self.data_dir)

            try:
                scene = Scene(
                    data_dir=self.data_dir,
                    urls=urls_of(self.data_dir),
                    connection=connect(urls_of(self.data_dir).database_url),
                    random=Random(self.plan.seed),  # noqa: S311 - repeated by its seed
                    lease_s=self.plan.lease_s,
                    root=psutil.Process(process.pid),
                    restart=restart,
                    pause=time.sleep,
                    disk=self.disk,
                    provider_port=port,
                )
                try:
                    yield scene
                finally:
                    scene.connection.close()
            finally:
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
        try:
            self._await_file(self.data_dir / URLS_FILE, process)
        except BaseException:
            # Also by Ctrl-C: the folder is removed next, and nobody may write there.
            _stop(process)
            raise
        return process

    def _run(
        self, module: str, *arguments: str, port: int | None
    ) -> subprocess.Popen[bytes]:
        """Start a process that ends when we are killed."""
        tied = [sys.executable, "-I", "-S", tether.__file__]
        tied += [str(int(signal.SIGTERM)), str(os.getpid()), "0"]
        with self.log.open("ab") as output:
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
                said = self.log.read_text(errors="replace")[-500:]
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
