"""Categories of items: what a person has set, what is suggested, and what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.taxonomy.contract import UNCATEGORISED

#: Neighbours that are looked at for one text.
NEAREST: Final = 10
#: So many of the newest items are compared, of those confirmed and of the others.
_WINDOW: Final = 5_000
_NAMED: Final = 3


class Source(StrEnum):
    """Who says what category an item has."""

    USER = "user"
    #: Words, meaning and neighbours do; a person may confirm it.
    SUGGESTED = "suggested"
    LLM = "llm"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """An item that has a category, and how like another text it is."""

    item_id: UUID
    category: str
    source: Source
    #: The cosine of both vectors.
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a text lies among others: a vector of length 1, and the model's name."""

    model: str
    vector: Sequence[float]


# What a person has set stays, whenever he sets it: the row is looked at again when a
# change that came between is committed. A guess does not undo what an LLM has read.
_SUGGEST: Final = """
update items
set category = %(category)s, category_confidence = %(confidence)s,
    category_source = %(source)s, category_reason = %(reason)s, updated_at = now()
where id = %(item)s and not 'category' = any(user_fields)
  and (%(source)s = 'llm' or category_source is distinct from 'llm')
"""

_PLACE: Final = """
insert into item_vectors (item_id, owner, model, vector)
select id, owner, %(model)s, %(vector)s::vector from items where id = %(item)s
on conflict (item_id) do update set model = excluded.model, vector = excluded.vector
"""

_NEAREST: Final = """
with known as (
    (select v.item_id, v.vector, i.category, i.category_source
     from item_vectors v join items i on i.id = v.item_id
     where v.owner = %(owner)s and v.model = %(model)s and i.deleted_at is null
       and i.category_source = 'user' and i.category is not null
     order by v.item_id desc limit %(window)s)
    union all
    (select v.item_id, v.vector, i.category, i.category_source
     from item_vectors v join items i on i.id = v.item_id
     where v.owner = %(owner)s and v.model = %(model)s and i.deleted_at is null
       and i.category_source <> 'user' and i.category <> %(none)s
     order by v.item_id desc limit %(window)s)
)
select item_id, category, category_source as source,
       1 - (vector <=> %(vector)s::vector) as similarity
from known
where item_id is distinct from %(item)s::uuid
order by vector <=> %(vector)s::vector, item_id limit %(nearest)s
"""


_KNOWN: Final = """
select i.id as item_id, i.title, i.language, f.document_type,
       coalesce(f.confidence, 0) as type_confidence, coalesce(f.text, '') as text,
       array(select k ->> 'text' from jsonb_array_elements(i.keywords) as k) as keywords
from items i left join lateral (
    select left(string_agg(left(a.extracted_text, %(characters)s), E'\n\n'
                           order by a.id), %(characters)s) as text,
           (array_agg(a.document_type order by a.id))[1] as document_type,
           (array_agg(a.document_type_confidence order by a.id))[1] as confidence
    from attachments a where a.item_id = i.id) f on true
where i.id = any(%(items)s) and i.owner = %(owner)s
"""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of an item that its category can be told from."""

    item_id: UUID
    title: str
    language: str | None
    keywords: list[str]
    #: The beginning of its files' texts; empty where there is none yet.
    text: str
    document_type: str | None
    type_confidence: float


@dataclass(frozen=True)
class Filed:
    """What an item is filed under, and who says so."""

    category: str | None
    source: str | None


def known(
    connection: Db, item_ids: Sequence[UUID], characters: int, *, owner: str
) -> dict[UUID, Known]:
    """The owner's items of these ids, each with so many characters of its text."""
    rows = connection.execute(
        _KNOWN, {"items": list(item_ids), "characters": characters, "owner": owner}
    ).fetchall()
    return {row["item_id"]: Known(**row) for row in rows}


def filed(connection: Db, item_ids: Sequence[UUID], *, owner: str) -> dict[UUID, Filed]:
    """What the owner's items of these ids are filed under now."""
    rows = connection.execute(
        "select id, category, category_source from items "
        "where id = any(%s) and owner = %s",
        [list(item_ids), owner],
    ).fetchall()
    return {row["id"]: Filed(row["category"], row["category_source"]) for row in rows}


def require(connection: Db, item_ids: Sequence[UUID], *, owner: str) -> None:
    """Make sure that every item is there and the owner's.

    Raises:
        NotFoundError: One is not; nothing is said of whose it is.
    """
    there = filed(connection, item_ids, owner=owner)
    missing = [str(one) for one in item_ids if one not in there]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise NotFoundError(
            f"There is no such item: {', '.join(missing[:_NAMED])}{more}."
        )


def suggest(
    connection: Db,
    item_id: UUID,
    category: str,
    *,
    confidence: float,
    source: Source,
    reason: str,
) -> bool:
    """Keep a suggestion, unless a person has said what it is; tell whether it is kept.

    The item's owner was proved before.
    """
    done = connection.execute(
        _SUGGEST,
        {
            "item": item_id,
            "category": category,
            "confidence": confidence,
            "source": str(source),
            "reason": reason,
        },
    )
    return done.rowcount > 0


def keep_place(connection: Db, item_id: UUID, place: Place) -> None:
    """Keep where an item lies; its owner was proved before."""
    connection.execute(
        _PLACE,
        {"item": item_id, "model": place.model, "vector": str(list(place.vector))},
    )


def nearest(
    connection: Db, place: Place, *, owner: str, besides: UUID | None
) -> list[Neighbour]:
    """The owner's items with a category that are most like a text, the likest first.

    Args:
        connection: A connection.
        place: Where the text lies.
        owner: Whose items.
        besides: The item that the text is of: it is no neighbour of itself.
    """
    rows = connection.execute(
        _NEAREST,
        {
            "owner": owner,
            "model": place.model,
            "vector": str(list(place.vector)),
            "item": besides,
            "none": UNCATEGORISED,
            "window": _WINDOW,
            "nearest": NEAREST,
        },
    ).fetchall()
    return [Neighbour(**{**row, "source": Source(row["source"])}) for row in rows]
