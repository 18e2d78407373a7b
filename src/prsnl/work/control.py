"""What a person may do with a task: cancel, retry, try now."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.work import caps
from prsnl.work.claim import child_ended, children_ended, free_siblings
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status

# A task that no worker holds is revoked on the spot; of a running one the flag is
# read by its worker. Down to the children's children: an archive may lie in a batch.
_CANCEL: Final = """
with recursive tree as (
    select %(id)s::uuid as id
    union all
    select t.id from tasks t join tree on t.parent_id = tree.id
), family as (
    select id from tasks
    where id in (select id from tree)
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
select id, parent_id, status, held from flagged
"""

# A child that ends holds its own row and then wants its parent's: so does everybody,
# the lowest first.
_LOCK_DESCENDANTS: Final = """
with recursive below (id, depth) as (
    select id, 1 from tasks where parent_id = %(id)s and owner = %(owner)s
    union all
    select t.id, below.depth + 1 from tasks t join below on t.parent_id = below.id
)
select t.id from tasks t join below using (id)
where t.status in ('queued', 'running', 'parked', 'waiting')
order by below.depth desc, t.id for update of t
"""

# Of a parent its failed children are queued: a batch of a thousand is one task.
_WANTS_PLACE: Final = """
select queue from tasks t
where id = %s and owner = %s and parent_id is null and status in ('failure', 'dead')
  and not exists (
    select from tasks c where c.parent_id = t.id and c.status in ('failure', 'dead'))
"""

_LOCK_FAILED_CHILDREN: Final = """
select id from tasks
where parent_id = %s and owner = %s and status in ('failure', 'dead')
order by id for update
"""

_REQUEUE: Final = """
with again as (
    update tasks
    set status = 'queued', due_at = now(), sent_at = null, retries = 0, crashes = 0,
        held = parent_id is not null, finished_at = null, updated_at = now(),
        seq = seq + 1, message = 'Queued again'
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
    set status = 'waiting', children_open = children_open + %(count)s, sent_at = null,
        current = greatest(0, current - %(count)s), result = null,
        error_category = null, error_code = null, error_message = null,
        retries = 0, crashes = 0, updated_at = now(), seq = seq + 1,
        finished_at = null, message = 'Waits for its parts'
    where id = %(id)s and status not in ('running', 'revoked')
    returning *
), closing as (
    -- What the parent made of its children's old ends is made anew.
    delete from task_stages s using again, task_stages c
    where s.task_id = again.id and c.task_id = again.id and c.stage = 'children'
      and s.committed_at > c.committed_at
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from again
returning status
"""

_ROOM: Final = """
select greatest(0, p.children_at_once - count(c.id))::integer as room
from tasks p
left join tasks c on c.parent_id = p.id and not c.held
    and c.status in ('queued', 'running', 'parked', 'waiting')
where p.id = %s group by p.id
"""

_TRY_NOW: Final = """
with now as (
    update tasks
    set status = 'queued', due_at = least(due_at, now()), updated_at = now(),
        seq = seq + 1, message = 'Tries now'
    where id = %(id)s and status in ('queued', 'parked') and not held
    returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from now
returning status
"""


def cancel(connection: Db, task_id: UUID, *, owner: str) -> Status:
    """Cancel a task and its children; tell the state it is in now.

    A running task is `running` still, and gone within seconds. One that has ended
    stays as it is.

    Raises:
        NotFoundError: No such task of this owner.
    """
    with connection.transaction():
        connection.execute(_LOCK_DESCENDANTS, {"id": task_id, "owner": owner})
        status = _locked(connection, task_id, owner)
        if status in ENDED:
            return status
        rows = connection.execute(_CANCEL, {"id": task_id}).fetchall()
        _tell_parents(connection, task_id, rows)
    return next(Status(row["status"]) for row in rows if row["id"] == task_id)


def _tell_parents(connection: Db, task_id: UUID, rows: list[Row]) -> None:
    revoked = [
        row for row in rows if row["parent_id"] and row["status"] == Status.REVOKED
    ]
    own = [row for row in revoked if row["parent_id"] == task_id]
    if own:  # with their parent: nobody takes their places
        children_ended(connection, task_id, len(own))
    for row in revoked:
        if row["parent_id"] != task_id:
            child_ended(connection, row["parent_id"], was_held=row["held"])


def retry(connection: Db, task_id: UUID, *, owner: str, is_again: bool = False) -> None:
    """Requeue a dead letter; of a parent, its failed children only.

    Args:
        connection: In autocommit: all of it is one transaction.
        task_id: The dead letter.
        owner: Whose it is.
        is_again: This same request may have been committed while its answer was lost:
            a task that has not ended counts as requeued by it.

    Raises:
        NotFoundError: No such task of this owner.
        ConflictError: It has not failed.
    """
    with connection.transaction():
        children = connection.execute(
            _LOCK_FAILED_CHILDREN, [task_id, owner]
        ).fetchall()
        status = _locked(connection, task_id, owner)
        if status is Status.REVOKED:
            raise ConflictError(
                "This task was cancelled, and stays so: submit the file again."
            )
        if children:
            ids = [row["id"] for row in children]
        elif status in DEAD_LETTERS:
            ids = [task_id]
        elif is_again and status not in ENDED:
            return
        else:
            raise ConflictError(
                f"This task has not failed: it is {status}. Only a failed one is "
                "retried."
            )
        again = connection.execute(_REQUEUE, {"ids": ids}).fetchall()
        for parent in {row["parent_id"] for row in again} - {None}:
            count = sum(row["parent_id"] == parent for row in again)
            _wait_again(connection, parent, count)


def retry_one(
    connection: Db, task_id: UUID, *, owner: str, is_again: bool = False
) -> None:
    """The same for a person who asks for it, if one more task may wait.

    Raises:
        TooManyTasksError: As many wait as may; the dead letter stays as it is.
    """
    in_force = caps.read(connection)
    if in_force.queued:
        row = connection.execute(_WANTS_PLACE, [task_id, owner]).fetchone()
        if row is not None:
            caps.require_room(
                connection,
                in_force,
                owner=owner,
                queue=row["queue"],
                then="try this one again",
            )
    retry(connection, task_id, owner=owner, is_again=is_again)


def _wait_again(connection: Db, parent_id: UUID, count: int) -> None:
    """Have a parent wait for so many more, and whoever has counted its end for it."""
    before = connection.execute(
        "select status, parent_id from tasks where id = %s for update", [parent_id]
    ).fetchone()
    told = connection.execute(_WAIT_AGAIN, {"id": parent_id, "count": count}).fetchone()
    if told is None:
        raise ConflictError(
            "The task that this one is a part of was cancelled, or is just being "
            "finished: look at it, and submit the file again if it was cancelled."
        )
    room = connection.execute(_ROOM, [parent_id]).fetchone()
    assert room is not None
    free_siblings(connection, parent_id, min(room["room"], count))
    if before is not None and before["parent_id"] and before["status"] in ENDED:
        _wait_again(connection, before["parent_id"], 1)


def try_now(connection: Db, task_id: UUID, *, owner: str) -> None:
    """End the wait of a queued or parked task; of a provider it is the next probe.

    Raises:
        NotFoundError: No such task of this owner.
        ConflictError: It is not waiting for a time or a provider.
    """
    # Without a lock: a held child that somebody has locked would not be freed.
    row = connection.execute(
        "select status from tasks where id = %s and owner = %s", [task_id, owner]
    ).fetchone()
    status = _known(row)
    if connection.execute(_TRY_NOW, {"id": task_id}).fetchone() is None:
        raise ConflictError(
            f"This task does not wait for a time or a provider: it is {status}."
        )


def _locked(connection: Db, task_id: UUID, owner: str) -> Status:
    return _known(
        connection.execute(
            "select status from tasks where id = %s and owner = %s for update",
            [task_id, owner],
        ).fetchone()
    )


def _known(row: Row | None) -> Status:
    if row is None:
        raise NotFoundError("There is no such task.")
    return Status(row["status"])
