"""What goes over HTTP of queues, performance and dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prsnl.core.shapes import exactly_one
from prsnl.core.texts import StorableText
from prsnl.wire.base import Body
from prsnl.wire.tasks import TaskBody
from prsnl.work.queues import Queue

#: Tasks that one request may queue again.
MOST_REQUEUED = 500


class DeadLetterGroup(Body):
    """Dead letters of one cause."""

    name: str
    queue: str
    category: str | None
    code: str | None
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None
    #: What the newest one said.
    example: str | None
    #: The newest ones, at most three.
    example_ids: list[UUID]


class DeadLetters(Body):
    """What failed for good and was not done since: by cause, and one by one."""

    total: int
    groups: list[DeadLetterGroup]
    items: list[TaskBody]
    #: Give it as `before` for the next page; null at the end.
    next: str | None


class Requeue(BaseModel):
    """Which dead letters are queued again."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            **exactly_one("ids", "code", "queue", "all"),
            "examples": [{"code": "unavailable"}, {"all": True}],
        },
    )

    ids: list[UUID] | None = Field(
        None, min_length=1, max_length=MOST_REQUEUED, description="These tasks."
    )
    code: StorableText | None = Field(
        None, max_length=100, description="Or those with this error code."
    )
    queue: Queue | None = Field(None, description="Or those of this queue.")
    all: Literal[True] | None = Field(None, description="Or all of the caller's.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [self.ids, self.code, self.queue, self.all]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give one of ids, code, queue and all")
        return self


class NotRequeued(Body):
    """A task that stays as it is, and why."""

    task_id: UUID
    reason: str


class Requeued(Body):
    """What was queued again."""

    requeued: list[UUID]
    not_requeued: list[NotRequeued]
    #: Dead letters that are left, of every cause.
    left: int


class QueueBody(Body):
    """One queue, over all owners: how much waits, and who works on it."""

    name: Queue
    priority: int
    #: Tasks that are queued; of them `due` could run at once.
    depth: int
    due: int
    running: int
    #: Tasks that wait for a provider, and parents that wait for their parts.
    parked: int
    waiting: int
    #: Live worker processes, and how many tasks they can do at a time.
    workers: int
    slots: int
    #: Slots that would have work now: what a scaler of yours brings `slots` to.
    wanted: int
    #: Since when the oldest due task waits, in seconds; null when none does.
    oldest_wait_s: float | None
    #: Who paused it, and when; null where it is not paused.
    paused_by: str | None
    paused_at: datetime | None
    #: A sentence when nothing works on it; null when all is well.
    problem: str | None


class TaskPerformance(Body):
    """How one kind of task went: a claim is one try of one worker."""

    queue: str
    name: str
    claims: int
    succeeded: int
    failed: int
    cancelled: int
    #: Went back to the queue: retries, crashes, drained workers.
    tried_again: int
    runtime_avg_s: float
    runtime_p50_s: float
    runtime_p95_s: float
    runtime_max_s: float
    #: From when a worker could have had it to when one had it.
    wait_avg_s: float
    wait_p95_s: float
    peak_memory_bytes: int | None


class Performance(Body):
    """How the caller's tasks went in the last hours."""

    hours: int
    since: datetime
    claims: int
    succeeded: int
    failed: int
    tasks: list[TaskPerformance]


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
