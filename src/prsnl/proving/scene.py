"""A running stack, and the hands on it: what the faults are done with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, TypeVar
from uuid import UUID

import psutil
from redis import Redis
from redis.exceptions import RedisError

from prsnl.core.db import LOST, Db, connect
from prsnl.embedded.stack import StackUrls
from prsnl.proving.disk import SmallDisk

T = TypeVar("T")

_PATIENCE_S: Final = 90.0
_RECONNECT_S: Final = 0.2
_LOOK_S: Final = 1


@dataclass
class Scene:
    """A running stack, and the hands on it.

    Attributes:
        root: The supervisor of the stack.
        restart: Starts the stack anew after all of it was killed.
        pause: Waits so many seconds while the load goes on.
        disk: What the data folder is on, where it can be filled.
        provider_port: Where the model server listens, if there is one.
        is_ours: Else it is plain Celery, whose tasks have no rows.
    """

    data_dir: Path
    urls: StackUrls
    connection: Db
    random: Random
    lease_s: float
    root: psutil.Process
    restart: Callable[[], None]
    pause: Callable[[float], None]
    disk: SmallDisk | None = None
    provider_port: int | None = None
    is_ours: bool = True

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        try:
            found = self.root.children()
        except psutil.NoSuchProcess:
            return []
        return [process for process in found if _is_module(process, "worker")]

    def servers(self, program: str) -> list[psutil.Process]:
        """The embedded servers of a name."""
        return [p for p in children(self.root) if _name(p) == program]

    def broker(self) -> Redis:
        """The broker, by its own protocol."""
        return Redis.from_url(self.urls.broker_url, socket_timeout=3)

    def again(self, work: Callable[[Db], T]) -> T:
        """Do *work*, and again on a new connection while the database is away."""
        gives_up_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return work(self.connection)
            except LOST:
                if time.monotonic() > gives_up_at:
                    raise
                time.sleep(_RECONNECT_S)
                self.reconnect()

    def reconnect(self) -> None:
        """Try to have a connection that works."""
        self.connection.close()
        with suppress(*LOST):
            self.connection = connect(self.urls.database_url, timeout_s=2)

    def busy(self, condition: str = "true") -> set[int]:
        """The workers that have a task in hand."""
        if not self.is_ours:
            return {worker.pid for worker in self.workers()}
        rows = self.again(
            lambda connection: connection.execute(
                "select w.pid from tasks t join workers w on w.id = t.worker_id "
                f"where t.status = 'running' and ({condition})"
            ).fetchall()
        )
        return {row["pid"] for row in rows}

    def in_hand(self, pid: int) -> list[Claim]:
        """What a worker works at."""
        if not self.is_ours:
            return []
        rows = self.again(
            lambda connection: connection.execute(
                "select t.id, t.claim_no from tasks t "
                "join workers w on w.id = t.worker_id "
                "where t.status = 'running' and w.pid = %s",
                [pid],
            ).fetchall()
        )
        return [Claim(row["id"], row["claim_no"]) for row in rows]

    def shuffled(self, found: Sequence[T]) -> list[T]:
        """The same in an order that the seed knows."""
        return self.random.sample(found, len(found))


@dataclass(frozen=True)
class Claim:
    """A task in the hand of a worker."""

    task_id: UUID
    number: int


@dataclass
class Hurt:
    """What a fault did.

    Attributes:
        at: When, in seconds of the epoch: the database's clock is the same.
        victims: What the hurt worker had in hand; None where all were hurt.
        is_back: Whether what it took away is there again.
        back_at: Since when; None while it is away.
    """

    victims: list[Claim] | None = None
    is_back: Callable[[Scene], bool] | None = None
    at: float = field(default_factory=time.time)
    back_at: float | None = None

    def look(self, scene: Scene) -> None:
        """Note it when what was away is back."""
        if self.back_at is None and (self.is_back is None or self.is_back(scene)):
            self.back_at = self.at if self.is_back is None else time.time()


def broker_runs(scene: Scene) -> bool:
    """Whether the broker answers."""
    with suppress(RedisError, OSError), scene.broker() as broker:
        return bool(broker.ping())
    return False


def database_since(scene: Scene, at: float) -> bool:
    """Whether a server answers that was started after a time."""
    with (
        suppress(*LOST),
        connect(scene.urls.database_url, timeout_s=_LOOK_S) as connection,
    ):
        row = connection.execute(
            "select pg_postmaster_start_time() > to_timestamp(%s) as new", [at]
        ).fetchone()
        return bool(row and row["new"])
    return False


def database_writes(scene: Scene) -> bool:
    """Whether the database keeps what it is given."""
    with (
        suppress(*LOST),
        connect(scene.urls.database_url, timeout_s=_LOOK_S) as connection,
    ):
        connection.execute("select pg_logical_emit_message(true, 'prove', 'room')")
        return True
    return False


def children(process: psutil.Process) -> list[psutil.Process]:
    """All below a process; nothing of one that has ended."""
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def kill(process: psutil.Process) -> None:
    """Kill -9; one that has ended already is no error."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _is_module(process: psutil.Process, word: str) -> bool:
    try:
        return any(
            part.endswith((f"_{word}", f".{word}")) for part in process.cmdline()[1:4]
        )
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""
