"""GET /items/{id}: what it says, what was learned of it, and how it came to that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from prsnl.core.db import Db
from prsnl.dashboard import inside, store, words
from prsnl.dashboard.framing import framed
from prsnl.dashboard.names import LANGUAGES
from prsnl.dashboard.recordings import is_recording, recording
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import Entry
from prsnl.dashboard.texts import excerpt
from prsnl.dashboard.timeline import timelines
from prsnl.engines.documents import PAINTERS
from prsnl.items import egress, learned, taxonomies
from prsnl.items import store as items
from prsnl.items.editing import TRASH_KEEPS
from prsnl.items.models import AttachmentView, ItemView
from prsnl.library.page_pictures import Painter
from prsnl.search import collections
from prsnl.web.dependencies import Caller, Parts, Shared
from prsnl.wire.search import LONGEST_QUERY
from prsnl.work import usage
from prsnl.work.usage import Which

_ENTITIES_SHOWN: Final = 12
_FACTS_SHOWN: Final = 8
_NAMES_ASKED: Final = 40
_LONGEST_S: Final = 10**6

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/items/{item_id}")
def show_item(
    *,
    item_id: UUID,
    parts: Parts,
    owner: Caller,
    pictures: Painter,
    file: Annotated[UUID | None, Query()] = None,
    page_number: Annotated[int, Query(ge=1, le=10**6, alias="page")] = 1,
    at: Annotated[float, Query(ge=0, le=_LONGEST_S)] = 0.0,
    q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "",
) -> Response:
    """One item: what was learned of it, its text, how it came to that."""

    def read(connection: Db) -> dict[str, Any]:
        found = items.item(connection, item_id, owner=owner)
        shown = _file(found.attachments, file)
        tasks = store.item_tasks(connection, found, owner=owner)
        values = {
            "item": found,
            "file": shown,
            "entry": Entry(found, tasks[0] if tasks else None),
            "timelines": timelines(connection, tasks),
            "groups": words.entity_groups(found.entities, most=_ENTITIES_SHOWN),
            "names": _names(found),
            "receipt": egress.receipt(connection, item_id, owner=owner),
            "taken": usage.total(connection, Which(item_id=item_id), owner=owner),
            "lists": collections.lists_of(connection, item_id, owner=owner),
            **_choices(connection, parts, owner),
            **_NO_FILE,
        }
        if shown is None:
            return values
        if shown.kind in PAINTERS:
            pictures.expect()
        return values | _of_file(
            connection, shown, owner, number=page_number, at_s=at, q=q
        )

    return framed(
        parts,
        "item",
        owner,
        read,
        keeps=TRASH_KEEPS,
        languages=LANGUAGES,
        q=q,
    )


_NO_FILE: Final[dict[str, Any]] = {
    "text": None,
    "recording": None,
    "facts": [],
    "members": [],
    "containers": [],
    "has_pictures": False,
}


def _of_file(
    connection: Db,
    file: AttachmentView,
    owner: str,
    *,
    number: int,
    at_s: float,
    q: str,
) -> dict[str, Any]:
    """What is shown of the one file."""
    told = learned.learned(connection, file.id, owner=owner)
    values: dict[str, Any] = {
        "facts": words.facts(told.insights, most=_FACTS_SHOWN),
        "members": inside.members(connection, file.id, owner=owner),
        "containers": inside.containers(connection, file.id, owner=owner),
        "has_pictures": file.kind in PAINTERS,
    }
    if is_recording(file):
        values["recording"] = recording(
            connection, file, owner=owner, number=number, at_s=at_s, q=q
        )
    else:
        values["text"] = excerpt(connection, file, owner=owner, number=number, q=q)
    return values


def _choices(connection: Db, parts: Shared, owner: str) -> dict[str, Any]:
    """What a person may choose from."""
    taxonomy = taxonomies.in_force(connection, parts.taxonomy, owner=owner)
    return {
        "categories": [one.name for one in taxonomy.categories],
        "document_types": [one.name for one in taxonomy.document_types],
        "known_lists": [
            one.name
            for one in collections.all_of(connection, owner=owner)
            if one.search is None
        ],
    }


def _file(
    files: Sequence[AttachmentView], wanted: UUID | None
) -> AttachmentView | None:
    first = next(iter(files), None)
    return next((file for file in files if file.id == wanted), first)


def _names(item: ItemView) -> list[tuple[str, str]]:
    """The names in an item that a person may say something of, and what each is."""
    kinds = {*words.NAME_KINDS, "candidate"}
    found = {
        str(one["text"]): str(one["kind"])
        for one in item.entities
        if one.get("kind") in kinds and one.get("text")
    }
    return list(found.items())[:_NAMES_ASKED]


def current_values(item: ItemView) -> dict[str, Any]:
    """What the form that changes an item begins with, by field."""
    types = [file.document_type for file in item.attachments if file.document_type]
    return {
        "title": item.title,
        "tags": item.tags,
        "document_date": item.document_date,
        "language": item.language,
        "document_type": types[0] if types else None,
        "category": item.category if item.category != "uncategorised" else None,
        "local_only": item.local_only,
    }
