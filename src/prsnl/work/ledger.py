"""Reads what the rows say: one task, lists, and why each waits. Changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.work.pauses import Paused, paused
from prsnl.work.queues import Queue
from prsnl.work.specs import Status
from prsnl.work.workers import GONE_AFTER

_COLUMNS: Final = """
id, owner, name, queue, status, current, total, message, seq, claim_no, retries,
crashes, provider, waits_for, held, slot, children_open, parent_id, attachment_id,
due_at, sent_at, cancel_requested_at, result, warnings, error_category, error_code,
error_message, created_at, started_at, updated_at, finished_at,
extract(epoch from due_at - now()) as due_in_s
"""


@dataclass(frozen=True)
class TaskView:
    """One task as its owner sees it."""

    task_id: UUID
    name: str
    queue: str
    status: Status
    current: int
    total: int | None
    percentage: float | None
    message: str
    seq: int
    attempt: int
    attachment_id: UUID | None
    parent_id: UUID | None
    is_cancelling: bool
    #: One sentence for every task that waits; None for one that runs or has ended.
    waiting_because: str | None
    result: dict[str, Any] | None
    warnings: tuple[str, ...]
    error: dict[str, str] | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class StageView:
    """One committed stage."""

    stage: str
    units: int
    from_checkpoint: int
    milliseconds: float


def task(connection: Db, task_id: UUID, *, owner: str) -> TaskView:
    """One task.

    Raises:
        NotFoundError: No such task of this owner.
    """
    rows = connection.execute(
        f"select {_COLUMNS} from tasks where id = %s and owner = %s", [task_id, owner]
    ).fetchall()
    if not rows:
        raise NotFoundError("There is no such task.")
    return _views(connection, rows)[0]


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """Which tasks of a list; what is None does not narrow."""

    name: str | None = None
    error_code: str | None = None
    attachment_id: UUID | None = None
    #: The tasks of the item's files, and those that analyse it as a whole.
    item_id: UUID | None = None
    parent_id: UUID | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    finished_from: datetime | None = None
    finished_to: datetime | None = None


_NARROWED: Final = """
(%(name)s::text is null or name = %(name)s)
and (%(error_code)s::text is null or error_code = %(error_code)s)
and (%(attachment_id)s::uuid is null or attachment_id = %(attachment_id)s)
and (%(item_id)s::uuid is null or command ->> 'content_id' = %(item_id)s::text
     or attachment_id in (select id from attachments where item_id = %(item_id)s))
and (%(parent_id)s::uuid is null or parent_id = %(parent_id)s)
and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
and (%(created_to)s::timestamptz is null or created_at < %(created_to)s)
and (%(finished_from)s::timestamptz is null or finished_at >= %(finished_from)s)
and (%(finished_to)s::timestamptz is null or finished_at < %(finished_to)s)
"""
_ALL: Final = Narrowing()


def tasks(
    connection: Db,
    *,
    owner: str,
    statuses: Iterable[Status] = (),
    queue: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
    narrowing: Narrowing = _ALL,
) -> list[TaskView]:
    """The owner's tasks, newest first; the next page begins *before* the last id."""
    rows = connection.execute(
        f"""
        select {_COLUMNS} from tasks
        where owner = %(owner)s and {_NARROWED}
          and (%(all)s or status = any(%(statuses)s))
          and (%(queue)s::text is null or queue = %(queue)s)
          and (%(before)s::uuid is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {
            **vars(narrowing),
            "owner": owner,
            "all": not (names := [str(status) for status in statuses]),
            "statuses": names,
            "queue": queue,
            "before": before,
            "limit": limit,
        },
    ).fetchall()
    return _views(connection, rows)


def some(connection: Db, task_ids: Iterable[UUID], *, owner: str) -> list[TaskView]:
    """The owner's tasks of these ids, newest first."""
    rows = connection.execute(
        f"select {_COLUMNS} from tasks where id = any(%s) and owner = %s "
        "order by id desc",
        [list(task_ids), owner],
    ).fetchall()
    return _views(connection, rows)


def of_attachment(connection: Db, attachment_id: UUID, *, owner: str) -> list[TaskView]:
    """The tasks that worked on a file, newest first."""
    rows = connection.execute(
        f"select {_COLUMNS} from tasks where attachment_id = %s and owner = %s "
        "order by id desc limit 20",
        [attachment_id, owner],
    ).fetchall()
    return _views(connection, rows)


def children(
    connection: Db,
    parent_id: UUID,
    *,
    statuses: Iterable[Status] = (),
    before: UUID | None = None,
    limit: int = 50,
) -> list[TaskView]:
    """The parts of a task, newest first; the next page begins *before* the last id."""
    names = [str(status) for status in statuses or Status]
    rows = connection.execute(
        f"select {_COLUMNS} from tasks where parent_id = %s and status = any(%s) "
        "and (%s::uuid is null or id < %s) order by id desc limit %s",
        [parent_id, names, before, before, limit],
    ).fetchall()
    return _views(connection, rows)


def child_counts(connection: Db, parent_id: UUID) -> dict[str, int]:
    """How many parts of a task are in each state."""
    rows = connection.execute(
        "select status, count(*) as n from tasks where parent_id = %s group by status",
        [parent_id],
    ).fetchall()
    return {row["status"]: row["n"] for row in rows}


def stages(connection: Db, task_id: UUID) -> list[StageView]:
    """What a task has committed, in order."""
    rows = connection.execute(
        """
        select stage, count(*) as units,
               count(*) filter (where from_checkpoint) as from_checkpoint,
               sum(milliseconds) as milliseconds
        from task_stages where task_id = %s
        group by stage order by min(committed_at)
        """,
        [task_id],
    ).fetchall()
    return [StageView(**row) for row in rows]


def peak_memory_bytes(connection: Db, task_id: UUID) -> int | None:
    """The most that any claim's child held."""
    row = connection.execute(
        "select max(peak_memory_bytes) as peak from celery_task_results "
        "where task_id = %s",
        [task_id],
    ).fetchone()
    return row["peak"] if row else None


def percentage(current: int, total: int | None) -> float | None:
    """0 to 100, one decimal; None until the total is known."""
    return round(100 * min(current, total) / total, 1) if total else None


def reasons(connection: Db, rows: list[Row]) -> list[str | None]:
    """Why each of these tasks waits, in one sentence; None for one that does not."""
    scene = _Scene.look(connection, rows)
    return [scene.reason(row) for row in rows]


def _views(connection: Db, rows: list[Row]) -> list[TaskView]:
    scene = _Scene.look(connection, rows)
    return [_view(row, scene) for row in rows]


def _view(row: Row, scene: _Scene) -> TaskView:
    total = row["total"]
    error = None
    if row["error_code"] is not None:
        error = {
            "category": row["error_category"],
            "code": row["error_code"],
            "message": row["error_message"],
        }
    return TaskView(
        task_id=row["id"],
        name=row["name"],
        queue=row["queue"],
        status=Status(row["status"]),
        current=row["current"],
        total=total,
        percentage=percentage(row["current"], total),
        message=row["message"],
        seq=row["seq"],
        attempt=row["claim_no"],
        attachment_id=row["attachment_id"],
        parent_id=row["parent_id"],
        is_cancelling=(
            row["status"] == Status.RUNNING and row["cancel_requested_at"] is not None
        ),
        waiting_because=scene.reason(row),
        result=row["result"],
        warnings=tuple(row["warnings"]),
        error=error,
        created_at=row["created_at"],
        started_at=row["started_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
    )


@dataclass(frozen=True)
class _Scene:
    """What is needed to say why tasks wait; read once for all of them."""

    #: By queue: live slots, and how many are taken.
    slots: dict[str, int]
    running: dict[str, int]
    has_scheduler: bool
    trouble: str | None
    providers: dict[str, Row]
    pauses: dict[Queue, Paused] = field(default_factory=dict)

    @classmethod
    def look(cls, connection: Db, rows: list[Row]) -> _Scene:
        waiting = {Status(row["status"]) for row in rows}
        if not waiting & {Status.QUEUED, Status.PARKED}:
            return cls({}, {}, has_scheduler=True, trouble=None, providers={})
        workers = connection.execute(
            "select kind, queues, slots, trouble from workers "
            "where seen_at > now() - %s and state = 'running'",
            [GONE_AFTER],
        ).fetchall()
        slots: dict[str, int] = {}
        for worker in workers:
            for queue in worker["queues"]:
                slots[queue] = slots.get(queue, 0) + worker["slots"]
        running = connection.execute(
            "select queue, count(*) as n from tasks where status = 'running' "
            "group by queue"
        ).fetchall()
        providers = connection.execute(
            "select name, state, reason, "
            "extract(epoch from next_try_at - now()) as next_in_s from providers"
        ).fetchall()
        schedulers = [w for w in workers if w["kind"] == "scheduler"]
        return cls(
            slots=slots,
            running={row["queue"]: row["n"] for row in running},
            has_scheduler=bool(schedulers),
            trouble=next((w["trouble"] for w in schedulers if w["trouble"]), None),
            providers={row["name"]: row for row in providers},
            pauses=paused(connection),
        )

    def reason(self, row: Row) -> str | None:
        """Why *row* waits, in one sentence."""
        match Status(row["status"]):
            case Status.WAITING:
                count = row["children_open"]
                return f"Waits for {count} of its parts to end."
            case Status.PARKED:
                return self._parked(row)
            case Status.QUEUED:
                return self._queued(row)
        return None

    def _parked(self, row: Row) -> str:
        if row["waits_for"]:  # its message says for what, and only the budget has a day
            until = f" Goes on {_in(row['due_in_s'])}." if row["due_in_s"] > 0 else ""
            return f"{row['message']}{until}"
        provider = self.providers.get(row["provider"])
        if provider is None:
            return f"Waits for {row['provider']}; it is tried again at once."
        if provider["state"] == "recovering":
            return f"{row['provider']} is back; its tasks go on a few at a time."
        if provider["state"] == "probing":
            return f"{row['provider']} is being tried with another task first."
        return (
            f"{row['provider']} is away ({provider['reason']}) It is tried again "
            f"{_in(provider['next_in_s'])}."
        )

    def _queued(self, row: Row) -> str:
        if row["held"]:
            return (
                "Waits for a part of the same batch to end: only so many run at once."
            )
        if row["due_in_s"] > 0 and not (row["retries"] or row["error_message"]):
            return f"Begins {_in(row['due_in_s'])}."
        if row["slot"] is not None:
            return (
                "Waits for another large job of this machine to end: such jobs run "
                "one at a time."
            )
        if row["due_in_s"] > 0:
            reason = row["error_message"] or row["message"]
            return f"Tries again {_in(row['due_in_s'])}, after: {reason}"
        return self._stopped(row["queue"]) or self._in_line(row["queue"])

    def _stopped(self, queue: str) -> str | None:
        if (pause := self.pauses.get(Queue(queue))) is not None:
            return pause.reason(queue)
        if not self.has_scheduler:
            return "No scheduler is running: start one with ./prsnl scheduler."
        return self.trouble

    def _in_line(self, queue: str) -> str:
        slots = self.slots.get(queue, 0)
        if slots == 0:
            return (
                f"No worker for {queue} is running: start one with "
                f"./prsnl worker {queue}."
            )
        if self.running.get(queue, 0) >= slots:
            return f"Every worker for {queue} is busy ({slots} of {slots})."
        return "Next in line: a worker takes it within a moment."


def _in(seconds: float) -> str:
    if seconds < 1:
        return "at once"
    if seconds < 100:  # noqa: PLR2004 - shorter than this, seconds say more
        return f"in {math.ceil(seconds)} s"
    return f"in {math.ceil(seconds / 60)} min"
