"""By meaning: the passages whose vectors are nearest to the query's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.search import words
from prsnl.search.embedder import Vector
from prsnl.search.query import Query
from prsnl.search.words import NARROWED
from prsnl.wire.search import SearchFilter

#: So many of the nearest passages are ranked.
_NEAREST: Final = 100
#: What is farther says something else: the cosine's distance, from 0 to 2.
_FARTHEST: Final = 0.85

_FIND: Final = f"""
select c.attachment_id, c.number, c.item_id, c.page_from as page,
       c.start_offset as start_at, c.text, c.page_from = c.page_to as is_one_page,
       c.embedding <=> %(query)s::vector as distance
from chunks c
join items i on i.id = c.item_id join attachments a on a.id = c.attachment_id
where c.owner = %(owner)s and {NARROWED} and c.embedding is not null
order by distance limit %(limit)s
"""

_FITTING: Final = """
select w.attachment_id, w.page
from unnest(%(files)s::uuid[], %(pages)s::integer[]) as w (attachment_id, page)
join search_pages s using (attachment_id, page)
group by w.attachment_id, w.page
having bool_or(s.words @@ %(required)s::tsquery)
   and bool_and(s.words @@ %(kept)s::tsquery)
"""


@dataclass(frozen=True)
class Near:
    """A passage near to a query.

    Attributes:
        text: The passage.
        start: Where it begins in its page's text, in characters.
        distance: The cosine's, from 0.
    """

    attachment_id: UUID
    page: int
    item_id: UUID
    text: str
    start: int
    distance: float


def find(
    connection: Db, vector: Vector, query: Query, wanted: SearchFilter, *, owner: str
) -> list[Near]:
    """The owner's nearest passages, one a page, nearest first."""
    rows = connection.execute(
        _FIND,
        {
            **words.narrowing(wanted, owner),
            "query": str(list(vector)),
            "limit": _NEAREST,
        },
    ).fetchall()
    best: dict[tuple[UUID, int], Near] = {}
    for row in rows:
        near = Near(
            row["attachment_id"],
            row["page"],
            row["item_id"],
            row["text"],
            row["start_at"],
            row["distance"],
        )
        if near.distance <= _FARTHEST:
            best.setdefault((near.attachment_id, near.page), near)
    return _fitting(connection, list(best.values()), query)


def _fitting(connection: Db, found: Sequence[Near], query: Query) -> list[Near]:
    """Those whose page holds what is required, and nothing that is excluded."""
    required, kept = words.requiring(query), words.excluding(query)
    if not (required or kept) or not found:
        return list(found)
    # What every page has stands for a condition that there is none of.
    always = "!'no page holds this'"
    rows = connection.execute(
        _FITTING,
        {
            "files": [one.attachment_id for one in found],
            "pages": [one.page for one in found],
            "required": required or always,
            "kept": kept or always,
        },
    ).fetchall()
    fitting = {(row["attachment_id"], row["page"]) for row in rows}
    return [one for one in found if (one.attachment_id, one.page) in fitting]


_SIMILAR: Final = """
with mine as (
    select c.embedding from chunks c join items i on i.id = c.item_id
    where c.item_id = %(item)s and c.owner = %(owner)s and i.owner = %(owner)s
      and c.embedding is not null
    order by c.attachment_id, c.number limit %(most)s
), middle as (
    select avg(embedding) as embedding from mine having count(*) > 0
)
select distinct on (c.item_id) c.attachment_id, c.number, c.item_id,
       c.page_from as page, c.start_offset as start_at, c.text,
       c.embedding <=> middle.embedding as distance
from middle, chunks c join items i on i.id = c.item_id
where c.owner = %(owner)s and i.owner = %(owner)s and i.deleted_at is null
  and c.item_id <> %(item)s and c.embedding is not null
order by c.item_id, distance
"""
#: A long document is like what it begins with.
_MIDDLE_OF: Final = 200


def similar(connection: Db, item_id: UUID, *, limit: int, owner: str) -> list[Near]:
    """The passages of other items that are nearest to the middle of an item's own.

    One of each item; empty for an item without passages.
    """
    rows = connection.execute(
        _SIMILAR, {"item": item_id, "owner": owner, "most": _MIDDLE_OF}
    ).fetchall()
    near = [
        Near(
            row["attachment_id"],
            row["page"],
            row["item_id"],
            row["text"],
            row["start_at"],
            row["distance"],
        )
        for row in rows
        if row["distance"] <= _FARTHEST
    ]
    return sorted(near, key=lambda one: (one.distance, str(one.item_id)))[:limit]
