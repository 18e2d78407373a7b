"""GET / and the pages below it: the library, one item, the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from prsnl.core.db import Db
from prsnl.dashboard import store, words
from prsnl.dashboard.rendering import asset, page
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import LISTED, Entry, Listed
from prsnl.dashboard.texts import Excerpt, excerpt
from prsnl.items import learned
from prsnl.items import store as items
from prsnl.items.editing import TRASH_KEEPS
from prsnl.items.models import AttachmentView
from prsnl.library import trash
from prsnl.monitoring.endpoints import show_health
from prsnl.web.dependencies import Caller, Parts, Shared

_TRASHED_SHOWN: Final = 100
_ENTITIES_SHOWN: Final = 12
_FACTS_SHOWN: Final = 8
_FOR_GOOD: Final = "public, max-age=31536000, immutable"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
def show_library(
    parts: Parts, owner: Caller, before: Annotated[UUID | None, Query()] = None
) -> Response:
    """What the caller keeps, newest first."""

    def read(connection: Db) -> dict[str, Any]:
        entries = store.library(
            connection,
            owner=owner,
            before=before,
            limit=LISTED + 1,
            history=parts.history,
        )
        return {
            "listed": Listed.of(entries, lambda entry: _known(entry.item).id),
            "before": before,
            **_frame(connection, owner),
        }

    return _answer(parts, "library", read)


@router.get("/items/{item_id}")
def show_item(
    item_id: UUID,
    parts: Parts,
    owner: Caller,
    file: Annotated[UUID | None, Query()] = None,
    page_number: Annotated[int, Query(ge=1, le=10**6, alias="page")] = 1,
) -> Response:
    """One item: what was learned of it, its text, how it came to that."""

    def read(connection: Db) -> dict[str, Any]:
        found = items.item(connection, item_id, owner=owner)
        shown = _file(found.attachments, file)
        tasks = store.item_tasks(connection, found, owner=owner)
        text: Excerpt | None = None
        facts: list[words.Fact] = []
        if shown is not None:
            text = excerpt(connection, shown, owner=owner, number=page_number)
            told = learned.learned(connection, shown.id, owner=owner)
            facts = words.facts(told.insights, most=_FACTS_SHOWN)
        return {
            "item": found,
            "file": shown,
            "tasks": tasks,
            "entry": Entry(found, tasks[0] if tasks else None),
            "text": text,
            "facts": facts,
            "keeps": TRASH_KEEPS,
            "groups": words.entity_groups(found.entities, most=_ENTITIES_SHOWN),
            **_frame(connection, owner),
        }

    return _answer(parts, "item", read)


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


def _file(
    files: Sequence[AttachmentView], wanted: UUID | None
) -> AttachmentView | None:
    first = next(iter(files), None)
    return next((file for file in files if file.id == wanted), first)


def _known(found: Any) -> Any:
    assert found is not None
    return found
