"""The items, checked: each is there once, with every word that was put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.db import Db, Row
from prsnl.proving.load import PutIn

_FILES: Final = """
select a.id, a.processing_status, a.item_id,
       (select count(*) from attachments o where o.item_id = a.item_id) as files,
       array(select p.text from attachment_pages p
             where p.attachment_id = a.id order by p.number) as pages,
       array(select c.text from chunks c
             where c.attachment_id = a.id order by c.number) as passages,
       (select count(distinct s.page) from search_pages s
        where s.attachment_id = a.id and s.page > 0) as found_pages,
       (select max((t.result ->> 'words')::integer) from tasks t
        where t.attachment_id = a.id) as words_heard
from attachments a join items i on i.id = a.item_id
where a.id = any(%s)
"""

_ITEMS: Final = "select count(*) as n from items"


@dataclass(frozen=True)
class Kept:
    """What is wrong with the items."""

    lost: int
    doubled: int
    missing: int
    spoiled: int


def look(connection: Db, put_in: Sequence[PutIn]) -> Kept:
    """Compare what was put in with what is there."""
    ids = [one.attachment_id for one in put_in]
    rows = {row["id"]: row for row in connection.execute(_FILES, [ids])}
    there = [
        (one, rows[one.attachment_id]) for one in put_in if one.attachment_id in rows
    ]
    row = connection.execute(_ITEMS).fetchone()
    assert row is not None
    return Kept(
        lost=len(set(ids)) - len(rows),
        doubled=max(0, row["n"] - len(rows)) + len(ids) - len(set(ids)),
        missing=sum(not _is_whole(one, row) for one, row in there),
        spoiled=sum(not _is_true(one, row) for one, row in there),
    )


def _is_whole(one: PutIn, row: Row) -> bool:
    """Processed to the end, every page to be found, every sentence in a passage."""
    if row["processing_status"] != "completed":
        return False
    if row["found_pages"] != len(one.paper.pages):
        return False
    passages = " ".join(" ".join(row["passages"]).split())
    sentences = "\n".join(one.paper.pages).splitlines()
    return all(sentence in passages for sentence in sentences)


def _is_true(one: PutIn, row: Row) -> bool:
    """Page for page the words that were put in; of a tone nothing is heard."""
    if not one.paper.pages:
        return not row["words_heard"]
    return [page.split() for page in row["pages"]] == [
        page.split() for page in one.paper.pages
    ]
