"""Dead letters: tasks that failed for good, by cause, and how they are queued again.

One is resolved, and no longer listed, when the same was done for its file later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.work import control, ledger
from prsnl.work.ledger import TaskView

_UNRESOLVED: Final = """
t.owner = %(owner)s and t.status in ('failure', 'dead')
and (%(code)s::text is null or t.error_code = %(code)s)
and (%(queue)s::text is null or t.queue = %(queue)s)
and (%(name)s::text is null or t.name = %(name)s)
and not exists (
    select 1 from tasks later
    where later.attachment_id = t.attachment_id and later.name = t.name
      and later.owner = t.owner and later.id > t.id and later.status = 'success')
"""

_GROUPS: Final = f"""
select t.name, t.queue, t.error_category as category, t.error_code as code,
       count(*) as count, min(t.finished_at) as oldest_at,
       max(t.finished_at) as newest_at,
       (array_agg(t.error_message order by t.id desc))[1] as example,
       (array_agg(t.id order by t.id desc))[:3] as example_ids
from tasks t where {_UNRESOLVED}
group by 1, 2, 3, 4 order by count(*) desc, 1, 4
"""

_PAGE: Final = f"""
select t.id from tasks t where {_UNRESOLVED}
and (%(before)s::uuid is null or t.id < %(before)s)
order by t.id desc limit %(limit)s
"""

# A parent's retry takes its failed children along.
_TO_RETRY: Final = f"""
select t.id from tasks t
left join tasks p on p.id = t.parent_id and p.status in ('failure', 'dead')
where {_UNRESOLVED} and p.id is null order by t.id limit %(limit)s
"""

_COUNT: Final = f"select count(*) as n from tasks t where {_UNRESOLVED}"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Which dead letters; what is None does not narrow."""

    code: str | None = None
    queue: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Dead letters of one cause."""

    name: str
    queue: str
    category: str | None
    code: str | None
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None
    #: What the newest one said.
    example: str | None
    #: The newest ones, at most three.
    example_ids: list[UUID]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A dead letter that could not be queued again."""

    task_id: UUID
    reason: str


def groups(connection: Db, cause: Cause, *, owner: str) -> list[Group]:
    """The owner's dead letters by cause, the most frequent one first."""
    rows = connection.execute(_GROUPS, _values(cause, owner)).fetchall()
    return [Group(**row) for row in rows]


def page(
    connection: Db, cause: Cause, *, owner: str, before: UUID | None, limit: int
) -> list[TaskView]:
    """The owner's dead letters, newest first."""
    rows = connection.execute(
        _PAGE, {**_values(cause, owner), "before": before, "limit": limit}
    ).fetchall()
    return ledger.some(connection, [row["id"] for row in rows], owner=owner)


def count(connection: Db, *, owner: str) -> int:
    """How many dead letters an owner has."""
    row = connection.execute(_COUNT, _values(Cause(), owner)).fetchone()
    return int(row["n"]) if row else 0


def of_cause(connection: Db, cause: Cause, *, owner: str, limit: int) -> list[UUID]:
    """The dead letters of a cause that can be queued again, oldest first."""
    rows = connection.execute(
        _TO_RETRY, {**_values(cause, owner), "limit": limit}
    ).fetchall()
    return [row["id"] for row in rows]


def requeue(
    connection: Db, task_ids: Sequence[UUID], *, owner: str
) -> tuple[list[UUID], list[Refused]]:
    """Queue dead letters again, each by itself; tell which were, and why not others."""
    done: list[UUID] = []
    refused: list[Refused] = []
    for task_id in task_ids:
        try:
            control.retry(connection, task_id, owner=owner)
        except (ConflictError, NotFoundError) as error:
            refused.append(Refused(task_id=task_id, reason=error.message))
        else:
            done.append(task_id)
    return done, refused


def _values(cause: Cause, owner: str) -> dict[str, Any]:
    return {**vars(cause), "owner": owner}
