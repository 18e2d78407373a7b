"""Where a task stands in the line of its queue, and when it may begin.

The line is the relay's: what a hint is out for goes first, then the owners take turns,
whoever has least running before the others.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Final
from uuid import UUID

from prsnl.core.db import Db

#: Farther back nobody counts: it would cost more than it tells.
FARTHEST: Final = 1000
#: With fewer measurements nothing is said.
_LEAST: Final = 3
_MEASURED: Final = 100
_LOOKED_AT: Final = 2000
#: Nine of ten fall within so many standard deviations.
_DEVIATIONS: Final = 1.65
#: What was measured is never known better than this.
_DOUBT: Final = 0.2

_SENT: Final = """
select queue, id from tasks
where status = 'queued' and sent_at is not null and queue = any(%(queues)s)
order by queue, sent_at, id
"""

#: Who has tasks in the line of the queue `q`, by a loose index scan; the first row is
#: nobody. The owners are compared and ordered together with their queue, as `tasks_due`
#: is: an index that begins with the owner would pass by every task that has ended.
WITH_OWNERS: Final = """
with recursive owners (queue, owner) as (
    select q.queue, null::text
    union all
    select next.queue, next.owner
    from owners o
    cross join lateral (
        select t.queue, t.owner from tasks t
        where t.status = 'queued' and t.sent_at is null and not t.held
          and (t.queue, t.owner) > (o.queue, coalesce(o.owner, ''))
        order by t.queue, t.owner limit 1
    ) next
    where next.queue = q.queue
)
"""

_OWNERS: Final = f"""
select q.queue, o.owner, waiting.count
from unnest(%(queues)s::text[]) as q (queue)
cross join lateral (
    {WITH_OWNERS}
    select owner from owners where owner is not null
) o
cross join lateral (
    select count(*) as count from (
        select from tasks t
        where t.status = 'queued' and t.sent_at is null and not t.held
          and t.queue = q.queue and t.owner = o.owner and t.due_at <= now()
        order by t.priority desc, t.due_at, t.id limit %(farthest)s
    ) first
) waiting
"""

_RUNNING: Final = """
select queue, owner, count(*) as count from tasks
where status = 'running' and queue = any(%(queues)s) group by queue, owner
"""

_OWN: Final = """
select w.queue, w.owner, first.id
from unnest(%(of_queues)s::text[], %(owners)s::text[]) as w (queue, owner)
cross join lateral (
    select t.id, t.priority, t.due_at from tasks t
    where t.status = 'queued' and t.sent_at is null and not t.held
      and t.queue = w.queue and t.owner = w.owner and t.due_at <= now()
    order by t.priority desc, t.due_at, t.id limit %(farthest)s
) first
order by w.queue, w.owner, first.priority desc, first.due_at, first.id
"""

_TOOK: Final = """
select queue, runtime_s from (
    select queue, runtime_s, row_number() over (
        partition by queue order by id desc) as number
    from (
        select id, queue, runtime_s, status from celery_task_results
        order by id desc limit %(looked_at)s
    ) newest
    where status = 'success' and queue = any(%(queues)s)
) measured where number <= %(measured)s
"""


@dataclass(frozen=True)
class Lines:
    """The lines of some queues, as some owners stand in them."""

    #: How many are before a task; one that is farther back than `FARTHEST` is missing.
    before: Mapping[UUID, int] = field(default_factory=dict)
    #: By queue: what its last tasks took, in seconds.
    took: Mapping[str, Sequence[float]] = field(default_factory=dict)


def look(connection: Db, wanted: Collection[tuple[str, str]]) -> Lines:
    """The lines of these queues, for these owners."""
    if not wanted:
        return Lines()
    queues = sorted({queue for queue, _ in wanted})
    values = {
        "queues": queues,
        "of_queues": [queue for queue, _ in wanted],
        "owners": [owner for _, owner in wanted],
        "farthest": FARTHEST,
        "looked_at": _LOOKED_AT,
        "measured": _MEASURED,
    }
    sent: dict[str, list[UUID]] = {queue: [] for queue in queues}
    for row in connection.execute(_SENT, values).fetchall():
        sent[row["queue"]].append(row["id"])
    waiting: dict[str, dict[str, int]] = {queue: {} for queue in queues}
    for row in connection.execute(_OWNERS, values).fetchall():
        waiting[row["queue"]][row["owner"]] = row["count"]
    running: dict[str, dict[str, int]] = {queue: {} for queue in queues}
    for row in connection.execute(_RUNNING, values).fetchall():
        running[row["queue"]][row["owner"]] = row["count"]
    own: dict[tuple[str, str], list[UUID]] = {}
    for row in connection.execute(_OWN, values).fetchall():
        own.setdefault((row["queue"], row["owner"]), []).append(row["id"])
    before = {one: place for ids in sent.values() for place, one in enumerate(ids)}
    for (queue, owner), ids in own.items():
        for place, one in enumerate(ids, start=1):
            before[one] = len(sent[queue]) + ahead(
                place, owner, waiting[queue], running[queue]
            )
    took: dict[str, list[float]] = {}
    for row in connection.execute(_TOOK, values).fetchall():
        took.setdefault(row["queue"], []).append(row["runtime_s"])
    return Lines(before, took)


def ahead(
    place: int, owner: str, waiting: Mapping[str, int], running: Mapping[str, int]
) -> int:
    """How many go before the task at a place of its owner's own line, from 1.

    Args:
        place: In the owner's own line.
        owner: Whose.
        waiting: Tasks in line by owner.
        running: Tasks that run by owner.
    """
    turn = running.get(owner, 0) + place
    others = (
        max(0, min(count, turn - running.get(other, 0) - 1))
        for other, count in waiting.items()
        if other != owner
    )
    return place - 1 + sum(others)


def begins_in_s(
    before: int, slots: int, took: Sequence[float]
) -> tuple[float, float] | None:
    """In how many seconds a task begins that has so many before it, from and to.

    None where too little was measured. So many and itself have to be given a slot, and
    each slot is free as often as its tasks end.
    """
    if len(took) < _LEAST or slots < 1:
        return None
    mean_s, turns = fmean(took), before + 1
    middle_s = turns * mean_s / slots
    spread_s = _DEVIATIONS * math.sqrt(turns) * pstdev(took) / slots
    spread_s = max(spread_s, _DOUBT * middle_s)
    return max(0.0, middle_s - spread_s), middle_s + spread_s
