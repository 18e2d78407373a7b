"""Reads what the rows say: one task, and lists. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.work import waiting
from prsnl.work.specs import Status

_COLUMNS: Final = """
id, owner, name, queue, status, current, total, message, seq, claim_no, retries,
retries_of, crashes, provider, waits_for, held, slot, children_open, parent_id,
attachment_id,
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
and (%(parent_id)s::uuid is null or parent_id = %(parent_id)s)
and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
and (%(created_to)s::timestamptz is null or created_at < %(created_to)s)
and (%(finished_from)s::timestamptz is null or finished_at >= %(finished_from)s)
and (%(finished_to)s::timestamptz is null or finished_at < %(finished_to)s)
"""
#: By two indexes: an item has few of the tasks.
_OF_ITEM: Final = """
and id in (
    select about.id from tasks about
    where about.command ->> 'content_id' = %(item_id)s::text
    union all
    select of_file.id from tasks of_file join attachments a
        on a.id = of_file.attachment_id
    where a.item_id = %(item_id)s)
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
          {"" if narrowing.item_id is None else _OF_ITEM}
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


def _views(connection: Db, rows: list[Row]) -> list[TaskView]:
    told = waiting.reasons(connection, rows)
    return [_view(row, reason) for row, reason in zip(rows, told, strict=True)]


def _view(row: Row, waiting_because: str | None) -> TaskView:
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
        waiting_because=waiting_because,
        result=row["result"],
        warnings=tuple(row["warnings"]),
        error=error,
        created_at=row["created_at"],
        started_at=row["started_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
    )
