"""Queues that are paused: none of their tasks begins, and what runs goes on.

The relay sends no hint for them, and a claim looks once more: a hint that is out
already changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prsnl.core.db import Db
from prsnl.work.queues import Queue

_PAUSE: Final = """
insert into queue_pauses (queue, paused_by) values (%s, %s) on conflict do nothing
"""

# Hints of the pause were taken, and came to nothing: they are sent once more.
_SEND_AGAIN: Final = """
update tasks set sent_at = null
where queue = %s and status = 'queued' and sent_at is not null
"""

# The next in line for a machine's slot may be one that just came to a stop, or that may
# go on again. One who finds the slot taken waits once more.
_SLOTS_GO_ON: Final = """
select machine_slot_freed(name) from machine_slots where task_id is null
"""


@dataclass(frozen=True)
class Paused:
    """Who paused a queue, and when."""

    by: str
    at: datetime

    def reason(self, queue: str) -> str:
        """Why a task of the queue waits, and what ends it."""
        since = self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"The queue {queue} is paused by {self.by} since {since}: "
            f"./prsnl queues resume {queue} lets it go on."
        )


def pause(connection: Db, queue: Queue, *, by: str) -> None:
    """Begin none of a queue's tasks from now on; paused already, it stays so."""
    with connection.transaction():
        connection.execute(_PAUSE, [queue, by])
        connection.execute(_SLOTS_GO_ON)


def resume(connection: Db, queue: Queue) -> None:
    """Let a queue go on; ring afterwards. One that is not paused stays so."""
    with connection.transaction():
        connection.execute("delete from queue_pauses where queue = %s", [queue])
        connection.execute(_SEND_AGAIN, [queue])
        connection.execute(_SLOTS_GO_ON)


def paused(connection: Db) -> dict[Queue, Paused]:
    """The queues that are paused."""
    rows = connection.execute(
        "select queue, paused_by, paused_at from queue_pauses"
    ).fetchall()
    return {
        Queue(row["queue"]): Paused(row["paused_by"], row["paused_at"]) for row in rows
    }
