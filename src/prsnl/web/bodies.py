"""Tasks as the API shows them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prsnl.wire.tasks import (
    ChildBody,
    ErrorBody,
    EtaBody,
    ProgressBody,
    ProgressEvent,
    StageBody,
    StatusBody,
    TaskBody,
)
from prsnl.wire.usage import UsageTotal
from prsnl.work.eta import Eta
from prsnl.work.feed import EventView
from prsnl.work.ledger import StageView, TaskView
from prsnl.work.usage import Taken


def task_body(view: TaskView) -> TaskBody:
    """One task of a list."""
    return TaskBody(
        task_id=view.task_id,
        name=view.name,
        queue=view.queue,
        status=view.status,
        progress=_progress(view, view.updated_at),
        result=view.result,
        error=None if view.error is None else ErrorBody(**view.error),
        attempt=view.attempt,
        waiting_because=view.waiting_because,
        warnings=list(view.warnings),
        is_cancelling=view.is_cancelling,
        seq=view.seq,
        attachment_id=view.attachment_id,
        parent_id=view.parent_id,
        created_at=view.created_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
    )


def child_body(view: TaskView, file_names: dict[UUID, str]) -> ChildBody:
    """One part of a task."""
    name = file_names.get(view.attachment_id) if view.attachment_id else None
    return ChildBody(**task_body(view).model_dump(), file_name=name)


def status_body(
    view: TaskView,
    stages: list[StageView],
    peak_memory_bytes: int | None,
    children: dict[str, int],
    *,
    eta: Eta | None = None,
    taken: Taken | None = None,
) -> StatusBody:
    """One task with what it has done."""
    return StatusBody(
        **task_body(view).model_dump(),
        eta=None if eta is None else EtaBody(**vars(eta)),
        stages=[
            StageBody.model_validate(stage, from_attributes=True) for stage in stages
        ],
        peak_memory_bytes=peak_memory_bytes,
        children=children,
        usage=None if taken is None else UsageTotal.of(taken),
    )


def event_body(view: EventView) -> ProgressEvent:
    """One event of a task."""
    return ProgressEvent(
        task_id=view.task_id,
        name=view.name,
        queue=view.queue,
        seq=view.seq,
        status=view.status,
        progress=_progress(view, view.at),
        waiting_because=view.waiting_because,
        cursor=str(view.cursor),
    )


def _progress(view: TaskView | EventView, updated_at: datetime) -> ProgressBody:
    return ProgressBody(
        current=view.current,
        total=view.total,
        percentage=view.percentage,
        message=view.message,
        updated_at=updated_at,
    )
