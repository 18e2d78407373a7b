"""GET /api/background/tasks/{task_id}/log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.db import Db
from prsnl.core.errors import BadRequestError
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.base import Page
from prsnl.wire.task_log import LogLine
from prsnl.work import ledger, task_log
from prsnl.work.ledger import TaskView
from prsnl.work.task_log import LogView

_MOST: Final = 2**31

router = APIRouter(prefix="/api/background", tags=["Tasks"])


class LogQuery(BaseModel):
    """Which lines of a task's log."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(200, ge=1, le=1000, description="So many lines at most.")
    after: str | None = Field(
        None, max_length=100, description="Those that follow: `next` of the last page."
    )

    @property
    def place(self) -> tuple[datetime, int, int] | None:
        """Where the last page ended.

        Raises:
            BadRequestError: No page ends there.
        """
        if self.after is None:
            return None
        parts = self.after.split("_")
        try:
            at, source, place = datetime.fromisoformat(parts[0]), *map(int, parts[1:])
        except ValueError as error:
            raise _no_place() from error
        numbers = (source, place)
        if at.tzinfo is None or not all(0 <= one < _MOST for one in numbers):
            raise _no_place()
        return at, source, place


def _no_place() -> BadRequestError:
    return BadRequestError("`after` is no `next` of a log: leave it out to begin anew.")


@router.get("/tasks/{task_id}/log")
def log(
    task_id: UUID, parts: Parts, owner: Caller, wanted: Annotated[LogQuery, Query()]
) -> Page[LogLine]:
    """What workers did of a task, on whichever hosts, the oldest line first.

    A line that a worker has just written may take some seconds to be here.
    """
    after = wanted.place

    def read(connection: Db) -> tuple[TaskView, list[LogView]]:
        view = ledger.task(connection, task_id, owner=owner)
        return view, task_log.lines(
            connection, task_id, owner=owner, after=after, limit=wanted.limit
        )

    view, found = parts.database.run(read)
    return Page(
        items=[_line(view, owner, one) for one in found],
        next=_after(found[-1]) if len(found) == wanted.limit else None,
    )


def _line(task: TaskView, owner: str, view: LogView) -> LogLine:
    told: dict[str, Any] = {
        name: getattr(view, name)
        for name in ("level", "event", "attempt", "stage", "host", "worker_id")
    }
    return LogLine(
        at=view.logged_at,
        task_id=task.task_id,
        task=task.name,
        queue=task.queue,
        owner=owner,
        fields=view.fields,
        **told,
    )


def _after(view: LogView) -> str:
    at = view.logged_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{at}_{view.source}_{view.place}"
