"""How much is to be done and who does it: what a scaler of workers goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.db import Db
from prsnl.work.queues import Queue
from prsnl.work.workers import GONE_AFTER

# No more are counted than there may be workers: a hundred thousand that wait are no
# reason to read a hundred thousand rows each second.
_DUE: Final = """
select count(*) as due from (
    select from tasks
    where status = 'queued' and not held and due_at <= now()
      and queue = any(%(queues)s)
      and queue not in (select queue from queue_pauses)
    limit %(most)s
) as counted
"""

# By the tasks' rows: what a worker says of itself is some seconds old.
_WORKERS: Final = """
select w.host, w.pid, w.slots, w.state = 'draining' as is_draining, (
    select count(*) from tasks t
    where t.status = 'running' and t.queue = any(w.queues) and t.worker_id = w.id
) as busy
from workers w
where w.kind = 'worker' and w.seen_at > now() - %(gone)s and w.queues && %(queues)s
"""


@dataclass(frozen=True, kw_only=True)
class SeenWorker:
    """A live worker process of some queues."""

    host: str
    pid: int
    slots: int
    #: Tasks that it has in hand.
    busy: int
    #: It takes no more.
    is_draining: bool


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What waits for the workers of some queues, on whichever host they are."""

    #: Tasks that could run at once, counted up to a bound.
    due: int
    workers: tuple[SeenWorker, ...]


def demand(connection: Db, queues: Sequence[Queue], *, most: int) -> Demand:
    """Look once.

    Args:
        connection: In autocommit.
        queues: Those that the workers take from.
        most: So many due tasks are counted at most.
    """
    values = {"queues": [*queues], "most": most, "gone": GONE_AFTER}
    row = connection.execute(_DUE, values).fetchone()
    workers = connection.execute(_WORKERS, values).fetchall()
    return Demand(
        due=0 if row is None else row["due"],
        workers=tuple(SeenWorker(**each) for each in workers),
    )
