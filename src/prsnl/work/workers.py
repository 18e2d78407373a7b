"""The worker's own row: who is there, for which queues, and how busy."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.ids import new_id

#: How often a worker says that it is there.
SEEN_EVERY_S: Final = 5.0
#: Has a worker take no more, and leave when it has done what it has in hand.
RETIRES: Final = signal.SIGUSR2
#: Silent for so long, it counts as gone.
GONE_AFTER: Final = timedelta(seconds=15)

_SAY: Final = """
insert into workers (id, kind, host, pid, queues, slots, busy, state, trouble)
values (%(id)s, %(kind)s, %(host)s, %(pid)s, %(queues)s, %(slots)s, %(busy)s,
        %(state)s, %(trouble)s)
on conflict (id) do update
set busy = excluded.busy, state = excluded.state, trouble = excluded.trouble,
    seen_at = now()
"""


@dataclass(frozen=True, kw_only=True)
class WorkerIdentity:
    """Who a process is."""

    kind: str
    queues: tuple[str, ...] = ()
    slots: int = 0
    id: UUID = field(default_factory=new_id)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)


def say_seen(
    connection: Db,
    worker: WorkerIdentity,
    *,
    busy: int = 0,
    is_draining: bool = False,
    trouble: str | None = None,
) -> None:
    """Write or renew the row."""
    connection.execute(
        _SAY,
        {
            "id": worker.id,
            "kind": worker.kind,
            "host": worker.host,
            "pid": worker.pid,
            "queues": list(worker.queues),
            "slots": worker.slots,
            "busy": busy,
            "state": "draining" if is_draining else "running",
            "trouble": trouble,
        },
    )


def say_gone(connection: Db, worker: WorkerIdentity) -> None:
    """Remove the row of a process that leaves."""
    connection.execute("delete from workers where id = %s", [worker.id])


def forget_the_gone(connection: Db) -> None:
    """Remove the rows of processes that were killed a while ago."""
    connection.execute(
        "delete from workers where seen_at < now() - %s * 20", [GONE_AFTER]
    )
