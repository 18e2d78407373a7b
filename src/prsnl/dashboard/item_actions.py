"""What a person does to an item: change it, list it, have a part done again.

Plain forms: they do the same with and without a script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Db
from prsnl.core.errors import BadRequestError
from prsnl.dashboard.forms import checked, fields, refused, see
from prsnl.dashboard.item_page import current_values
from prsnl.dashboard.routing import PageRoute
from prsnl.items import store as items
from prsnl.items.editing import ItemChanges
from prsnl.library import item_endpoints, rerun
from prsnl.library.note_intake import take_note
from prsnl.search import collections
from prsnl.web.dependencies import Caller, Dispatch, Parts
from prsnl.wire.library import LONGEST_NOTE, NewNote
from prsnl.wire.search import NewCollection

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: Percent-encoded, a letter of a note may take nine bytes.
_NOTE_BYTES: Final = 9 * LONGEST_NOTE + 10_000
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d+)?)")
_PAGES: Final = re.compile(r"(\d{1,6})(?:\s*[-\u2013]\s*(\d{1,6}))?")
#: Before a name in a field of the form.
_NAME: Final = "name:"
_MOST_PAGES: Final = 10_000
_RERUN: Final[TypeAdapter[Any]] = TypeAdapter(rerun.Wanted)


@router.post("/notes")
async def add_note(request: Request, parts: Parts, owner: Caller) -> Response:
    """Keep a note, and show it."""
    given = await fields(request, most_bytes=_NOTE_BYTES)
    text = given.get("text", "").replace("\r\n", "\n")
    if not text.strip():
        raise BadRequestError("The note is empty: write or paste something into it.")
    wanted = checked(NewNote, {"text": text, "title": given.get("title") or None})
    kept = await run_in_threadpool(
        take_note,
        parts.database,
        parts.storage,
        wanted,
        owner=owner,
        idempotency_key=given.get("key") or None,
        quota_bytes=parts.limits.quota_bytes,
    )
    parts.rang()
    return see(f"/items/{kept.item.id}")


@router.post("/items/{item_id}/change")
async def change(
    item_id: UUID, request: Request, parts: Parts, owner: Caller
) -> Response:
    """Set what differs from what is there, and show the item."""
    given = await fields(request)

    def work() -> None:
        found = parts.database.run(
            lambda connection: items.item(connection, item_id, owner=owner)
        )
        changed = _changed(given, current_values(found))
        if changed:
            changes = checked(ItemChanges, changed)
            item_endpoints.change_item(item_id, changes, parts, owner)

    await run_in_threadpool(work)
    return see(f"/items/{item_id}")


@router.post("/items/{item_id}/names")
async def name_names(
    item_id: UUID, request: Request, parts: Parts, owner: Caller
) -> Response:
    """Keep what is said of the names in it, and show the item."""
    given = await fields(request)
    told = {
        name.removeprefix(_NAME): None if kind == "none" else kind
        for name, kind in given.items()
        if name.startswith(_NAME) and kind
    }
    changes = checked(ItemChanges, {"names": told})
    await run_in_threadpool(item_endpoints.change_item, item_id, changes, parts, owner)
    return see(f"/items/{item_id}")


@router.post("/items/{item_id}/lists")
async def put_on_list(
    item_id: UUID, request: Request, parts: Parts, owner: Caller
) -> Response:
    """Put an item on a list, which is made if there is none, and show the item."""
    name = (await fields(request)).get("name", "").strip()

    def work(connection: Db) -> None:
        items.item(connection, item_id, owner=owner)
        wanted = checked(NewCollection, {"name": name, "ids": [str(item_id)]})
        collections.keep(connection, wanted, owner=owner)

    await run_in_threadpool(parts.database.run, work)
    return see(f"/items/{item_id}")


@router.post("/items/{item_id}/unlist")
async def take_from_list(
    item_id: UUID, request: Request, parts: Parts, owner: Caller
) -> Response:
    """Take an item from a list, and show the item."""
    name = (await fields(request)).get("name", "")

    def work(connection: Db) -> None:
        collections.forget(connection, name, owner=owner, item_id=item_id)

    await run_in_threadpool(parts.database.run, work)
    return see(f"/items/{item_id}")


@router.post("/files/{file_id}/rerun")
async def run_again(
    file_id: UUID, request: Request, dispatch: Dispatch, parts: Parts
) -> Response:
    """Queue a stage, some pages or a span again, and show the file's item."""
    given = await fields(request)
    file = await run_in_threadpool(
        parts.database.run,
        lambda connection: items.attachment(connection, file_id, owner=dispatch.owner),
    )
    wanted: dict[str, Any] = {"stage": given.get("stage", "")}
    for name in ("from", "to"):
        if told := given.get(name, "").strip():
            wanted[name] = _seconds(told)
    if told := given.get("pages", "").strip():
        wanted["pages"] = _numbers(told)
    try:
        asked = _RERUN.validate_python(wanted)
    except ValidationError as error:
        raise refused(error) from error
    await rerun.rerun(file_id, asked, dispatch, parts)
    return see(f"/items/{file.item_id}?{urlencode({'file': str(file_id)})}")


def _changed(given: Mapping[str, str], now: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says otherwise than it is; what it does not name stays."""
    wanted: dict[str, Any] = {}
    for name in ("title", "document_date", "language", "document_type", "category"):
        if name in given:
            wanted[name] = given[name].strip() or None
    if not wanted.get("title", True):
        raise BadRequestError("A title is never empty: type one.")
    if "tags" in given:
        typed = [tag.strip() for tag in given["tags"].split(",")]
        wanted["tags"] = list(dict.fromkeys(tag for tag in typed if tag))
    if "with_local_only" in given:
        wanted["local_only"] = "local_only" in given
    told = {**now, "document_date": _text(now["document_date"])}
    confirmed = {"category"} if given.get("is_confirmed") else set()
    return {
        name: value
        for name, value in wanted.items()
        if name in confirmed or value != told[name]
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _numbers(told: str) -> list[int]:
    """Pages as they are typed: "2, 5-7"."""
    made: list[int] = []
    for first, last in _PAGES.findall(told):
        end = int(last or first)
        made += range(int(first), min(end, int(first) + _MOST_PAGES) + 1)
    if not made:
        raise BadRequestError(f"{told[:20]} names no page: give numbers, as 2, 5-7.")
    return made


def _seconds(told: str) -> float:
    """A time as it is typed: seconds, "1:05" or "1:02:03"."""
    if match := _CLOCK.fullmatch(told):
        hours, minutes, seconds = match.groups()
        return 3600 * int(hours or 0) + 60 * int(minutes) + float(seconds)
    try:
        return float(told)
    except ValueError as error:
        raise BadRequestError(
            f"{told[:20]} is no time: give it as 1:05, or in seconds."
        ) from error
