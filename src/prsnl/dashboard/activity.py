"""GET /tasks and /tasks/{id}: the activity by need, its lists, and one task."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from prsnl.core.db import Db
from prsnl.core.texts import Moment
from prsnl.dashboard import needs, store, words
from prsnl.dashboard.framing import framed
from prsnl.dashboard.needs import EMPTY, TITLES, Show, Window
from prsnl.dashboard.rendering import page
from prsnl.dashboard.results import outcome
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import LISTED, Entry, Listed
from prsnl.dashboard.timeline import timelines
from prsnl.web.dependencies import Caller, Parts
from prsnl.work import ledger
from prsnl.work.queues import Queue

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/tasks")
def show_activity(
    *,
    parts: Parts,
    owner: Caller,
    show: Annotated[Show, Query()] = Show.ALL,
    queue: Annotated[Queue | None, Query()] = None,
    ended_from: Annotated[Moment | None, Query(alias="from")] = None,
    ended_to: Annotated[Moment | None, Query(alias="to")] = None,
    before: Annotated[UUID | None, Query()] = None,
) -> Response:
    """What wants attention, goes on, waits, is done; or one list of them."""
    window = Window(queue=queue, ended_from=ended_from, ended_to=ended_to)

    def read(connection: Db) -> dict[str, Any]:
        if show is Show.ALL and window.is_open:
            counts = store.counts(connection, owner=owner)
            found = needs.needs(
                connection, owner=owner, counts=counts, history=parts.history
            )
            return {"counts": counts, "needs": found, "listed": None}
        entries = needs.rows(
            connection,
            show,
            window,
            owner=owner,
            before=before,
            limit=LISTED + 1,
            history=parts.history,
        )
        return {"needs": None, "listed": Listed.of(entries, _task_id)}

    return framed(
        parts,
        "activity",
        owner,
        read,
        show=show,
        window=window,
        before=before,
        titles=TITLES,
        empty=EMPTY,
    )


@router.get("/tasks/{task_id}/row")
def show_row(
    task_id: UUID,
    parts: Parts,
    owner: Caller,
    by: Annotated[Literal["task", "item"], Query()] = "task",
) -> Response:
    """One line of a list, as the list shows it: what moves is asked for alone."""

    def read(connection: Db) -> dict[str, Any]:
        task = ledger.task(connection, task_id, owner=owner)
        (entry,) = store.entries(connection, [task], owner=owner, history=parts.history)
        return {"entry": entry, "by": by if entry.item else "task", "words": words}

    return page("row", parts.database.run(read))


@router.get("/tasks/{task_id}")
def show_task(task_id: UUID, parts: Parts, owner: Caller) -> Response:
    """One task: how far it is, what it has done, what went wrong and what to do."""

    def read(connection: Db) -> dict[str, Any]:
        told = store.story(connection, task_id, owner=owner, history=parts.history)
        task = told.entry.task
        assert task is not None
        return {
            "story": told,
            "entry": told.entry,
            "task": task,
            "outcome": outcome(task),
            "timeline": timelines(connection, [task])[0],
        }

    return framed(parts, "task", owner, read)


def _task_id(entry: Entry) -> UUID:
    assert entry.task is not None
    return entry.task.task_id
