"""What goes over HTTP: one model a body, for the server and for its client."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from prsnl.items.models import AttachmentView
from prsnl.work.specs import Status

T = TypeVar("T")


class Body(BaseModel):
    """A frozen answer; a newer server's further fields are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Body, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    #: Give it as `before` (of a file's pages: as `after`) for the next page; null at
    #: the end.
    next: str | None = None


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


#: What a feed tells, by its `event`.
FeedEvent = Annotated[
    ProgressEvent | ReadyEvent | GapEvent, Field(discriminator="event")
]


class Accepted(Body):
    """The answer to a submitted task."""

    task_id: UUID
    status: str = "started"
    message: str
    monitor_url: str


class Uploaded(Body):
    """The answer to an upload."""

    attachment: AttachmentView
    item_id: UUID
    #: Null when nothing was asked for but to keep the file.
    task: TaskBody | None
    #: The task was made for this upload, or for the same one with its idempotency key;
    #: false when it was merely found.
    is_new_task: bool
    #: The attachment that holds the same bytes already; it is the one shown here.
    duplicate_of: UUID | None = None
    #: Its item was in the trash, and this upload took it out again.
    restored: bool = False
    #: What was done, in a sentence.
    message: str = ""


class WorkersBody(Body):
    """The live workers of one queue."""

    slots: int
    busy: int


class WatchBody(Body):
    """How a watched folder is; files are counted, not named."""

    #: One sentence, when it cannot be used.
    trouble: str | None
    #: Files and folders in it that cannot be read.
    unreadable: int
    under_way: int
    done: int
    duplicates: int
    failed: int


class HealthBody(Body):
    """How the parts of the service are; never a secret."""

    #: "ok", or "degraded" when a part is missing.
    status: str
    version: str
    #: "ok", or one sentence.
    database: str
    #: "ok", "unknown" without a scheduler, or one sentence.
    broker: str
    #: Live schedulers.
    schedulers: int
    #: Live workers by queue.
    workers: dict[str, WorkersBody]
    #: The watched folders that a scheduler looks after.
    watch: list[WatchBody] = Field(default_factory=list)
    #: One sentence for each part that is missing, or that `--insecure` leaves open.
    problems: list[str]


class Scope(StrEnum):
    """What a key may do; none includes another."""

    #: See: every GET, and the live streams.
    READ = "read"
    #: Change what is one's own: upload, submit, cancel, retry, delete.
    WRITE = "write"
    #: Keys of every owner, and the queues. Never another owner's documents.
    ADMIN = "admin"


class KeyBody(Body):
    """One key, without its secret: nobody keeps that."""

    id: UUID
    owner: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    #: To the minute.
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeKey(KeyBody):
    """A new key, and its secret: told here, and never again."""

    key: str


class LinkBody(Body):
    """A one-use link that signs a browser in."""

    #: For a browser of the server's own machine, or of whoever asked.
    url: str
    #: For a phone; null where none can reach this server.
    phone_url: str | None
    #: Why none can, and what to set.
    unreachable_because: str | None
    expires_at: datetime


class SessionBody(Body):
    """One signed-in browser."""

    id: UUID
    #: The key that its link was made with; it ends with it.
    key_id: UUID
    #: As the browser calls itself.
    device: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    #: It is the one that asks.
    is_this: bool


class MeBody(Body):
    """Who asks."""

    owner: str
    scopes: list[Scope]
    key_id: UUID
    #: Null for a program with a key.
    session_id: UUID | None


class FieldProblem(Body):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Body):
    """An error (RFC 9457), as `application/problem+json`."""

    type: str
    title: str
    status: int
    #: What happened and what to do, for a person.
    detail: str
    #: Stable, for a program.
    code: str
    #: By field, when the request itself is wrong.
    errors: list[FieldProblem] = Field(default_factory=list)
    retry_after_s: float | None = None
    #: Found again in the server's log, when the error is ours.
    reference: str | None = None
