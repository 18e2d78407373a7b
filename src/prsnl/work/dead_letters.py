"""Dead letters: tasks that failed for good, one by one, and queued again.

One is open until the same was done for its file later, it is queued again, or its
owner has resolved its cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.work import caps, control, ledger
from prsnl.work.ledger import TaskView

#: The task that queues others again: many by one request never queue it, too.
REQUEUE_NAME: Final = "requeue_failed_task"

#: A cause, by the columns of a failed task or of its log.
FINGERPRINT: Final = """
failure_fingerprint({0}.error_category, {0}.error_code, {0}.error_stage,
                    {0}.error_engine)
"""
_OF_TASK: Final = FINGERPRINT.format("t")

OPEN: Final = f"""
t.owner = %(owner)s and t.status in ('failure', 'dead')
and (%(code)s::text is null or t.error_code = %(code)s)
and (%(queue)s::text is null or t.queue = %(queue)s)
and (%(name)s::text is null or t.name = %(name)s)
and (%(fingerprint)s::text is null or {_OF_TASK} = %(fingerprint)s)
and not exists (
    select 1 from tasks later
    where later.attachment_id = t.attachment_id and later.name = t.name
      and later.owner = t.owner and later.id > t.id and later.status = 'success')
and not exists (
    select from failure_families f
    where f.owner = t.owner and f.fingerprint = {_OF_TASK}
      and f.resolved_at >= coalesce(t.finished_at, t.updated_at))
"""

_PAGE: Final = f"""
select t.id from tasks t where {OPEN}
and (%(before)s::uuid is null or t.id < %(before)s)
order by t.id desc limit %(limit)s
"""

# A parent's retry takes its failed children along, so those of one that is queued
# again by the same request are left to it.
_TO_RETRY: Final = f"""
with found as materialized (
    select t.id, t.parent_id from tasks t where {OPEN} and t.name <> %(not)s
)
select id from found
where parent_id is null or parent_id not in (select id from found) order by id
"""

_BY_QUEUE: Final = """
select queue, count(*) as n from tasks
where id = any(%s) and owner = %s and parent_id is null
  and status in ('failure', 'dead')
group by queue
"""

_COUNT: Final = f"select count(*) as n from tasks t where {OPEN}"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Which dead letters; what is None does not narrow."""

    code: str | None = None
    queue: str | None = None
    name: str | None = None
    fingerprint: str | None = None


_EVERY: Final = Cause()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A dead letter that could not be queued again."""

    task_id: UUID
    reason: str


def page(
    connection: Db, cause: Cause, *, owner: str, before: UUID | None, limit: int
) -> list[TaskView]:
    """The owner's open dead letters, newest first."""
    rows = connection.execute(
        _PAGE, {**values(cause, owner), "before": before, "limit": limit}
    ).fetchall()
    return ledger.some(connection, [row["id"] for row in rows], owner=owner)


def count(connection: Db, *, owner: str, cause: Cause = _EVERY) -> int:
    """How many dead letters of an owner are open."""
    row = connection.execute(_COUNT, values(cause, owner)).fetchone()
    return int(row["n"]) if row else 0


def of_cause(connection: Db, cause: Cause, *, owner: str) -> list[UUID]:
    """The open dead letters of a cause that can be queued again, oldest first."""
    rows = connection.execute(
        _TO_RETRY, {**values(cause, owner), "not": REQUEUE_NAME}
    ).fetchall()
    return [row["id"] for row in rows]


def why_full(connection: Db, task_ids: Sequence[UUID], *, owner: str) -> str | None:
    """Why these may not be queued again now, by the caps; None if they may."""
    rows = connection.execute(_BY_QUEUE, [list(task_ids), owner]).fetchall()
    wanted = {row["queue"]: int(row["n"]) for row in rows}
    return caps.why_full(connection, owner=owner, wanted=wanted)


def requeue(
    connection: Db, task_ids: Sequence[UUID], *, owner: str
) -> Iterator[UUID | Refused]:
    """Queue dead letters again, each by itself; tell of each if it was, or why not.

    They are on the disk with the next commit that waits for it.
    """
    for task_id in task_ids:
        try:
            # Each in a transaction of its own: a child is locked before its parent.
            with connection.transaction():
                connection.execute("set local synchronous_commit = off")
                control.retry(connection, task_id, owner=owner)
        except (ConflictError, NotFoundError) as error:
            yield Refused(task_id=task_id, reason=error.message)
        else:
            yield task_id


def values(cause: Cause, owner: str) -> dict[str, Any]:
    """What `OPEN` is narrowed by."""
    return {**vars(cause), "owner": owner}
