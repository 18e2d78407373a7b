"""Events of tasks, as the product writes them: the row raised, then the event."""

from __future__ import annotations

from uuid import UUID

from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core.db import Database, Db
from prsnl.work.ring import Channel
from prsnl.work.specs import ENDED, Status
from prsnl.work.submit import submission, submit

_RAISE = """
with mine as (
    update tasks
    set current = current + 1, message = %(message)s, status = %(status)s,
        seq = seq + 1, updated_at = now(),
        finished_at = case when %(is_end)s then now() end
    where id = %(id)s returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from mine
returning seq
"""


def submitted(database: Database, owner: str) -> UUID:
    """A task that waits; its first event has the number 0."""
    with database.connection() as connection:
        (told,) = submit(
            connection,
            [
                submission(
                    ANALYZE_CONTENT, AnalyzeContent(content="A text."), owner=owner
                )
            ],
        )
    return told.task_id


def step(
    connection: Db,
    task_id: UUID,
    message: str = "Working",
    status: Status = Status.RUNNING,
) -> int:
    """One event more, in the caller's transaction; tell its number."""
    row = connection.execute(
        _RAISE,
        {
            "id": task_id,
            "message": message,
            "status": str(status),
            "is_end": status in ENDED,
        },
    ).fetchone()
    assert row is not None
    return int(row["seq"])


def steps(database: Database, task_id: UUID, *messages: str) -> None:
    """Events, each in a transaction of its own, and a ring."""
    with database.connection() as connection:
        for message in messages:
            step(connection, task_id, message)
        connection.execute(f"notify {Channel.PROGRESS}")
