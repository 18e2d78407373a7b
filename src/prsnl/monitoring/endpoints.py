"""GET /api/background/status/..., /tasks..., cancel, retry; /health and /ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Db
from prsnl.core.texts import Moment, StorableText
from prsnl.items import files
from prsnl.monitoring import health
from prsnl.monitoring.live import Reading
from prsnl.web.bodies import child_body, status_body, task_body
from prsnl.web.dependencies import Caller, Paging, Parts, Shared, next_page
from prsnl.wire.base import Page
from prsnl.wire.monitoring import HealthBody
from prsnl.wire.tasks import ChildBody, StatusBody, TaskBody
from prsnl.work import control, ledger, usage
from prsnl.work.ledger import Narrowing
from prsnl.work.queues import Queue
from prsnl.work.specs import ENDED, Status

LONGEST_WAIT_S = 30.0
_EVERY = Narrowing()

router = APIRouter(prefix="/api/background", tags=["Tasks"])
open_router = APIRouter(tags=["Health"])


class TaskFilter(Paging):
    """Which tasks of the caller."""

    status: list[Status] = Field(default_factory=list, description="In these states.")
    queue: Queue | None = Field(None, description="Of this queue.")
    name: StorableText | None = Field(
        None, max_length=100, description="Of this kind: `process_document_task` ..."
    )
    error_code: StorableText | None = Field(
        None, max_length=100, description="With this error code."
    )
    attachment_id: UUID | None = Field(None, description="Of this file.")
    item_id: UUID | None = Field(None, description="Of this item.")
    parent_id: UUID | None = Field(None, description="Parts of this task.")
    created_from: Moment | None = Field(
        None, description="Submitted at this time or later."
    )
    created_to: Moment | None = Field(None, description="Submitted before this time.")

    @property
    def narrowing(self) -> Narrowing:
        """What the list is narrowed to."""
        return Narrowing(
            name=self.name,
            error_code=self.error_code,
            attachment_id=self.attachment_id,
            item_id=self.item_id,
            parent_id=self.parent_id,
            created_from=self.created_from,
            created_to=self.created_to,
        )


@router.get("/status/{task_id}")
async def status(
    *,
    task_id: UUID,
    parts: Parts,
    owner: Caller,
    reader: Reading,
    seq: Annotated[
        int | None, Query(ge=0, description="The newest `seq` that is known.")
    ] = None,
    wait_s: Annotated[
        float,
        Query(ge=0, le=LONGEST_WAIT_S, description="Wait so long for a change."),
    ] = 0,
) -> StatusBody:
    """One task: how far it is, what it has done, why it waits, what came of it.

    With `wait_s` the answer comes when `seq` is no longer the newest, when the task
    has ended, or when the time is over.
    """

    def read() -> StatusBody:
        return _status(parts, task_id, owner)

    if not wait_s or seq is None:
        return await run_in_threadpool(read)
    with reader.watching(task_id, seq) as watch:
        found = await run_in_threadpool(read)
        if found.seq != seq or found.status in ENDED:
            return found
        try:
            async with asyncio.timeout(wait_s):
                await watch.changed.wait()
        except TimeoutError:
            pass  # nothing new is an answer, too
    return await run_in_threadpool(read)


@router.get("/tasks/active")
def active(
    parts: Parts, owner: Caller, paging: Annotated[Paging, Query()]
) -> Page[TaskBody]:
    """The caller's tasks that have not ended, newest first."""
    running = [state for state in Status if state not in ENDED]
    return _page(parts, owner, paging, running, queue=None)


@router.get("/tasks")
def tasks(
    parts: Parts, owner: Caller, wanted: Annotated[TaskFilter, Query()]
) -> Page[TaskBody]:
    """The caller's tasks, newest first."""
    return _page(
        parts,
        owner,
        wanted,
        wanted.status,
        queue=wanted.queue,
        narrowing=wanted.narrowing,
    )


class ChildFilter(Paging):
    """Which parts of a task."""

    status: list[Status] = Field(default_factory=list, description="In these states.")


@router.get("/tasks/{task_id}/children")
def children(
    task_id: UUID, parts: Parts, owner: Caller, wanted: Annotated[ChildFilter, Query()]
) -> Page[ChildBody]:
    """The parts of a task, such as the files of a batch, newest first."""

    def read(connection: Db) -> list[ChildBody]:
        ledger.task(connection, task_id, owner=owner)
        views = ledger.children(
            connection,
            task_id,
            statuses=wanted.status,
            before=wanted.before,
            limit=wanted.limit,
        )
        ids = [view.attachment_id for view in views if view.attachment_id]
        names = files.names(connection, ids)
        return [child_body(view, names) for view in views]

    found = parts.database.run(read)
    return Page(items=found, next=next_page([one.task_id for one in found], wanted))


@router.delete("/tasks/{task_id}")
def cancel(task_id: UUID, parts: Parts, owner: Caller) -> StatusBody:
    """Cancel a task; what it has done so far stays.

    A running task ends within seconds; one that has ended already stays as it is.
    """
    parts.database.run(
        lambda connection: control.cancel(connection, task_id, owner=owner)
    )
    parts.rang()
    return _status(parts, task_id, owner)


@router.post("/tasks/{task_id}/retry")
def retry(task_id: UUID, parts: Parts, owner: Caller) -> StatusBody:
    """Queue a failed task again; what it has done so far is not done again."""
    tries = iter((False,))
    parts.database.run(
        lambda connection: control.retry_one(
            connection, task_id, owner=owner, is_again=next(tries, True)
        )
    )
    parts.rang()
    return _status(parts, task_id, owner)


@router.post("/tasks/{task_id}/try-now")
def try_now(task_id: UUID, parts: Parts, owner: Caller) -> StatusBody:
    """End the wait of a task that waits for its next try or for a provider."""
    parts.database.run(
        lambda connection: control.try_now(connection, task_id, owner=owner)
    )
    parts.rang()
    return _status(parts, task_id, owner)


@open_router.get("/health")
def show_health(parts: Parts) -> HealthBody:
    """How the parts of the service are. Needs no key."""
    found = health.health(parts.database)
    return found.model_copy(update={"problems": [*found.problems, *parts.insecurities]})


@open_router.get("/ready")
def ready(parts: Parts) -> dict[str, str]:
    """200 when requests can be served, else 503 with the reason. Needs no key."""
    health.check_ready(parts.database)
    return {"status": "ready"}


def _status(parts: Shared, task_id: UUID, owner: str) -> StatusBody:
    def read(connection: Db) -> StatusBody:
        view = ledger.task(connection, task_id, owner=owner)
        return status_body(
            view,
            ledger.stages(connection, task_id),
            ledger.peak_memory_bytes(connection, task_id),
            ledger.child_counts(connection, task_id),
            eta=parts.history.eta(connection, view),
            taken=usage.of_task(connection, task_id, owner=owner),
        )

    return parts.database.run(read)


def _page(
    parts: Shared,
    owner: str,
    paging: Paging,
    statuses: Sequence[Status],
    *,
    queue: Queue | None,
    narrowing: Narrowing = _EVERY,
) -> Page[TaskBody]:
    views = parts.database.run(
        lambda connection: ledger.tasks(
            connection,
            owner=owner,
            statuses=statuses,
            queue=queue,
            before=paging.before,
            limit=paging.limit,
            narrowing=narrowing,
        )
    )
    return Page(
        items=[task_body(view) for view in views],
        next=next_page([view.task_id for view in views], paging),
    )
