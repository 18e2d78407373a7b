"""/metrics, /api/queues, /api/background/performance and .../dead-letters."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from pydantic import Field

from prsnl.core.db import Db
from prsnl.core.texts import StorableText
from prsnl.monitoring import metrics, performance
from prsnl.monitoring.queues import queues
from prsnl.monitoring.requeueing import REQUEUE
from prsnl.web.bodies import task_body
from prsnl.web.dependencies import (
    Admin,
    Caller,
    Dispatch,
    Paging,
    Parts,
    Shared,
    next_page,
)
from prsnl.wire.base import Page
from prsnl.wire.monitoring import (
    DeadLetterGroup,
    DeadLetters,
    Fingerprint,
    Performance,
    QueueBody,
    Requeue,
)
from prsnl.wire.tasks import Accepted
from prsnl.work import dead_letters, families, pauses
from prsnl.work.dead_letters import Cause
from prsnl.work.families import Family
from prsnl.work.queues import Queue

_MOST_HOURS = 720
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["Tasks"])


class DeadLetterQuery(Paging):
    """Which dead letters."""

    fingerprint: Fingerprint | None = Field(None, description="Of this family.")
    code: StorableText | None = Field(
        None, max_length=100, description="With this error code."
    )
    queue: Queue | None = Field(None, description="Of this queue.")
    name: StorableText | None = Field(
        None, max_length=100, description="Of this kind of task."
    )
    resolved: bool = Field(False, description="Families that are resolved, too.")

    @property
    def cause(self) -> Cause:
        """What they are narrowed to."""
        return Cause(
            code=self.code,
            queue=self.queue,
            name=self.name,
            fingerprint=self.fingerprint,
        )


@router.get("/api/queues")
def show_queues(parts: Parts, _owner: Caller) -> Page[QueueBody]:
    """Every queue: what waits, who works on it, and what is missing if nobody does."""
    return Page(items=parts.database.run(queues))


@router.post("/api/queues/{name}/pause")
def pause_queue(name: Queue, parts: Parts, who: Admin) -> QueueBody:
    """Begin none of its tasks, whoever's, until it is resumed. Needs `admin`.

    What runs goes on to its end; tasks are taken in as before, and say why they wait.
    """
    parts.database.run(partial(pauses.pause, queue=name, by=who.owner))
    return _changed(parts, name)


@router.post("/api/queues/{name}/resume")
def resume_queue(name: Queue, parts: Parts, _who: Admin) -> QueueBody:
    """Let a paused queue go on. Needs `admin`."""
    parts.database.run(partial(pauses.resume, queue=name))
    return _changed(parts, name)


def _changed(parts: Shared, name: Queue) -> QueueBody:
    parts.rang()
    return next(one for one in parts.database.run(queues) if one.name is name)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {_METRICS: {"schema": {"type": "string"}}}}},
)
def show_metrics(parts: Parts, _who: Admin) -> Response:
    """The numbers of the whole installation, for Prometheus. Needs `admin`."""
    told = metrics.told(parts.database, free_bytes=parts.storage.free_bytes())
    return Response(told, media_type=_METRICS)


@router.get("/api/background/performance/overview")
def show_performance(
    parts: Parts,
    owner: Caller,
    hours: Annotated[
        int, Query(ge=1, le=_MOST_HOURS, description="Of the last so many hours.")
    ] = 24,
) -> Performance:
    """How the caller's tasks went: counts, run times and waits by kind."""
    return parts.database.run(partial(performance.overview, owner=owner, hours=hours))


@router.get("/api/background/dead-letters")
def show_dead_letters(
    parts: Parts, owner: Caller, query: Annotated[DeadLetterQuery, Query()]
) -> DeadLetters:
    """What failed for good: by cause with advice and examples, and one by one.

    A family is resolved when its owner says so, or when all that failed was done
    later; it is reopened when it happens again.
    """

    def read(connection: Db) -> DeadLetters:
        groups = families.families(
            connection, query.cause, owner=owner, with_resolved=query.resolved
        )
        found = dead_letters.page(
            connection, query.cause, owner=owner, before=query.before, limit=query.limit
        )
        return DeadLetters(
            total=dead_letters.count(connection, owner=owner, cause=query.cause),
            groups=[_group(group) for group in groups],
            items=[task_body(view) for view in found],
            next=next_page([view.task_id for view in found], query),
        )

    return parts.database.run(read)


@router.post("/api/background/dead-letters/{fingerprint}/resolve")
def resolve(fingerprint: Fingerprint, parts: Parts, owner: Caller) -> DeadLetterGroup:
    """Count what failed by this cause so far no more; the tasks stay as they are."""
    return parts.database.run(
        lambda connection: _group(
            families.resolve(connection, fingerprint, owner=owner)
        )
    )


@router.delete("/api/background/dead-letters/{fingerprint}/resolve")
def unresolve(fingerprint: Fingerprint, parts: Parts, owner: Caller) -> DeadLetterGroup:
    """Count it again: it was resolved too early, or by mistake."""
    return parts.database.run(
        lambda connection: _group(
            families.unresolve(connection, fingerprint, owner=owner)
        )
    )


@router.post(
    "/api/background/dead-letters/requeue", status_code=status.HTTP_202_ACCEPTED
)
async def requeue(wanted: Requeue, dispatch: Dispatch) -> Accepted:
    """Have dead letters queued again by a task; nothing done is done twice.

    However many they are: the task can be followed and cancelled, and its result
    tells how many were queued.
    """
    return await dispatch.submit(REQUEUE, wanted)


def _group(family: Family) -> DeadLetterGroup:
    return DeadLetterGroup.model_validate(family, from_attributes=True)
