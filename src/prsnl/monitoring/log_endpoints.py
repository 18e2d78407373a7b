"""GET /api/background/tasks/{task_id}/log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.db import Db
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.base import Page
from prsnl.wire.task_log import LogLine
from prsnl.work import ledger, task_log
from prsnl.work.ledger import TaskView
from prsnl.work.task_log import LogView

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

router = APIRouter(prefix="/api/background", tags=["Tasks"])


class LogQuery(BaseModel):
    """Which lines of a task's log."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(200, ge=1, le=1000, description="So many lines at most.")
    after: str | None = Field(
        None,
        pattern=r"^[0-9]{1,16}_[0-9]_[0-9]{1,18}$",
        description="Those that follow: `next` of the last page.",
    )

    @property
    def place(self) -> tuple[datetime, int, int] | None:
        """Where the last page ended."""
        if self.after is None:
            return None
        microseconds, source, place = map(int, self.after.split("_"))
        return _EPOCH + timedelta(microseconds=microseconds), source, place


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
    microseconds = (view.logged_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}_{view.source}_{view.place}"
