"""What goes over HTTP of a task's log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from prsnl.wire.base import Body


class LogLine(Body):
    """One line of a task's log: ids, states, numbers; no texts of documents."""

    #: By the database's clock, or by the worker's where it logged something.
    at: datetime
    level: str
    #: A dotted fact: `task.started`, `stage.done`, `task.ended`, `task.failed` ...
    event: str
    task_id: UUID
    #: The number of the claim.
    attempt: int
    task: str
    queue: str
    owner: str
    #: The stage it was in; null before the first.
    stage: str | None
    #: Null when the worker has gone and only a row tells of it.
    host: str | None
    worker_id: UUID | None
    #: What else belongs to the event.
    fields: dict[str, Any]
