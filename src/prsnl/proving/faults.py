"""The faults: what is done to a running stack."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

import psutil
from redis import Redis

from prsnl.core.db import Db
from prsnl.embedded.stack import StackUrls
from prsnl.work.relay import Hint, celery_app, publish

_STOP_PAST_LEASES: Final = 1.5
_LOOKS: Final = 100
_LOOK_PAUSE_S: Final = 0.02


@dataclass
class Scene:
    """A running stack, and the hands on it.

    Attributes:
        root: The supervisor of the stack.
        restart: Starts the stack anew after all of it was killed.
        pause: Waits so many seconds while the load goes on.
    """

    data_dir: Path
    urls: StackUrls
    connection: Db
    random: Random
    lease_s: float
    root: psutil.Process
    restart: Callable[[], None]
    pause: Callable[[float], None]

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        return [p for p in _children(self.root) if _is_module(p, "worker")]

    def servers(self, program: str) -> list[psutil.Process]:
        """The embedded servers of a name."""
        return [p for p in _children(self.root) if _name(p) == program]

    def broker(self) -> Redis:
        """The broker, by its own protocol."""
        return Redis.from_url(self.urls.broker_url, socket_timeout=3)


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    #: Does it, and tells the process ids of the workers that were hurt by it alone.
    inject: Callable[[Scene], list[int]]
    #: Recovery may take so long; None for what hurts no single task.
    limit_s: Callable[[float], float] | None = None


def kill_child(scene: Scene) -> list[int]:
    """Kill -9 a sandbox child of a busy worker, with all that it has forked."""
    for _ in range(_LOOKS):
        busy = _busy(scene, "t.command ->> 'in_child' = 'true'")
        for worker in _shuffled(scene, scene.workers()):
            if worker.pid in busy and (children := _children(worker)):
                for child in children:
                    _kill(child)
                return [worker.pid]
        scene.pause(_LOOK_PAUSE_S)
    return []


def kill_worker(scene: Scene) -> list[int]:
    """Kill -9 a worker."""
    for worker in _busy_first(scene):
        _kill(worker)
        return [worker.pid]
    return []


def pause_worker(scene: Scene) -> list[int]:
    """Stop a worker past its lease, and wake it again."""
    for worker in _busy_first(scene):
        worker.send_signal(signal.SIGSTOP)
        scene.pause(scene.lease_s * _STOP_PAST_LEASES)
        worker.send_signal(signal.SIGCONT)
        return [worker.pid]
    return []


def kill_everything(scene: Scene) -> list[int]:
    """Kill -9 the supervisor and all below it, servers too; start anew."""
    everything = [scene.root, *_children(scene.root)]
    for process in everything:
        _kill(process)
    psutil.wait_procs(everything, timeout=10)
    scene.restart()
    return []


def restart_broker(scene: Scene) -> list[int]:
    """Kill -9 the broker; the supervisor starts it again."""
    for server in scene.servers("valkey-server"):
        _kill(server)
    return []


def flush_broker(scene: Scene) -> list[int]:
    """Make the broker forget everything."""
    with scene.broker() as broker:
        broker.flushall()
    return []


def restart_database(scene: Scene) -> list[int]:
    """Stop the database at once, as in a power cut; the supervisor starts it again."""
    own = {process.pid for process in scene.root.children()}
    for server in scene.servers("postgres"):
        if server.pid in own:
            server.send_signal(signal.SIGQUIT)
    return []


def double_messages(scene: Scene) -> list[int]:
    """Send hints again for tasks that are out, that run and that have ended."""
    rows = scene.connection.execute(
        "select id, name, queue from tasks order by random() limit 20"
    ).fetchall()
    known = [Hint(row["id"], row["name"], row["queue"]) for row in rows]
    forged = Hint(UUID(bytes=os.urandom(16)), "count_task", "file_processing")
    publish(celery_app(scene.urls.broker_url), [*known, *known, forged])
    return []


FAULTS: Final = (
    Fault("kill a child", kill_child, limit_s=lambda _: 5.0),
    Fault("kill a worker", kill_worker, limit_s=lambda lease_s: 1.5 * lease_s),
    Fault("stop a worker past its lease", pause_worker),
    Fault("kill everything", kill_everything),
    Fault("kill the broker", restart_broker),
    Fault("FLUSHALL", flush_broker),
    Fault("stop the database at once", restart_database),
    Fault("doubled and forged messages", double_messages),
)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


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


def _busy(scene: Scene, condition: str = "true") -> set[int]:
    rows = scene.connection.execute(
        "select w.pid from tasks t join workers w on w.id = t.worker_id "
        f"where t.status = 'running' and {condition}"
    ).fetchall()
    return {row["pid"] for row in rows}


def _busy_first(scene: Scene) -> list[psutil.Process]:
    """The workers, those that have a task in hand first; waits for one a while."""
    busy = _busy(scene)
    for _ in range(_LOOKS):
        if busy:
            break
        scene.pause(_LOOK_PAUSE_S)
        busy = _busy(scene)
    return sorted(
        _shuffled(scene, scene.workers()), key=lambda worker: worker.pid not in busy
    )


def _shuffled(scene: Scene, found: list[psutil.Process]) -> list[psutil.Process]:
    return scene.random.sample(found, len(found))


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
