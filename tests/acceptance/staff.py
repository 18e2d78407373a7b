"""Real workers and schedulers, hired and let go by a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from uuid import UUID

import psutil

from prsnl.core.db import Database, Row
from prsnl.core.storage import FolderStorage
from prsnl.items import store
from prsnl.proving.service import BOOKS
from prsnl.work.ring import Channel
from prsnl.work.specs import Command, Result, TaskSpec
from prsnl.work.submit import submission, submit

OWNER = "ada"
C = TypeVar("C", bound=Command)
R = TypeVar("R", bound=Result)


@dataclass
class Staff:
    """The processes of one test, on its own database and broker."""

    database: Database
    environment: Mapping[str, str]
    folder: Path
    #: Of its workers.
    queue: str = "file_processing"
    hired: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.folder.mkdir()
        return self

    def __exit__(self, *error: object) -> None:
        """Have all of them leave, if need be by force."""
        for process in self.hired:
            process.terminate()
        for process in self.hired:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def module(self, kind: str) -> list[str]:
        """What a process of a kind runs."""
        return [f"prsnl.proving.{kind}"]

    def hire(self, kind: str, *arguments: str) -> psutil.Process:
        """Start a worker, or a scheduler."""
        log = self.folder / f"{kind}-{len(self.hired)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *self.module(kind), *arguments],
                stdout=output,
                stderr=output,
                env=dict(self.environment),
            )
        self.hired.append(process)
        return psutil.Process(process.pid)

    def worker(self, *arguments: str) -> psutil.Process:
        """Start a worker, and wait until it is seen."""
        process = self.hire("worker", self.queue, *arguments)
        self.until(
            lambda: self.all("select 1 from workers where pid = %s", process.pid)
        )
        return process

    def submit(self, spec: TaskSpec, *commands: Command) -> list[UUID]:  # type: ignore[type-arg]
        """Submit tasks, and ring."""
        wanted = [submission(spec, command, owner=OWNER) for command in commands]
        with self.database.connection() as connection:
            told = submit(connection, wanted)
            connection.execute(f"notify {Channel.DUE}")
        return [one.task_id for one in told]

    def row(self, task_id: UUID) -> Row:
        """A task's row."""
        (found,) = self.all("select * from tasks where id = %s", task_id)
        return found

    def all(self, statement: str, *values: object) -> list[Row]:
        """Rows of a query."""
        with self.database.connection() as connection:
            return connection.execute(statement, list(values)).fetchall()

    def until(
        self, condition: Callable[[], object], *, timeout_s: float = 60.0
    ) -> float:
        """Wait until something holds; tell how many seconds that took."""

        def is_so() -> object:
            for process in self.hired:
                assert process.poll() in (None, 0, -signal.SIGKILL), self.logs()
            return condition()

        return wait_until(is_so, timeout_s=timeout_s, told=self.logs)

    def logs(self) -> str:
        """What the processes said."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )


class Crew(Staff):
    """Processes of the product itself, and not of the proving ground."""

    def module(self, kind: str) -> list[str]:
        """`./prsnl worker` and `./prsnl scheduler`."""
        return ["prsnl", kind]

    def give(
        self,
        name: str,
        content: bytes,
        spec: TaskSpec[C, R],
        command: Callable[[UUID], C],
    ) -> UUID:
        """Store a file, submit a task about it, and ring."""
        storage = FolderStorage(Path(self.environment["PRSNL_DATA_DIR"]) / "storage")
        storage.prepare()
        new = store.NewFile(OWNER, name, len(content), storage.put_bytes(content))
        with self.database.connection() as connection:
            file, _ = store.add_file(connection, new)
            wanted = submission(
                spec, command(file.id), owner=OWNER, attachment_id=file.id
            )
            submit(connection, [wanted])
            connection.execute(f"notify {Channel.DUE}")
        return wanted.id

    def done(self, task_id: UUID, stage: str) -> dict[int, int]:
        """The units of a stage that are committed, and the claim that did each."""
        rows = self.all(
            "select unit, claim_no from task_stages where task_id = %s and stage = %s",
            task_id,
            stage,
        )
        return {row["unit"]: row["claim_no"] for row in rows}


def wait_until(
    condition: Callable[[], object],
    *,
    timeout_s: float = 60.0,
    told: Callable[[], str] = lambda: "it never came true",
) -> float:
    """Wait until something holds; tell how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout_s, told()
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def staff(
    database: Database, environment: Mapping[str, str], folder: Path
) -> Iterator[Staff]:
    """A staff that leaves at the end of the block."""
    with database.connection() as connection:
        connection.execute(BOOKS)
    with Staff(database, environment, folder) as made:
        yield made


def at_work(worker: psutil.Process) -> set[int]:
    """The sandbox children of a worker: each leads a session below a nursery's."""
    nurseries = {process.pid for process in worker.children()}
    below = descendants(worker) - nurseries
    return {pid for pid in below if psutil.pid_exists(pid) and os.getsid(pid) == pid}


def descendants(process: psutil.Process) -> set[int]:
    """The processes below one."""
    try:
        return {child.pid for child in process.children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()
