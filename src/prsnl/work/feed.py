"""The events of tasks, in the order in which they can be read without missing one.

The events of one task are read by `seq`: it rises under the lock of the task's row, so
whoever sees one number sees every lower one. Those of all tasks of an owner are read
by `(xid, id)`, and only up to the oldest transaction that is still open: numbers that
are merely handed out in order are not committed in order, and a reader that followed
them would step over whatever commits late.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import BadRequestError, NotFoundError
from prsnl.work import ledger
from prsnl.work.specs import ENDED, Status
from prsnl.work.waiting import reasons as reasons_of

#: Events are kept for seven days (see `prsnl_cleanup`). An hour less, since a
#: transaction's time and its place in the order are not one and the same.
KEPT: Final = timedelta(days=7) - timedelta(hours=1)

#: A cursor as a client has it: transaction, event and second, all hexadecimal.
CURSOR: Final = re.compile(r"[0-9a-f]{1,15}-[0-9a-f]{1,15}-[0-9a-f]{1,10}")
#: A plan that was made while the table was small would read all of it when it is large.
_PREPARE: Final = False

_HORIZON: Final = """
select pg_snapshot_xmin(pg_current_snapshot())::text as xid,
       extract(epoch from now()) as at
"""

_COLUMNS: Final = """
p.xid::text as xid, p.id, p.task_id, p.seq, p.status, p.current, p.total, p.message,
p.created_at, t.name, t.queue, t.held, t.children_open, t.provider, t.waits_for,
t.slot, t.retries, t.retries_of, t.error_message, t.parent_id, t.owner, t.due_at,
extract(epoch from t.due_at - now()) as due_in_s,
p.status <> 'running' and p.status = t.status and not exists (
    select from task_progress l where l.task_id = p.task_id and l.seq > p.seq
) as is_present
"""

# One statement, so one snapshot: what it shows and how far it can be read agree. The
# first place has a row in any case, for the sake of `is_clear`.
_OF_OWNERS: Final = f"""
select w.place, h.is_clear, {_COLUMNS}
from (
    select pg_snapshot_xmin(now) as xid,
           pg_snapshot_xmin(now) = pg_snapshot_xmax(now) as is_clear
    from pg_current_snapshot() as now offset 0
) h
cross join unnest(%(owners)s::text[], %(xids)s::xid8[], %(ids)s::bigint[])
     with ordinality as w (owner, xid, id, place)
left join lateral (
    select * from task_progress e
    where e.owner = w.owner and (e.xid, e.id) > (w.xid, w.id) and e.xid < h.xid
    order by e.xid, e.id limit %(limit)s
) p on true
left join tasks t on t.id = p.task_id
where p.id is not null or w.place = 1
order by w.place, p.xid, p.id
"""

_OF_TASKS: Final = f"""
select w.place, {_COLUMNS}
from unnest(%(ids)s::uuid[], %(seqs)s::bigint[])
     with ordinality as w (task_id, seq, place)
left join tasks t on t.id = w.task_id
left join lateral (
    select * from task_progress e
    where e.task_id = w.task_id and e.seq > w.seq
    order by e.seq limit %(limit)s
) p on true
where t.id is null or p.id is not null
order by w.place, p.seq
"""

# Whatever is younger than *kept* is there; so is all that came after it.
_AFTER: Final = """
select t.created_at > now() - %(kept)s or exists (
           select from task_progress e
           where e.task_id = t.id and e.seq <= %(seq)s
             and e.created_at > now() - %(kept)s
       ) as is_whole,
       exists (
           select from task_progress e where e.task_id = t.id and e.seq > %(seq)s
       ) as has_more
from tasks t where t.id = %(id)s
"""


@dataclass(frozen=True, order=True)
class Cursor:
    """A place in the feed of an owner: everything up to it has been read."""

    xid: int
    id: int
    #: When that was, in seconds: tells whether what came after it is still kept.
    at: int = field(compare=False)

    def __str__(self) -> str:
        return f"{self.xid:x}-{self.id:x}-{self.at:x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that was given to a client.

        Raises:
            BadRequestError: It is none of ours.
        """
        if not CURSOR.fullmatch(text):
            raise BadRequestError(
                "This is no cursor of this server: give back the `cursor` of the last "
                "event as it was, or none to begin now."
            )
        xid, number, at = (int(part, 16) for part in text.split("-"))
        return cls(xid, number, at)


@dataclass(frozen=True)
class EventView:
    """One event of a task as its owner sees it."""

    task_id: UUID
    name: str
    queue: str
    seq: int
    status: Status
    current: int
    total: int | None
    percentage: float | None
    message: str
    at: datetime
    #: Only of a task's newest event: why it waits now.
    waiting_because: str | None
    cursor: Cursor
    #: Nothing comes after it: the task has ended with it.
    is_end: bool


@dataclass(frozen=True)
class Beginning:
    """Where a client's feed begins."""

    cursor: Cursor
    #: What came after the client's own cursor is no longer kept.
    has_gap: bool


@dataclass(frozen=True)
class TaskBeginning:
    """Where a client's stream of one task begins."""

    #: Told first: the task as it is; None where the client goes on from its number.
    state: EventView | None
    seq: int
    has_gap: bool
    has_ended: bool


@dataclass(frozen=True)
class OfOwners:
    """What came after the cursors of some owners, in their order."""

    events: list[list[EventView]]
    #: No transaction is open that may hold back a later one's events.
    is_clear: bool


def now_of(connection: Db) -> Cursor:
    """The place of somebody who has read everything that can be read now."""
    row = connection.execute(_HORIZON).fetchone()
    assert row is not None
    return Cursor(int(row["xid"]), 0, int(row["at"]))


def begin(connection: Db, cursor: Cursor | None) -> Beginning:
    """Where the feed of a client with this cursor begins."""
    now = now_of(connection)
    if cursor is None:
        return Beginning(now, has_gap=False)
    # A place that is not reached yet is another database's, or of one restored since.
    is_known = cursor.xid <= now.xid
    is_kept = cursor.at > now.at - KEPT.total_seconds()
    if is_known and is_kept:
        return Beginning(cursor, has_gap=False)
    return Beginning(now, has_gap=True)


def begin_task(
    connection: Db, task_id: UUID, *, owner: str, seq: int | None
) -> TaskBeginning:
    """Where the stream of one task begins for a client that knows *seq*.

    Raises:
        NotFoundError: No such task of this owner.
    """
    cursor = now_of(connection)
    now = ledger.task(connection, task_id, owner=owner)
    has_gap = False
    if seq is not None:
        after = _after(connection, task_id, seq)
        has_gap = seq < now.seq and not after["is_whole"]
        if not has_gap:
            has_ended = now.status in ENDED and not after["has_more"]
            return TaskBeginning(None, seq, has_gap=False, has_ended=has_ended)
    state = EventView(
        task_id=now.task_id,
        name=now.name,
        queue=now.queue,
        seq=now.seq,
        status=now.status,
        current=now.current,
        total=now.total,
        percentage=now.percentage,
        message=now.message,
        at=now.updated_at,
        waiting_because=now.waiting_because,
        cursor=cursor,
        is_end=now.status in ENDED,
    )
    return TaskBeginning(state, now.seq, has_gap, has_ended=state.is_end)


def _after(connection: Db, task_id: UUID, seq: int) -> Row:
    row = connection.execute(
        _AFTER, {"id": task_id, "seq": seq, "kept": KEPT}
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such task.")
    return row


def of_owners(
    connection: Db, wanted: Sequence[tuple[str, Cursor]], *, limit: int
) -> OfOwners:
    """What came after each owner's cursor, at most *limit* events each."""
    rows = connection.execute(
        _OF_OWNERS,
        {
            "owners": [owner for owner, _ in wanted],
            "xids": [str(cursor.xid) for _, cursor in wanted],
            "ids": [cursor.id for _, cursor in wanted],
            "limit": limit,
        },
        prepare=_PREPARE,
    ).fetchall()
    found: list[list[EventView]] = [[] for _ in wanted]
    there = [row for row in rows if row["id"] is not None]
    for row, view in zip(there, _views(connection, there), strict=True):
        found[row["place"] - 1].append(view)
    return OfOwners(found, is_clear=bool(rows[0]["is_clear"]))


def of_tasks(
    connection: Db, wanted: Sequence[tuple[UUID, int]], *, limit: int
) -> list[list[EventView] | None]:
    """What came after each task's number; None for a task that is gone."""
    rows = connection.execute(
        _OF_TASKS,
        {
            "ids": [task_id for task_id, _ in wanted],
            "seqs": [seq for _, seq in wanted],
            "limit": limit,
        },
        prepare=_PREPARE,
    ).fetchall()
    found: list[list[EventView] | None] = [[] for _ in wanted]
    there = [row for row in rows if row["id"] is not None]
    for row in rows:
        if row["id"] is None:
            found[row["place"] - 1] = None
    for row, view in zip(there, _views(connection, there), strict=True):
        events = found[row["place"] - 1]
        assert events is not None
        events.append(view)
    return found


def _views(connection: Db, rows: Sequence[Row]) -> list[EventView]:
    # An older event's reason is over; only what waits now is asked for it.
    waiting = [row for row in rows if row["is_present"] and row["status"] not in ENDED]
    reasons: dict[int, str | None] = {}
    if waiting:
        # A place in line would be another one before it is read.
        told = reasons_of(connection, waiting, with_place=False)
        reasons = {row["id"]: why for row, why in zip(waiting, told, strict=True)}
    return [_view(row, reasons.get(row["id"])) for row in rows]


def _view(row: Row, reason: str | None) -> EventView:
    status = Status(row["status"])
    return EventView(
        task_id=row["task_id"],
        name=row["name"],
        queue=row["queue"],
        seq=row["seq"],
        status=status,
        current=row["current"],
        total=row["total"],
        percentage=ledger.percentage(row["current"], row["total"]),
        message=row["message"],
        at=row["created_at"],
        waiting_because=reason,
        cursor=Cursor(int(row["xid"]), row["id"], int(row["created_at"].timestamp())),
        is_end=status in ENDED and row["is_present"],
    )
