"""GET / and the pages below it: the library, the activity, one task, the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from prsnl.core.db import Db
from prsnl.dashboard import store, words
from prsnl.dashboard.rendering import asset, page
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import Entry
from prsnl.items import store as items
from prsnl.items.editing import TRASH_KEEPS
from prsnl.library import trash
from prsnl.monitoring.endpoints import show_health
from prsnl.web.dependencies import Caller, Parts, Shared
from prsnl.work.specs import DEAD_LETTERS, Status

_SHOWN: Final = 30
_TRASHED_SHOWN: Final = 100
_FOR_GOOD: Final = "public, max-age=31536000, immutable"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Show(StrEnum):
    """Which tasks the activity lists."""

    ALL = "all"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"


_STATUSES: Final[dict[Show, Sequence[Status]]] = {
    Show.ALL: (),
    Show.RUNNING: (Status.RUNNING,),
    Show.WAITING: (Status.QUEUED, Status.PARKED, Status.WAITING),
    Show.FAILED: DEAD_LETTERS,
}


@dataclass(frozen=True)
class Listed:
    """A part of a list, and where the next one begins."""

    entries: list[Entry]
    next: str | None

    @classmethod
    def of(cls, entries: list[Entry], ids: Callable[[Entry], UUID]) -> Listed:
        """One part of *entries*, of which one more than is shown was read."""
        shown = entries[:_SHOWN]
        is_more = len(entries) > len(shown)
        return cls(shown, str(ids(shown[-1])) if is_more else None)


@router.get("/")
def show_library(
    parts: Parts, owner: Caller, before: Annotated[UUID | None, Query()] = None
) -> Response:
    """What the caller keeps, newest first."""

    def read(connection: Db) -> dict[str, Any]:
        entries = store.library(
            connection, owner=owner, before=before, limit=_SHOWN + 1
        )
        return {
            "listed": Listed.of(entries, lambda entry: _known(entry.item).id),
            "before": before,
            **_frame(connection, owner),
        }

    return _answer(parts, "library", read)


@router.get("/trash")
def show_trash(parts: Parts, owner: Caller) -> Response:
    """What is about to go, what goes first first."""

    def read(connection: Db) -> dict[str, Any]:
        ids = trash.trashed(connection, owner=owner, limit=_TRASHED_SHOWN)
        found = items.items_of(connection, ids, owner=owner)
        known = {item.id: item for item in found}
        return {
            "entries": [Entry(known[each], None) for each in ids if each in known],
            "count": trash.count(connection, owner=owner),
            "keeps": TRASH_KEEPS,
            **_frame(connection, owner),
        }

    return _answer(parts, "trash", read)


@router.get("/tasks")
def show_activity(
    parts: Parts,
    owner: Caller,
    show: Annotated[Show, Query()] = Show.ALL,
    before: Annotated[UUID | None, Query()] = None,
) -> Response:
    """What is being done, waits, was done, went wrong; newest first."""

    def read(connection: Db) -> dict[str, Any]:
        entries = store.activity(
            connection,
            owner=owner,
            statuses=_STATUSES[show],
            before=before,
            limit=_SHOWN + 1,
        )
        return {
            "listed": Listed.of(entries, lambda entry: _known(entry.task).task_id),
            "show": show,
            "before": before,
            **_frame(connection, owner),
        }

    return _answer(parts, "activity", read)


@router.get("/tasks/{task_id}")
def show_task(task_id: UUID, parts: Parts, owner: Caller) -> Response:
    """One task: how far it is, what it has done, what went wrong and what to do."""

    def read(connection: Db) -> dict[str, Any]:
        told = store.story(connection, task_id, owner=owner)
        return {
            "story": told,
            "entry": told.entry,
            "task": _known(told.entry.task),
            **_frame(connection, owner),
        }

    return _answer(parts, "task", read)


@router.get("/assets/{version}/{name}")
def show_asset(version: str, name: str) -> Response:
    """A file that pages load; its address changes with its content."""
    del version
    found = asset(name)
    return Response(
        found.content,
        media_type=found.media_type,
        headers={"Cache-Control": _FOR_GOOD, "X-Content-Type-Options": "nosniff"},
    )


def _answer(parts: Shared, name: str, read: Callable[[Db], dict[str, Any]]) -> Response:
    values = parts.database.run(read)
    around = {
        "words": words,
        "problems": show_health(parts).problems,
        "max_bytes": parts.limits.upload_max_bytes,
    }
    return page(name, {**around, **values})


def _frame(connection: Db, owner: str) -> dict[str, Any]:
    """What every page shows around its own."""
    return {"counts": store.counts(connection, owner=owner)}


def _known(found: Any) -> Any:
    assert found is not None
    return found
