"""GET / and the pages below it: the library, the trash, what pages load."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from prsnl.core.db import Db
from prsnl.dashboard import store
from prsnl.dashboard.framing import framed
from prsnl.dashboard.rendering import asset
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import LISTED, Entry, Listed
from prsnl.items import store as items
from prsnl.items.editing import TRASH_KEEPS
from prsnl.library import trash
from prsnl.web.dependencies import Caller, Parts

_TRASHED_SHOWN: Final = 100
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
        }

    return framed(parts, "library", owner, read)


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
        }

    return framed(parts, "trash", owner, read)


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


def _known(found: Any) -> Any:
    assert found is not None
    return found
