"""What a person may do with a task: cancel, retry, try now."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.work.claim import child_ended
from prsnl.work.providers import release
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status

# A task that no worker holds is revoked on the spot; of a running one the flag is
# read by its worker. Two levels: a task and its children.
_CANCEL: Final = """
with family as (
    select id from tasks
    where (id = %(id)s or parent_id = %(id)s)
      and status in ('queued', 'running', 'parked', 'waiting')
    order by id for update
), flagged as (
    update tasks t
    set cancel_requested_at = coalesce(t.cancel_requested_at, now()),
        updated_at = now(), seq = seq + 1,
        status = case when t.status = 'running' then t.status else 'revoked' end,
        message = case when t.status = 'running' then 'Cancelling' else 'Cancelled' end,
        finished_at = case when t.status = 'running' then null else now() end
    from family where t.id = family.id
    returning t.*
), event as (
    insert into task_progress (task_id, owner, seq, status, current, total, message)
    select id, owner, seq, status, current, total, message from flagged
)
select id, parent_id, status from flagged
"""

_REQUEUE: Final = """
with again as (
    update tasks
    set status = 'queued', due_at = now(), sent_at = null, retries = 0, crashes = 0,
        finished_at = null, resolved_at = null, updated_at = now(), seq = seq + 1,
        message = 'Queued again'
    where id = any(%(ids)s) and status in ('failure', 'dead')
    returning *
), event as (
    insert into task_progress (task_id, owner, seq, status, current, total, message)
    select id, owner, seq, status, current, total, message from again
)
select id, parent_id from again
"""

_WAIT_AGAIN: Final = """
with again as (
    update tasks
    set status = case when status = any(%(ended)s) then 'waiting' else status end,
        children_open = children_open + %(count)s, updated_at = now(), seq = seq + 1,
        finished_at = null, cancel_requested_at = null, message = 'Waits for its parts'
    where id = %(id)s
    returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from again
"""


def cancel(connection: Db, task_id: UUID, *, owner: str) -> Status:
    """Cancel a task and its children; tell the state it is in now.

    A running task is `running` still, and gone within seconds. One that has ended
    stays as it is.

    Raises:
        NotFoundError: No such task of this owner.
    """
    with connection.transaction():
        status = _status(connection, task_id, owner)
        if status in ENDED:
            return status
        rows = connection.execute(_CANCEL, {"id": task_id}).fetchall()
        for row in rows:
            if row["parent_id"] is not None and row["status"] == Status.REVOKED:
                child_ended(connection, row["parent_id"])
    return next(Status(row["status"]) for row in rows if row["id"] == task_id)


def retry(connection: Db, task_id: UUID, *, owner: str) -> None:
    """Requeue a dead letter; of a parent, its failed children only.

    Raises:
        NotFoundError: No such task of this owner.
        ConflictError: It has not failed.
    """
    with connection.transaction():
        status = _status(connection, task_id, owner)
        if status is Status.REVOKED:
            raise ConflictError(
                "This task was cancelled, and stays so: submit the file again."
            )
        children = connection.execute(
            "select id from tasks where parent_id = %s and status = any(%s) for update",
            [task_id, [str(s) for s in DEAD_LETTERS]],
        ).fetchall()
        if children:
            ids = [row["id"] for row in children]
        elif status in DEAD_LETTERS:
            ids = [task_id]
        else:
            raise ConflictError(
                f"This task has not failed: it is {status}. Only a failed one is "
                "retried."
            )
        again = connection.execute(_REQUEUE, {"ids": ids}).fetchall()
        for parent in {row["parent_id"] for row in again} - {None}:
            connection.execute(
                _WAIT_AGAIN,
                {
                    "id": parent,
                    "count": sum(row["parent_id"] == parent for row in again),
                    "ended": [str(s) for s in ENDED],
                },
            )


def try_now(connection: Db, task_id: UUID, *, owner: str) -> None:
    """End the wait of a queued or parked task.

    Raises:
        NotFoundError: No such task of this owner.
        ConflictError: It is not waiting for a time or a provider.
    """
    with connection.transaction():
        status = _status(connection, task_id, owner)
        if status not in (Status.QUEUED, Status.PARKED):
            raise ConflictError(f"This task does not wait: it is {status}.")
        row = connection.execute(
            "update tasks set due_at = least(due_at, now()) where id = %s "
            "returning provider",
            [task_id],
        ).fetchone()
        if status is Status.PARKED and row is not None:
            release(connection, row["provider"])


def _status(connection: Db, task_id: UUID, owner: str) -> Status:
    row = connection.execute(
        "select status from tasks where id = %s and owner = %s for update",
        [task_id, owner],
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such task.")
    return Status(row["status"])
