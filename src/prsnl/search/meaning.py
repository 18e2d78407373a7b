"""By meaning: the passages whose vectors are nearest to the query's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.items import vectors
from prsnl.items.vectors import Model, nearest
from prsnl.search import words
from prsnl.search.embedder import QueryEmbedder
from prsnl.search.query import Query
from prsnl.search.words import NARROWED
from prsnl.wire.search import SearchFilter

#: So many of the nearest passages are ranked.
_NEAREST: Final = 100
#: What is farther says something else: the cosine's distance, from 0 to 2.
FARTHEST: Final = 0.8
#: A query whose words stand nowhere may be no words at all.
FARTHEST_UNKNOWN: Final = 0.7
#: Two documents of one matter are nearer than a question is to its answer.
_FARTHEST_LIKE: Final = 0.6

_NARROWED: Final = f"""exists (
    select from items i join attachments a on a.id = c.attachment_id
    where i.id = c.item_id and {NARROWED})"""

_PLACES: Final = """
select c.attachment_id, c.number, c.item_id, c.page_from as page,
       c.start_offset as start_at, near.distance
from unnest(%(files)s::uuid[], %(numbers)s::integer[], %(distances)s::float8[])
     with ordinality as near (attachment_id, number, distance, place)
join chunks c using (attachment_id, number)
where c.owner = %(owner)s
order by near.place
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
        start: Where it begins in its page's text, in characters.
        distance: The cosine's, from 0.
    """

    attachment_id: UUID
    page: int
    item_id: UUID
    start: int
    distance: float

    @classmethod
    def of(cls, row: Row) -> Near:
        """A row of passages."""
        return cls(
            row["attachment_id"],
            row["page"],
            row["item_id"],
            row["start_at"],
            row["distance"],
        )


@dataclass(frozen=True)
class Meant:
    """What was found by meaning.

    Attributes:
        near: Nearest first.
        why_not: Why not all passages were asked, in a sentence.
    """

    near: list[Near]
    why_not: str | None


NOTHING: Final = Meant([], None)


def find(
    connection: Db,
    embedder: QueryEmbedder,
    query: Query,
    wanted: SearchFilter,
    *,
    owner: str,
    farthest: float = FARTHEST,
) -> Meant:
    """The owner's nearest passages, one a page, nearest first.

    Each passage is asked of the first model that has a vector of it: while another
    takes over, both answer.
    """
    text = query.meaning
    if text is None:
        return NOTHING
    asked: list[Model] = []
    found: list[Row] = []
    why_not = None
    for model in vectors.models_of(connection, owner=owner):
        vector = embedder.vector(model, text, owner=owner)
        if vector is None:
            why_not = embedder.why_not(model)
            continue
        values = {
            **words.narrowing(wanted, owner),
            "query": str(list(vector)),
            "limit": _NEAREST,
        }
        found += _nearest(connection, nearest(model, asked, narrowed=_NARROWED), values)
        asked.append(model)
    near = _placed(connection, found, owner, farthest)
    return Meant(_fitting(connection, near, query), why_not)


def _nearest(connection: Db, statement: str, values: dict[str, Any]) -> list[Row]:
    with connection.transaction():
        # The index goes on until enough of the owner's own passages are found.
        connection.execute(
            "select set_config('hnsw.iterative_scan', 'relaxed_order', true), "
            "set_config('hnsw.ef_search', %s, true)",
            [str(_NEAREST)],
        )
        # Planned for what narrows it, as the words are.
        return connection.execute(statement, values, prepare=False).fetchall()


def _placed(
    connection: Db, found: Sequence[Row], owner: str, farthest: float
) -> list[Near]:
    """The best passage of each page, those that are too far left out."""
    kept = sorted(
        (row for row in found if row["distance"] <= farthest),
        key=lambda row: (row["distance"], str(row["attachment_id"]), row["number"]),
    )[:_NEAREST]
    rows = connection.execute(
        _PLACES,
        {
            "files": [row["attachment_id"] for row in kept],
            "numbers": [row["number"] for row in kept],
            "distances": [row["distance"] for row in kept],
            "owner": owner,
        },
    ).fetchall()
    best: dict[tuple[UUID, int], Near] = {}
    for row in rows:
        near = Near.of(row)
        best.setdefault((near.attachment_id, near.page), near)
    return list(best.values())


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


_MIDDLE: Final = """
select avg(e.embedding)::text as middle
from (
    select c.content from chunks c
    where c.item_id = %(item)s and c.owner = %(owner)s
    order by c.attachment_id, c.number limit %(most)s
) mine
join embeddings e on e.owner = %(owner)s and e.content = mine.content
  and e.model_id = %(model)s and e.is_passage
"""
#: A long document is like what it begins with.
_MIDDLE_OF: Final = 200
#: Passages of so many items are looked at for each that is wanted.
_SPARE: Final = 8


def similar(connection: Db, item_id: UUID, *, limit: int, owner: str) -> list[Near]:
    """The passages of other items that are nearest to the middle of an item's own.

    One of each item; empty for an item without passages. Items with vectors of another
    model alone are not compared.
    """
    for model in vectors.models_of(connection, owner=owner):
        row = connection.execute(
            _MIDDLE,
            {"item": item_id, "owner": owner, "model": model.id, "most": _MIDDLE_OF},
        ).fetchone()
        if row is not None and row["middle"] is not None:
            values = {
                **words.narrowing(SearchFilter(), owner),
                "query": row["middle"],
                "limit": limit * _SPARE,
                "but": item_id,
            }
            others = f"c.item_id <> %(but)s and {_NARROWED}"
            found = _nearest(connection, nearest(model, narrowed=others), values)
            best: dict[UUID, Near] = {}
            for near in _placed(connection, found, owner, _FARTHEST_LIKE):
                best.setdefault(near.item_id, near)
            return list(best.values())[:limit]
    return []
