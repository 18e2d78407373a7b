"""Tasks: how they are, what came of them, and their events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from prsnl.wire.base import Body
from prsnl.wire.usage import UsageTotal
from prsnl.work.specs import Status


class ProgressBody(Body):
    """How far a task is; percentage is null until the total is known."""

    current: int
    total: int | None
    #: 0 to 100, one decimal.
    percentage: float | None
    message: str
    updated_at: datetime


class ErrorBody(Body):
    """Why a task failed; of one that waits for its next try: why the last one did."""

    category: str
    code: str
    message: str


class TaskBody(Body):
    """One task."""

    task_id: UUID
    name: str
    queue: str
    status: Status
    progress: ProgressBody
    result: dict[str, Any] | None
    error: ErrorBody | None
    #: How often a worker has begun it.
    attempt: int
    #: One sentence for a task that waits; null for one that runs or has ended.
    waiting_because: str | None
    warnings: list[str]
    is_cancelling: bool
    #: Rises with every change; give it back as `?seq=` to wait for the next one.
    seq: int
    attachment_id: UUID | None
    parent_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class StageBody(Body):
    """One committed stage of a task."""

    stage: str
    units: int
    #: So many units were known from an earlier run, and not done again.
    from_checkpoint: int
    milliseconds: float


class ChildBody(TaskBody):
    """One part of a task, with the file that it is about."""

    file_name: str | None


class EtaBody(Body):
    """When a task may have ended, by what this machine has done before."""

    #: In so many seconds at the earliest, and at the latest.
    low_s: float
    high_s: float
    #: So many tasks of its kind were measured.
    based_on: int


class StatusBody(TaskBody):
    """One task, with what it has done."""

    #: Null before anything of its kind was measured, and when it has ended.
    eta: EtaBody | None = None
    stages: list[StageBody]
    #: The most memory that a child of this task held; null if none was measured.
    peak_memory_bytes: int | None
    #: How many parts of it are in each state; empty for a task that has none.
    children: dict[str, int] = Field(default_factory=dict)
    #: What it has asked of models; null if nothing.
    usage: UsageTotal | None = None


class ProgressEvent(Body):
    """Something has changed about one task."""

    event: Literal["progress"] = "progress"
    task_id: UUID
    name: str
    queue: str
    #: Rises with every change of the task; of two events of one task the higher is
    #: the newer.
    seq: int
    status: Status
    progress: ProgressBody
    #: One sentence for a task that waits now; null otherwise.
    waiting_because: str | None
    #: Give the last one back to go on after it.
    cursor: str


class ReadyEvent(Body):
    """The first of a feed: whatever changes after `cursor` is told from here on."""

    event: Literal["ready"] = "ready"
    cursor: str


class GapEvent(Body):
    """What came after the client's cursor is no longer kept: read the lists anew."""

    event: Literal["gap"] = "gap"
    cursor: str
    #: For a person.
    message: str


FeedEvent = Annotated[
    ProgressEvent | ReadyEvent | GapEvent, Field(discriminator="event")
]


class Accepted(Body):
    """The answer to a submitted task."""

    task_id: UUID
    status: str = "started"
    message: str
    monitor_url: str
