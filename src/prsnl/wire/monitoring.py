"""What goes over HTTP of queues, performance and dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from prsnl.core.shapes import GIVEN, shape
from prsnl.core.texts import StorableText
from prsnl.wire.base import Body
from prsnl.wire.tasks import TaskBody
from prsnl.work.families import State
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result

#: Tasks that one request may name; those of a cause may be more.
MOST_REQUEUED = 10_000
#: A family as it is named in an address.
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class DeadLetterGroup(Body):
    """A family: what failed for one cause."""

    fingerprint: str
    #: Whether it was resolved, and whether it has happened again since.
    state: State
    #: What happened, and what a person does about it, whatever the file.
    sentence: str
    what_to_do: str
    #: Whether trying again may help without anything else being done.
    may_end_well: bool
    category: str | None
    code: str | None
    #: The stage that it ended, and what was at work; null where there was none.
    stage: str | None
    engine: str | None
    #: The kinds of task that it happened to, and their queues.
    names: list[str]
    queues: list[str]
    #: Tasks that are open, that are tried again now, and failures in all.
    count: int
    retrying: int
    seen: int
    first_seen: datetime
    last_seen: datetime
    #: When it was last resolved: by hand, or since all was done later.
    resolved_at: datetime | None
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


_FILTER: Final = ("fingerprint", "code", "queue", "name")


class Requeue(Command):
    """Which dead letters are queued again: some, all, or those of a cause."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [
                shape("all", *_FILTER, ids=GIVEN),
                shape("ids", *_FILTER, all=GIVEN),
                {
                    **shape("ids", "all"),
                    "anyOf": [shape(**{name: GIVEN}) for name in _FILTER],
                },
            ],
            "examples": [{"code": "unavailable"}, {"all": True}],
        },
    )

    ids: list[UUID] | None = Field(
        None, min_length=1, max_length=MOST_REQUEUED, description="These tasks."
    )
    fingerprint: Fingerprint | None = Field(None, description="Of this family.")
    code: StorableText | None = Field(
        None, max_length=100, description="With this error code."
    )
    queue: Queue | None = Field(None, description="Of this queue.")
    name: StorableText | None = Field(
        None, max_length=100, description="Of this kind of task."
    )
    all: Literal[True] | None = Field(None, description="All of the caller's.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        filters = [getattr(self, name) for name in _FILTER]
        is_filter = any(one is not None for one in filters)
        if [self.ids is not None, self.all is not None, is_filter].count(True) != 1:
            raise ValueError(
                "give ids, or all, or some of fingerprint, code, queue and name"
            )
        return self


class NotRequeued(Result):
    """A task that stays as it is, and why."""

    task_id: UUID
    reason: str


class Requeued(Result):
    """What was queued again: the result of its task."""

    requeued: int
    refused: int
    #: The first hundred of those that were refused.
    not_requeued: list[NotRequeued]
    #: Dead letters that are open still, of every cause.
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
