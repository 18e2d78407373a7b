"""Categories of items: what a person has set, what is suggested, and what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.taxonomy.contract import UNCATEGORISED

#: Neighbours that are looked at for one text.
NEAREST: Final = 10
#: So many of the newest items are compared, of those confirmed and of the others.
_WINDOW: Final = 5_000


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
