"""Lists of items: which, in which order, page by page."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.core.texts import Day, Flag, Moment, StorableText, Tag
from prsnl.items.models import ItemView, ProcessingStatus
from prsnl.items.store import ITEM_COLUMNS, with_files


class Sort(StrEnum):
    """In which order items come."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"
    #: Latest date first; items without one at the end.
    DOCUMENT_DATE = "document_date"
    #: Changed last, first.
    UPDATED = "updated"


@dataclass(frozen=True)
class _Order:
    """One order: a value as text for the cursor, its type, and the direction."""

    value: str
    type: str
    is_falling: bool


_ORDERS: Final = {
    Sort.NEWEST: _Order("id", "uuid", is_falling=True),
    Sort.OLDEST: _Order("id", "uuid", is_falling=False),
    Sort.TITLE: _Order("lower(title)", "text", is_falling=False),
    Sort.DOCUMENT_DATE: _Order(
        "coalesce(document_date, '0001-01-01')", "date", is_falling=True
    ),
    Sort.UPDATED: _Order("updated_at", "timestamptz", is_falling=True),
}


class ItemFilter(BaseModel):
    """Which items; what is not given does not narrow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: list[Tag] = Field(
        default_factory=list, max_length=20, description="With all of these tags."
    )
    language: StorableText | None = Field(
        None, max_length=20, description="In this language: `en`, `de` ..."
    )
    kind: StorableText | None = Field(
        None, max_length=50, description="With a file of this kind: `pdf`, `docx` ..."
    )
    document_type: StorableText | None = Field(
        None, max_length=100, description="With a file of this type: `contract` ..."
    )
    category: StorableText | None = Field(
        None,
        max_length=100,
        description="Filed under this category; `uncategorised`: under none.",
    )
    status: list[ProcessingStatus] = Field(
        default_factory=list,
        max_length=10,
        description="With a file in one of these states.",
    )
    dated_from: Day | None = Field(None, description="Document date, from this day.")
    dated_to: Day | None = Field(None, description="Document date, to this day.")
    added_from: Moment | None = Field(None, description="Kept at this time or later.")
    added_to: Moment | None = Field(None, description="Kept before this time.")
    title: StorableText | None = Field(
        None, max_length=200, description="With these words in the title."
    )
    trashed: Flag = Field(False, description="Those in the trash, and no others.")


class ItemQuery(ItemFilter):
    """Which items, in which order, which page."""

    sort: Sort = Field(Sort.NEWEST, description="In this order.")
    limit: int = Field(50, ge=1, le=200, description="Most items in one answer.")
    before: str | None = Field(
        None, max_length=1000, description="`next` of the page before."
    )


_WHERE: Final = """
owner = %(owner)s and (deleted_at is not null) = %(trashed)s
and (%(tags)s::text[] is null or tags @> %(tags)s)
and (%(language)s::text is null or language = %(language)s)
and (%(category)s::text is null
     or category = %(category)s
     or (category is null and %(category)s = 'uncategorised'))
and (%(dated_from)s::date is null or document_date >= %(dated_from)s)
and (%(dated_to)s::date is null or document_date <= %(dated_to)s)
and (%(added_from)s::timestamptz is null or created_at >= %(added_from)s)
and (%(added_to)s::timestamptz is null or created_at < %(added_to)s)
and (%(title)s::text is null or title ilike %(title)s)
and (not %(wants_file)s or exists (
    select 1 from attachments a where a.item_id = items.id
      and (%(kind)s::text is null or a.kind = %(kind)s)
      and (%(document_type)s::text is null or a.document_type = %(document_type)s)
      and (%(status)s::text[] is null or a.processing_status = any(%(status)s))))
"""


def find(
    connection: Db, query: ItemQuery, *, owner: str
) -> tuple[list[ItemView], str | None]:
    """One page of the owner's items, and where the next one begins.

    Raises:
        NotFoundError: The cursor is none of this order's.
    """
    order = _ORDERS[query.sort]
    direction, sign = ("desc", "<") if order.is_falling else ("asc", ">")
    cursor = _decoded(query.before, query.sort)
    after = ""
    if cursor is not None:
        after = f"and ({order.value}, id) {sign} (%(value)s::{order.type}, %(id)s)"
    rows = connection.execute(
        f"select {ITEM_COLUMNS}, ({order.value})::text as sort_value from items "
        f"where {_WHERE} {after} order by {order.value} {direction}, id {direction} "
        "limit %(limit)s",
        {**_values(query, owner), "limit": query.limit, **(cursor or {})},
    ).fetchall()
    values = [row.pop("sort_value") for row in rows]
    is_full = len(rows) == query.limit
    following = _encoded(values[-1], rows[-1]["id"]) if is_full else None
    return with_files(connection, rows), following


def matching(
    connection: Db, wanted: ItemFilter, *, owner: str, after: UUID | None, limit: int
) -> list[UUID]:
    """The ids of the owner's items that fit, oldest first, from *after* on."""
    rows = connection.execute(
        f"select id from items where {_WHERE} "
        "and (%(after)s::uuid is null or id > %(after)s) order by id limit %(limit)s",
        {**_values(wanted, owner), "after": after, "limit": limit},
    ).fetchall()
    return [row["id"] for row in rows]


def _values(wanted: ItemFilter, owner: str) -> dict[str, Any]:
    title = None
    if wanted.title is not None:
        escaped = wanted.title.replace("\\", "\\\\")
        escaped = escaped.replace("%", "\\%").replace("_", "\\_")
        title = f"%{escaped}%"
    return {
        "owner": owner,
        "trashed": wanted.trashed,
        "tags": wanted.tag or None,
        "language": wanted.language,
        "category": wanted.category,
        "dated_from": wanted.dated_from,
        "dated_to": wanted.dated_to,
        "added_from": wanted.added_from,
        "added_to": wanted.added_to,
        "title": title,
        "wants_file": bool(wanted.kind or wanted.document_type or wanted.status),
        "kind": wanted.kind,
        "document_type": wanted.document_type,
        "status": [str(status) for status in wanted.status] or None,
    }


def _encoded(value: str, item_id: UUID) -> str:
    if value == str(item_id):
        return value
    told = json.dumps([value, str(item_id)])
    return base64.urlsafe_b64encode(told.encode()).decode()


def _decoded(cursor: str | None, sort: Sort) -> dict[str, Any] | None:
    if cursor is None:
        return None
    try:
        if _ORDERS[sort].type == "uuid":
            item_id = UUID(cursor)
            return {"value": item_id, "id": item_id}
        value, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        _CHECKS[_ORDERS[sort].type](value)
        return {"value": value, "id": UUID(last)}
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise NotFoundError(
            "There is no page of this order that begins there: begin again without "
            "`before`."
        ) from error


def _check_text(value: str) -> None:
    if "\0" in value:
        raise ValueError(value)


#: A cursor is a client's word, and the statement casts it.
_CHECKS: Final = {
    "text": _check_text,
    "date": date.fromisoformat,
    "timestamptz": datetime.fromisoformat,
}
