"""The words of an owner's pages: how many pages have each, and which are near others.

Filled by the scheduler after pages were stored, so that no task waits for another at a
word that both have. What an emptied trash had alone is taken out in its transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from prsnl.core.db import Db

_LOCK: Final = 7_214_318
#: So many pages are counted at once.
_BATCH: Final = 500
#: A shorter word is near too many.
_SHORTEST: Final = 4
_LONGEST: Final = 30
#: From this length on two letters may be wrong.
_LONG: Final = 8

_LEARN: Final = """
with batch as (
    select attachment_id, page, part, owner, words from search_pages
    where not is_learned limit %(batch)s for update skip locked
), learned as (
    update search_pages s set is_learned = true from batch b
    where s.attachment_id = b.attachment_id and s.page = b.page and s.part = b.part
), counted as (
    select b.owner, w.lexeme as word, count(*)::integer as pages
    from batch b, unnest(b.words) as w (lexeme, positions, weights)
    where 'A' = any(w.weights) and length(w.lexeme) <= %(longest)s
    group by b.owner, w.lexeme
    union all
    select owner, '', count(*)::integer from batch group by owner
), kept as (
    insert into search_lexicon (owner, word, pages)
    select owner, word, pages from counted order by owner, word
    on conflict (owner, word) do update
        set pages = search_lexicon.pages + excluded.pages
)
select count(*) as n from batch
"""

_FORGET: Final = """
delete from search_lexicon l
using unnest(%(words)s::text[]) as gone (word)
where l.owner = %(owner)s and l.word = gone.word
  and not exists (
      select from search_pages s
      where s.owner = %(owner)s
        and s.words @@ quote_literal(l.word)::tsquery and s.page > 0)
  and not exists (
      select from search_pages s
      where s.owner = %(owner)s
        and s.words @@ quote_literal(l.word)::tsquery and s.page = 0)
"""

_NEAR: Final = """
select word, pages from search_lexicon
where owner = %(owner)s and near && search_deletes(%(word)s)
  and length(word) between %(least)s and %(most)s and word <> ''
order by pages desc limit 500
"""


def learn(connection: Db) -> bool:
    """Count the words of a batch of new pages, by one scheduler at a time.

    Returns:
        Whether there may be more.
    """
    with connection.transaction():
        row = connection.execute(
            "select pg_try_advisory_xact_lock(%s) as is_mine", [_LOCK]
        ).fetchone()
        if row is None or not row["is_mine"]:
            return False
        done = connection.execute(
            _LEARN, {"batch": _BATCH, "longest": _LONGEST}
        ).fetchone()
        return done is not None and done["n"] == _BATCH


def words_of(connection: Db, item_ids: Sequence[UUID]) -> list[str]:
    """The words of some items; nobody counts any until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    rows = connection.execute(
        "select distinct w.lexeme as word from search_pages s, unnest(s.words) w "
        "where s.item_id = any(%s) and 'A' = any(w.weights)",
        [list(item_ids)],
    ).fetchall()
    return [row["word"] for row in rows]


def forget(connection: Db, words: Sequence[str], *, owner: str) -> None:
    """Take out those words that no page of the owner holds any more."""
    connection.execute(_FORGET, {"words": list(words), "owner": owner})


def nearest(connection: Db, word: str, *, owner: str) -> str | None:
    """The known word that a misspelt one is likely to be; None if it is known itself.

    One letter more, less or other, or two neighbours swapped; of a long word two of
    them. Words that share one of theirs with a letter left out are compared. W. Garbe,
    "SymSpell: Symmetric Delete spelling correction", 2012.
    """
    if not _SHORTEST <= len(word) <= _LONGEST:
        return None
    allowed = 2 if len(word) >= _LONG else 1
    rows = connection.execute(
        _NEAR,
        {
            "owner": owner,
            "word": word,
            "least": len(word) - allowed,
            "most": len(word) + allowed,
        },
    ).fetchall()
    found = [(distance(word, row["word"]), -row["pages"], row["word"]) for row in rows]
    best = min((one for one in found if one[0] <= allowed), default=None)
    return None if best is None or best[0] == 0 else best[2]


def distance(one: str, other: str) -> int:
    """How many letters are more, less, other or swapped with their neighbour.

    F. Damerau, "A technique for computer detection and correction of spelling errors",
    1964; each stretch is edited once.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        this = [row]
        for column, sign in enumerate(other, start=1):
            cost = min(
                last[column] + 1,
                this[column - 1] + 1,
                last[column - 1] + (letter != sign),
            )
            if (
                row > 1
                and column > 1
                and letter == other[column - 2]
                and one[row - 2] == sign
            ):
                cost = min(cost, before[column - 2] + 1)
            this.append(cost)
        before, last = last, this
    return last[-1]
