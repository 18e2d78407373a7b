"""Slots of a machine: what one large job takes for itself, and others wait for.

A slot is a row that names its holder. It is free again when the holder's claim ends,
however that ends: the task's lease is the slot's. Who waits is queued, holds no worker,
and is let go on by whoever frees the slot: the small ones first.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from prsnl.core.db import Db
from prsnl.work.run import TaskRun, Waits

#: What takes most of a machine's memory or cores for long: a large model, a long film.
HEAVY: Final = "heavy"
#: The machine's graphics processor.
GPU: Final = "gpu"

#: Who waits looks by itself after so long, should nobody have let it go on.
_LOOKS_AGAIN: Final = timedelta(minutes=5)

_WAIT: Final = """
with mine as (
    update tasks
    set status = 'queued', due_at = now() + %(again)s, sent_at = null,
        lease_until = null, updated_at = now(), seq = seq + 1,
        current = greatest(current, %(current)s), total = coalesce(%(total)s, total),
        message = %(message)s
    where id = %(id)s and claim_no = %(claim_no)s and status = 'running'
    returning *
), log as (
    insert into celery_task_results (
        task_id, claim_no, task_name, queue, owner, worker_id, status, queued_at,
        started_at, runtime_s, retry_count)
    select id, claim_no, name, queue, owner, worker_id, status, queued_at, claimed_at,
           extract(epoch from now() - claimed_at), retries from mine
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from mine
"""

_WAKE: Final = """
select machine_slot_freed(name) from machine_slots
where task_id is null and exists (
    select 1 from tasks
    where slot = machine_slots.name and status = 'queued' and due_at > now())
"""


@contextmanager
def taken(run: TaskRun, kind: str) -> Iterator[None]:
    """Hold this machine's slot of a kind for the block; a task that has it keeps it.

    Raises:
        Waits: Another task has it: the row says so already, and the claim is over.
        Lost: Another claim has the task.
        Cancelled: The user has cancelled it.
    """
    name = f"{kind} {socket.gethostname()}"
    is_ours = run.database.run(lambda connection: _take(connection, run, name))
    if is_ours is None:
        run.rang()
        raise Waits
    # After an error the end of the claim frees it, in the same transaction.
    yield
    if is_ours:
        run.database.run(lambda connection: _free(connection, run, name))
        run.rang()


def wake(connection: Db) -> bool:
    """Let the next go on where a slot is free and yet waited for; was there any?

    Who was let go on may never have come: it was cancelled, or another host has it.
    """
    return connection.execute(_WAKE).rowcount > 0


def _take(connection: Db, run: TaskRun, name: str) -> bool | None:
    """Whether the slot is ours now; False where it was before; None: we wait."""
    with connection.transaction():
        run.stages.fence(connection)
        connection.execute(
            "insert into machine_slots (name) values (%s) on conflict do nothing",
            [name],
        )
        rows = connection.execute(
            "select number, task_id from machine_slots where name = %s order by number "
            "for update",
            [name],
        ).fetchall()
        if any(row["task_id"] == run.task_id for row in rows):
            return False
        free = next((row["number"] for row in rows if row["task_id"] is None), None)
        if free is None:
            _wait(connection, run, name)
            return None
        connection.execute(
            "update machine_slots set task_id = %s, taken_at = now() "
            "where name = %s and number = %s",
            [run.task_id, name, free],
        )
        connection.execute(
            "update tasks set slot = %s where id = %s", [name, run.task_id]
        )
        return True


def _wait(connection: Db, run: TaskRun, name: str) -> None:
    step = run.progress.take()
    connection.execute(
        _WAIT,
        {
            "id": run.task_id,
            "claim_no": run.claimed.claim_no,
            "again": _LOOKS_AGAIN,
            "current": step.current,
            "total": step.total,
            "message": "Waits for another large job to end",
        },
    )
    # Afterwards: one that waits for the second time leaves its first place in the line
    # as its claim ends.
    connection.execute("update tasks set slot = %s where id = %s", [name, run.task_id])


def _free(connection: Db, run: TaskRun, name: str) -> None:
    with connection.transaction():
        run.stages.fence(connection)
        connection.execute("update tasks set slot = null where id = %s", [run.task_id])
        freed = connection.execute(
            "update machine_slots set task_id = null, taken_at = null "
            "where name = %s and task_id = %s",
            [name, run.task_id],
        )
        if freed.rowcount:
            connection.execute("select machine_slot_freed(%s)", [name])
