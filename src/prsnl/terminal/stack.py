"""The service on this machine: servers, API, scheduler and workers as one block."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, cast

import structlog

from prsnl import fleet
from prsnl.access import openness
from prsnl.core import schema
from prsnl.core.errors import SettingsError, StartError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.embedded.datadir import DataDir, free_port
from prsnl.embedded.machine import cores, look
from prsnl.embedded.scaling import Bounds, Rows, Scaler, scaling
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import ProcessSpec, Supervisor

_OWN_LOG: Final = "supervisor.log"


@dataclass(frozen=True)
class Service:
    """What runs, while the block runs."""

    supervisor: Supervisor
    url: str
    data_dir: Path
    #: The database and the broker are ours.
    is_embedded: bool
    programs: tuple[fleet.Program, ...]
    #: Of the workers of the CPU queues.
    bounds: Bounds


def given_urls(settings: Settings) -> StackUrls | None:
    """The user's own servers; None if he named none.

    Raises:
        SettingsError: He named one of two.
    """
    database, broker = settings.database.database_url, settings.broker.broker_url
    if database is None and broker is None:
        return None
    if database is None or broker is None:
        here, gone = ("PRSNL_DATABASE_URL", "PRSNL_BROKER_URL")
        if database is None:
            here, gone = gone, here
        raise SettingsError(
            f"{here} is set and {gone} is not: set both to use servers of your own, "
            "or none of them to have both started here."
        )
    return StackUrls(
        database_url=database.get_secret_value(), broker_url=broker.get_secret_value()
    )


@contextmanager
def service(settings: Settings, *, what: str, is_passing: bool) -> Iterator[Service]:
    """Run the whole service, and stop it at the end.

    Signals become `KeyboardInterrupt` in the block.

    Args:
        settings: What the user set.
        what: The command, for whoever finds the data folder held.
        is_passing: The service ends with this command; the API takes a free port.

    Raises:
        StartError: Something is in the way; the message says what and what to do.
    """
    urls = given_urls(settings)
    data_dir = settings.storage.folder
    log_to_file(data_dir)
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        stack.enter_context(supervisor.signals())
        if urls is None:
            embedded = EmbeddedStack(data_dir, supervisor, what=what)
            found = stack.enter_context(embedded)
            _migrate(found.database_url)
        else:
            found = urls
            held = DataDir(data_dir, what=what)
            held.open()
            stack.callback(held.close)
            stack.callback(supervisor.stop)
            openness.check(
                found.database_url,
                found.broker_url,
                is_insecure=settings.access.insecure,
            )
        schema.check(found.database_url)
        bounds = fleet.bounds(
            cores=cores(),
            most=settings.work.worker_concurrency,
            least=settings.work.workers_min,
            is_passing=is_passing,
        )
        programs = fleet.plan(
            cpu_workers=bounds.least,
            is_passing=is_passing,
            has_flower=settings.flower.flower,
        )
        env = fleet.environment(
            data_dir=data_dir,
            database_url=found.database_url,
            broker_url=found.broker_url,
            port=free_port() if is_passing else None,
        )
        _start(supervisor, programs, data_dir, env)
        running = RunningServer.find(data_dir)
        if running is None:
            raise StartError("The API ended as soon as it was up: see its log.")
        if bounds.most > bounds.least:
            scaler = _scaler(supervisor, bounds, settings, env, found.database_url)
            stack.enter_context(scaling(scaler))
        yield Service(supervisor, running.url, data_dir, urls is None, programs, bounds)


def _scaler(
    supervisor: Supervisor,
    bounds: Bounds,
    settings: Settings,
    env: dict[str, str],
    database_url: str,
) -> Scaler:
    def spec(number: int) -> ProcessSpec:
        (made,) = fleet.process_specs(
            (fleet.cpu_worker(number),), data_dir=settings.storage.folder, env=env
        )
        return made

    return Scaler(
        supervisor=supervisor,
        spec=spec,
        kind=fleet.CPU_WORKER,
        bounds=bounds,
        demand=Rows(database_url, fleet.CPU_QUEUES, bounds.most).look,
        machine=look,
        idle_s=settings.work.workers_idle_s.total_seconds(),
    )


def _migrate(database_url: str) -> None:
    """Bring the schema up to date in a process of its own: this one stays small."""
    if not schema.is_behind(database_url):
        return
    ended = subprocess.run(
        [sys.executable, "-m", "prsnl", "migrate"],
        env={**os.environ, "PRSNL_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise fleet.told_at_the_end(ended.stderr) or StartError(
            f"The database could not be brought up to date:\n{ended.stderr.strip()}"
        )


def _start(
    supervisor: Supervisor,
    programs: tuple[fleet.Program, ...],
    data_dir: Path,
    env: dict[str, str],
) -> None:
    """Start all at once, and wait for the one that answers."""
    specs = fleet.process_specs(programs, data_dir=data_dir, env=env)
    pairs = list(zip(programs, specs, strict=True))
    for program, spec in pairs:
        if not program.serves:
            supervisor.add(spec)
    for program, spec in pairs:
        if program.serves:
            supervisor.start(spec)


@dataclass(frozen=True)
class _LogFile:
    """Opened for each line: there are few, and the folder may not be there yet."""

    path: Path

    def write(self, text: str) -> None:
        with suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(text)

    def flush(self) -> None:
        """Every line is written through."""


def log_to_file(data_dir: Path) -> None:
    """Let what this process has to log go to a file: the terminal is the user's."""
    file = _LogFile(data_dir / "logs" / _OWN_LOG)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", file)),
    )
