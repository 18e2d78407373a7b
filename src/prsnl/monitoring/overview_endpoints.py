"""/metrics, /api/queues, /api/background/performance and .../dead-letters."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from prsnl.core.db import Db
from prsnl.core.texts import StorableText
from prsnl.monitoring import metrics, performance
from prsnl.monitoring.queues import queues
from prsnl.web.bodies import task_body
from prsnl.web.dependencies import Admin, Caller, Paging, Parts, Shared, next_page
from prsnl.wire.base import Page
from prsnl.wire.monitoring import (
    MOST_REQUEUED,
    DeadLetterGroup,
    DeadLetters,
    NotRequeued,
    Performance,
    QueueBody,
    Requeue,
    Requeued,
)
from prsnl.work import dead_letters, pauses
from prsnl.work.dead_letters import Cause
from prsnl.work.queues import Queue

_MOST_HOURS = 720
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["Tasks"])


class DeadLetterQuery(Paging):
    """Which dead letters."""

    code: StorableText | None = Field(
        None, max_length=100, description="With this error code."
    )
    queue: Queue | None = Field(None, description="Of this queue.")
    name: StorableText | None = Field(
        None, max_length=100, description="Of this kind of task."
    )

    @property
    def cause(self) -> Cause:
        """What they are narrowed to."""
        return Cause(code=self.code, queue=self.queue, name=self.name)


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
    """What failed for good: by cause with examples, and one by one."""

    def read(connection: Db) -> DeadLetters:
        groups = dead_letters.groups(connection, query.cause, owner=owner)
        found = dead_letters.page(
            connection, query.cause, owner=owner, before=query.before, limit=query.limit
        )
        return DeadLetters(
            total=sum(group.count for group in groups),
            groups=[
                DeadLetterGroup.model_validate(group, from_attributes=True)
                for group in groups
            ],
            items=[task_body(view) for view in found],
            next=next_page([view.task_id for view in found], query),
        )

    return parts.database.run(read)


@router.post("/api/background/dead-letters/requeue")
def requeue(wanted: Requeue, parts: Parts, owner: Caller) -> Requeued:
    """Queue dead letters again, at most 500 a request; nothing done is done twice."""

    def work(connection: Db) -> Requeued:
        ids = wanted.ids or dead_letters.of_cause(
            connection,
            Cause(code=wanted.code, queue=wanted.queue),
            owner=owner,
            limit=MOST_REQUEUED,
        )
        done, refused = dead_letters.requeue(
            connection, list(dict.fromkeys(ids)), owner=owner
        )
        return Requeued(
            requeued=done,
            not_requeued=[
                NotRequeued(task_id=one.task_id, reason=one.reason) for one in refused
            ],
            left=dead_letters.count(connection, owner=owner),
        )

    done = parts.database.run(work)
    parts.rang()
    return done
