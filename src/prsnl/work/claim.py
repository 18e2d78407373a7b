"""Claim a task, and end the claim: the two ends of what one worker does.

Both are one statement, fenced by `claim_no`: a worker that lost its task changes
nothing. All times are the database's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db, Row, said_without_its_text
from prsnl.core.errors import PrsnlError
from prsnl.work import caps
from prsnl.work.progress import Step
from prsnl.work.specs import ENDED, Status

#: Where somebody has a cap, who claims looks at those that run first: `_beside_others`.
_NO_CAP: Final = """
and not exists (select from caps c where c.what = 'running')
"""

_TAKEN: Final = """
claimed as (
    update tasks
    set status = 'running', claim_no = claim_no + 1, worker_id = %(worker)s,
        queued_at = greatest(due_at, updated_at), claimed_at = now(),
        lease_until = now() + %(lease)s, sent_at = null,
        started_at = coalesce(started_at, now()), updated_at = now(), seq = seq + 1
    where id = %(hinted)s and status = 'queued' and due_at <= now() and not held
      and cancel_requested_at is null
      and not exists (select from queue_pauses p where p.queue = tasks.queue)
      {no_cap}
    returning *
), started as (
    insert into task_progress (task_id, owner, seq, status, current, total, message)
    select id, owner, seq, status, current, total, 'Started' from claimed
)
"""

_CLAIMED: Final = _TAKEN.format(no_cap=_NO_CAP)

_ENDED: Final = """
ended as (
    update tasks
    set status = %(status)s, sent_at = null, lease_until = null,
        due_at = case when %(due_in)s::interval is null then due_at
                      else now() + %(due_in)s::interval end,
        retries = retries + %(retries)s, crashes = crashes + %(crashes)s,
        provider = %(provider)s, waits_for = %(waits_for)s,
        current = greatest(current, %(current)s,
            case when %(status)s = 'success' then coalesce(%(total)s, total, 0) end),
        total = coalesce(%(total)s, total), message = %(message)s,
        result = %(result)s, warnings = %(warnings)s,
        error_category = %(category)s, error_code = %(code)s,
        error_message = %(error)s, error_stage = %(stage)s, error_engine = %(engine)s,
        retries_of = %(retries_of)s, seq = seq + 1, updated_at = now(),
        finished_at = case when %(is_end)s then now() end
    where id = %(id)s and claim_no = %(claim_no)s and status = 'running'
      and (cancel_requested_at is null or %(status)s = 'revoked')
    returning *
), log as (
    insert into celery_task_results (
        task_id, claim_no, task_name, queue, owner, worker_id, status, queued_at,
        started_at, runtime_s, retry_count, error_category, error_code,
        error_message, error_stage, error_engine, traceback, peak_memory_bytes)
    select id, claim_no, name, queue, owner, worker_id, status,
           queued_at, claimed_at,
           extract(epoch from now() - claimed_at), retries,
           error_category, error_code, error_message, error_stage, error_engine,
           %(traceback)s, %(memory)s
    from ended
), told as (
    insert into task_progress (task_id, owner, seq, status, current, total, message)
    select id, owner, seq, status, current, total, message from ended
)
"""

_COLUMNS: Final = """
id, owner, name, queue, command, claim_no, retries, crashes, parent_id, attachment_id,
provider, waits_for
"""

CLAIM: Final = f"with {_CLAIMED} select {_COLUMNS} from claimed"

_CLAIM_BESIDE: Final = f"""
with {_TAKEN.format(no_cap="")} select {_COLUMNS} from claimed
"""

MINE: Final = f"""
select {_COLUMNS}
from tasks where id = %(hinted)s and status = 'running' and worker_id = %(worker)s
"""

END: Final = f"with {_ENDED} select id, parent_id from ended"

#: The end of one claim and the next claim, in one transaction: one wait for the disk.
TURN: Final = f"""
with {_ENDED}, {_CLAIMED}
select exists (select from ended) as has_ended, claimed.*
from (select) one left join (select {_COLUMNS} from claimed) claimed on true
"""

# The parent counts its children as steps. Who listens is told at most four times a
# second, and at the end.
_CHILDREN_ENDED: Final = """
with parent as (
    update tasks
    set children_open = children_open - %(count)s, updated_at = now(), seq = seq + 1,
        current = least(current + %(count)s, coalesce(total, current + %(count)s)),
        message = case when status <> 'waiting' then message
            else format('%%s of its parts to go', children_open - %(count)s) end,
        status = case when children_open = %(count)s and status = 'waiting'
            then 'queued' else status end,
        due_at = case when children_open = %(count)s and status = 'waiting'
            then now() else due_at end
    where id = %(parent)s
    returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from parent
where children_open = 0 or not exists (
    select 1 from task_progress e
    where e.task_id = parent.id and e.created_at > now() - interval '250 ms')
"""

_FREE_A_SIBLING: Final = """
update tasks set held = false, due_at = now(), updated_at = now(), seq = seq + 1
where id = (
    select id from tasks
    where parent_id = %(parent)s and status = 'queued' and held
    order by id limit 1 for update skip locked)
"""


@dataclass(frozen=True)
class Claim:
    """A task in the hands of one worker, and the token that proves it."""

    id: UUID
    owner: str
    name: str
    command: dict[str, Any]
    claim_no: int
    retries: int
    crashes: int
    parent_id: UUID | None
    attachment_id: UUID | None
    #: The provider it was parked for, if it was.
    provider: str | None
    #: The limit that it has its turn at, after it was parked for that.
    waits_for: str | None = None
    queue: str = ""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a claim ends."""

    status: Status
    step: Step
    message: str
    due_in: timedelta | None = None
    retries: int = 0
    crashes: int = 0
    result: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    error: PrsnlError | None = None
    #: The stage that the error ended.
    stage: str | None = None
    #: How many tries again the error allows in all.
    retries_of: int | None = None
    provider: str | None = None
    #: The limit that a parked task waits for.
    waits_for: str | None = None
    traceback: str | None = None
    peak_memory_bytes: int | None = None


class Fence(Enum):
    """What the row said to a worker that wanted to write."""

    #: It is still ours, or what we wanted is there.
    HELD = auto()
    #: The user has cancelled it.
    CANCELLED = auto()
    #: Another claim has it, or it has ended.
    LOST = auto()


def claim(
    connection: Db, task_id: UUID, *, worker_id: UUID, lease: timedelta, is_again: bool
) -> Claim | None:
    """Take a task that is due; None if it is not to be had.

    Args:
        connection: In autocommit: the claim is one durable statement.
        task_id: What the hint named.
        worker_id: Who takes it.
        lease: How long the worker may be silent.
        is_again: A claim of this same delivery may have been committed while its
            answer was lost: what this worker holds already counts as claimed.
    """
    values = {"hinted": task_id, "worker": worker_id, "lease": lease}
    row = connection.execute(CLAIM, values).fetchone()
    if row is None:
        row = _beside_others(connection, values)
    if row is None and is_again:
        row = connection.execute(MINE, values).fetchone()
    return None if row is None else Claim(**row)


def turn(
    connection: Db,
    ended: Claim,
    ending: Ending,
    task_id: UUID,
    *,
    worker_id: UUID,
    lease: timedelta,
) -> tuple[bool, Claim | None]:
    """End a claim and take the next task, both or neither.

    Only for a task without a parent and a provider, whose end changes no other row,
    and for another task than the one that ends.

    Returns:
        Whether the claim was ours to end, and the new claim, if it was to be had. A
        False, or no claim, may also be this very statement's, committed before its
        answer was lost: `end` and `claim` tell.

    Raises:
        PrsnlError: The row cannot hold this ending; nothing has changed.
    """
    values = {"hinted": task_id, "worker": worker_id, "lease": lease}
    with said_without_its_text():
        row = connection.execute(TURN, values | _values(ended, ending)).fetchone()
    assert row is not None
    has_ended = bool(row.pop("has_ended"))
    taken: Row | None = row
    if row["id"] is None:
        taken = _beside_others(connection, values)
    return has_ended, None if taken is None else Claim(**taken)


def _beside_others(connection: Db, values: Row) -> Row | None:
    """Take a task where caps are set; one that has no place is sent again later."""
    if not caps.read(connection).running:
        return None
    task_id = values["hinted"]
    with connection.transaction():
        if caps.has_place(connection, task_id):
            return connection.execute(_CLAIM_BESIDE, values).fetchone()
        unsend(connection, [task_id])
    return None


def end(connection: Db, claimed: Claim, ending: Ending) -> Fence:
    """End a claim: row, log, last event and parent, all or none. Safe to repeat.

    Raises:
        PrsnlError: The row cannot hold this ending; nothing has changed.
    """
    with said_without_its_text():
        if claimed.parent_id is None:
            row = connection.execute(END, _values(claimed, ending)).fetchone()
        else:
            with connection.transaction():
                row = connection.execute(END, _values(claimed, ending)).fetchone()
                if row is not None and ending.status in ENDED:
                    child_ended(connection, claimed.parent_id)
    return Fence.HELD if row is not None else after_refusal(connection, claimed, ending)


def after_refusal(connection: Db, claimed: Claim, ending: Ending) -> Fence:
    """Tell why `END` changed nothing."""
    row = connection.execute(
        "select status, claim_no, cancel_requested_at from tasks where id = %s",
        [claimed.id],
    ).fetchone()
    if row is None or row["claim_no"] != claimed.claim_no:
        return Fence.LOST
    if row["status"] == ending.status:
        return Fence.HELD  # our own COMMIT, whose answer was lost
    if row["status"] == "running" and row["cancel_requested_at"] is not None:
        return Fence.CANCELLED
    return Fence.LOST


def unsend(connection: Db, task_ids: Sequence[UUID]) -> None:
    """Forget that hints are out: they are sent anew."""
    connection.execute(
        "update tasks set sent_at = null where id = any(%s) and status = 'queued'",
        [list(task_ids)],
    )


def free_siblings(connection: Db, parent_id: UUID, count: int) -> None:
    """Let so many more held children of a parent run."""
    for _ in range(count):
        connection.execute(_FREE_A_SIBLING, {"parent": parent_id})


def child_ended(connection: Db, parent_id: UUID, *, was_held: bool = False) -> None:
    """Count a child's end; the last one queues the parent for its closing stage.

    The child's row is locked before the parent's, always in this order.

    Args:
        connection: In the transaction that ended the child.
        parent_id: Whose child it was.
        was_held: It never had one of the places of those that run at once, so it
            leaves none to a sibling.
    """
    children_ended(connection, parent_id, 1)
    if not was_held:
        connection.execute(_FREE_A_SIBLING, {"parent": parent_id})


def children_ended(connection: Db, parent_id: UUID, count: int) -> None:
    """Count the ends of several children at once; no sibling takes their place."""
    connection.execute(_CHILDREN_ENDED, {"parent": parent_id, "count": count})


def _values(claimed: Claim, ending: Ending) -> Row:
    error = ending.error
    return {
        "id": claimed.id,
        "claim_no": claimed.claim_no,
        "status": str(ending.status),
        "due_in": ending.due_in,
        "retries": ending.retries,
        "crashes": ending.crashes,
        "provider": ending.provider,
        "waits_for": ending.waits_for,
        "current": ending.step.current,
        "total": ending.step.total,
        "message": ending.message,
        "result": None if ending.result is None else Jsonb(ending.result),
        "warnings": Jsonb(list(ending.warnings)),
        "category": None if error is None else str(error.category),
        "code": None if error is None else error.code,
        "error": None if error is None else error.message,
        "stage": None if error is None else ending.stage,
        "engine": None if error is None else error.engine,
        "retries_of": ending.retries_of,
        "is_end": ending.status in ENDED,
        "traceback": ending.traceback,
        "memory": ending.peak_memory_bytes,
    }
