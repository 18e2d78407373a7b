"""The faults: what is done to a running stack."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import psutil
from redis.exceptions import RedisError

from prsnl.core.db import LOST, connect
from prsnl.proving.provider import Manner, ask_to_behave
from prsnl.proving.scene import (
    Hurt,
    Scene,
    broker_runs,
    children,
    database_since,
    database_writes,
    kill,
)
from prsnl.work.queues import Queue
from prsnl.work.relay import Hint, celery_app, publish

_STOP_PAST_LEASES: Final = 1.5
_LOOKS: Final = 100
_LOOK_PAUSE_S: Final = 0.02
_FULL_S: Final = 4.0
_LOG_PARTS: Final = 40
_BEHAVES_S: Final = 4.0
_CHILD_S: Final = 5.0
_SERVER_S: Final = 10.0
_WORKER_LEASES: Final = 1.5
#: A pickle that is opened makes this folder.
PICKLE_RAN: Final = "a-pickle-ran"
#: The name of the one that needs a disk of its own.
FILL_DISK: Final = "a full disk"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        inject: Does it; None where it finds nobody to hurt.
        limit_s: Of a lease: recovery may take so long at the 95th percentile.
        needs: What the scene has to have.
    """

    name: str
    inject: Callable[[Scene], Hurt | None]
    limit_s: Callable[[float], float] | None = None
    needs: Callable[[Scene], bool] = lambda _scene: True


def kill_child(scene: Scene) -> Hurt | None:
    """Kill -9 a sandbox child of a busy worker, with all that it has forked."""
    for _ in range(_LOOKS):
        busy = scene.busy(
            "t.command ->> 'in_child' = 'true' or t.name = 'process_document_task'"
        )
        for worker in scene.shuffled(scene.workers()):
            if worker.pid in busy and (found := children(worker)):
                hurt = Hurt(scene.in_hand(worker.pid))
                for child in found:
                    kill(child)
                return hurt
        scene.pause(_LOOK_PAUSE_S)
    return None


def kill_worker(scene: Scene) -> Hurt | None:
    """Kill -9 a worker."""
    for worker in _busy_first(scene):
        hurt = Hurt(scene.in_hand(worker.pid))
        kill(worker)
        return hurt
    return None


def pause_worker(scene: Scene) -> Hurt | None:
    """Stop a worker past its lease, and wake it again."""
    for worker in _busy_first(scene):
        try:
            worker.send_signal(signal.SIGSTOP)
            hurt = Hurt(scene.in_hand(worker.pid))
            scene.pause(scene.lease_s * _STOP_PAST_LEASES)
        finally:
            with suppress(psutil.NoSuchProcess):
                worker.send_signal(signal.SIGCONT)
        return hurt
    return None


def kill_everything(scene: Scene) -> Hurt:
    """Kill -9 the supervisor and all below it, servers too; start anew."""
    everything = [scene.root, *children(scene.root)]
    hurt = Hurt(is_back=broker_runs)
    for process in everything:
        kill(process)
    psutil.wait_procs(everything, timeout=10)
    scene.restart()
    return hurt


def restart_broker(scene: Scene) -> Hurt:
    """Kill -9 the broker; the supervisor starts it again."""
    hurt = Hurt(is_back=broker_runs)
    found = scene.servers("valkey-server")
    for server in found:
        kill(server)
    psutil.wait_procs(found, timeout=5)
    return hurt


def flush_broker(scene: Scene) -> Hurt | None:
    """Make the broker forget everything."""
    with suppress(RedisError), scene.broker() as broker:
        hurt = Hurt()
        broker.flushall()
        return hurt
    return None


def restart_database(scene: Scene) -> Hurt | None:
    """Stop the database at once, as in a power cut; the supervisor starts it again."""
    own = {process.pid for process in scene.root.children()}
    for server in scene.servers("postgres"):
        if server.pid in own:
            hurt = Hurt()
            hurt.is_back = partial(database_since, at=hurt.at)
            server.send_signal(signal.SIGQUIT)
            return hurt
    return None


def cut_connections(scene: Scene) -> Hurt | None:
    """End every connection to the database, whatever is going on in it."""
    with suppress(*LOST), connect(scene.urls.database_url, timeout_s=2) as ours:
        hurt = Hurt()
        ours.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
        return hurt
    return None


def double_messages(scene: Scene) -> Hurt | None:
    """Send hints again: of tasks that are out, that run, that have ended, of none."""
    if not scene.is_ours:
        return _double_what_is_out(scene)
    rows = scene.again(
        lambda connection: connection.execute(
            "select id, name, queue from tasks order by random() limit 20"
        ).fetchall()
    )
    known = [Hint(row["id"], row["name"], row["queue"]) for row in rows]
    nobody = Hint(UUID(bytes=os.urandom(16)), "count_task", str(Queue.FILE_PROCESSING))
    app = celery_app(scene.urls.broker_url)
    try:
        publish(app, [*known, *known, nobody])
    except OSError:
        return None
    finally:
        app.close()
    return Hurt()


def _double_what_is_out(scene: Scene) -> Hurt | None:
    """What a broker does that delivers at least once."""
    with suppress(RedisError), scene.broker() as broker:
        for queue in Queue:
            for message in broker.lrange(str(queue), 0, 19):
                broker.lpush(str(queue), message)
        return Hurt()
    return None


def forge_messages(scene: Scene) -> Hurt | None:
    """Put into the broker's lists what nobody of ours has written, pickles too."""
    with suppress(RedisError), scene.broker() as broker:
        for message in _forged(scene.data_dir / PICKLE_RAN):
            broker.lpush(str(Queue.FILE_PROCESSING), message)
        return Hurt()
    return None


def fill_disk(scene: Scene) -> Hurt | None:
    """Leave no room on the disk for some seconds; what is measured begins after."""
    assert scene.disk is not None
    scene.disk.fill()
    try:
        _use_up_the_log(scene)
        scene.pause(_FULL_S)
    finally:
        scene.disk.make_room()
    return Hurt(is_back=database_writes)


def _use_up_the_log(scene: Scene) -> None:
    """Fill what the database keeps ready for its log: then it falls over."""
    with suppress(*LOST), connect(scene.urls.database_url, timeout_s=2) as ours:
        for _ in range(_LOG_PARTS):
            ours.execute("select pg_switch_wal()")
            ours.execute("select pg_logical_emit_message(true, 'prove', 'full')")


def provider_behaves(scene: Scene, manner: Manner) -> Hurt:
    """Have the model server fail, hang or lie; what is measured begins after."""
    assert scene.provider_port is not None
    hurt = Hurt()
    ask_to_behave(scene.provider_port, manner, _BEHAVES_S)
    hurt.at += _BEHAVES_S
    return hurt


def _has_provider(scene: Scene) -> bool:
    return scene.provider_port is not None


FAULTS: Final = (
    Fault("kill a child", kill_child, lambda _: _CHILD_S),
    Fault("kill a worker", kill_worker, lambda lease_s: _WORKER_LEASES * lease_s),
    Fault(
        "stop a worker past its lease",
        pause_worker,
        lambda lease_s: _WORKER_LEASES * lease_s,
    ),
    Fault("kill everything", kill_everything),
    Fault("kill the broker", restart_broker, lambda _: _SERVER_S),
    Fault("FLUSHALL", flush_broker, lambda _: _SERVER_S),
    Fault("stop the database at once", restart_database, lambda _: _SERVER_S),
    Fault("cut the database's connections", cut_connections, lambda _: _SERVER_S),
    Fault("doubled messages", double_messages),
    Fault("forged messages", forge_messages),
    Fault(
        FILL_DISK,
        fill_disk,
        lambda _: _SERVER_S,
        lambda scene: scene.disk is not None,
    ),
    *(
        Fault(
            f"a provider that {manner}",
            partial(provider_behaves, manner=manner),
            needs=_has_provider,
        )
        for manner in (Manner.FAILS, Manner.HANGS, Manner.LIES)
    ),
)


def _busy_first(scene: Scene) -> list[psutil.Process]:
    """The workers, those that have a task in hand first; waits for one a while."""
    busy = scene.busy()
    for _ in range(_LOOKS):
        if busy:
            break
        scene.pause(_LOOK_PAUSE_S)
        busy = scene.busy()
    found = scene.shuffled(scene.workers())
    return sorted(found, key=lambda worker: worker.pid not in busy)


class _Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def _forged(bomb: Path) -> list[bytes]:
    pickled = base64.b64encode(pickle.dumps(_Bomb(bomb))).decode()
    of_nobody = {"task": "nobody", "id": str(uuid4())}
    return [
        b"\xff\xfe{not json",
        b"[]",
        b"[" * 100_000,
        _message(headers=of_nobody),
        _message(headers={"task": ["x"], "id": 5}),
        _message(headers="task"),
        _message(body=7),
        _message(body="%%%"),
        _message(body=pickled, **{"content-type": "application/x-python-serialize"}),
        _message(body=pickled, **{"content-type": "application/x-pickle"}),
        _message(headers={**of_nobody, "eta": "never", "expires": "x"}),
    ]


def _message(**changed: object) -> bytes:
    """A message as Celery's protocol has it, with something else in places."""
    nothing = base64.b64encode(b"[[], {}, {}]").decode()
    return json.dumps(
        {
            "body": nothing,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"task": "count_task", "id": str(uuid4()), "lang": "py"},
            "properties": {
                "body_encoding": "base64",
                "correlation_id": str(uuid4()),
                "delivery_info": {"exchange": "", "routing_key": "file_processing"},
                "delivery_tag": str(uuid4()),
            },
            **changed,
        }
    ).encode()
