"""By word: the pages that hold what was typed, straight from their index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.search.query import Query, Term
from prsnl.wire.search import SearchFilter

#: So many pages that hold all words are ranked, and so many that hold some.
_RANKED: Final = 300
#: So many pages that hold all words are enough.
_ENOUGH: Final = 100
_HEADS: Final = 300
#: A word that stands on a larger part of all pages finds none by itself.
_COMMON: Final = 0.05
_COMMON_PAGES: Final = 500
#: A page of a document that is called so is better than one that only says it.
_HEAD_BONUS: Final = 0.25
#: What is named in the title alone is found, but not as good as on a page.
_HEAD_ALONE: Final = 0.6
#: How much it counts that words stand close and often.
_CLOSENESS: Final = 0.35

#: What narrows a search; each statement has `i` the item and `a` the file.
NARROWED: Final = """
i.owner = %(owner)s and i.deleted_at is null
and (%(item)s::uuid is null or i.id = %(item)s)
and (%(tags)s::text[] is null or i.tags @> %(tags)s)
and (%(dated_from)s::date is null or i.document_date >= %(dated_from)s)
and (%(dated_to)s::date is null or i.document_date <= %(dated_to)s)
and (%(kind)s::text is null or a.kind = %(kind)s)
and (%(document_type)s::text is null or a.document_type = %(document_type)s)
and (%(category)s::text is null or i.category = %(category)s)
"""

# A common word has more pages than can be ranked: each branch ends at a number.
# `|| ''` unpacks a row's words once, not for each term, and after they were sorted.
_FIND: Final = """
with heads as (
    select s.item_id, s.words || '' as words
    from search_pages s
    join items i on i.id = s.item_id join attachments a on a.id = s.attachment_id
    where s.owner = %(owner)s and s.words @@ %(heads)s::tsquery and s.page = 0
      and {narrowed}
    limit {most_heads}
), strict as (
    select s.attachment_id, s.page, s.part, s.item_id, s.words
    from search_pages s
    join items i on i.id = s.item_id join attachments a on a.id = s.attachment_id
    where s.owner = %(owner)s and s.words @@ %(every)s::tsquery and s.page > 0
      and {narrowed}
    limit {most}
), loose as (
    select s.attachment_id, s.page, s.part, s.item_id, s.words
    from search_pages s
    join items i on i.id = s.item_id join attachments a on a.id = s.attachment_id
    where s.owner = %(owner)s and s.words @@ %(some)s::tsquery and s.page > 0
      and %(is_loose)s and (select count(*) from strict) < {enough} and {narrowed}
    limit {most}
), pages as (
    select distinct on (attachment_id, page, part)
        attachment_id, page, part, item_id, words
    from (select * from strict union all select * from loose) both_of_them
), unpacked as (
    select attachment_id, page, part, item_id, words || '' as words
    from pages offset 0
), names as (
    select item_id, bit_or({mask}) as mask from heads group by item_id
)
select attachment_id, page, part, item_id, {mask} as mask, 0 as head,
       ts_rank_cd(words, %(any)s::tsquery, 1) as closeness
from unpacked
union all
select null, 0, 0, item_id, 0, mask, 0 from names
"""


@dataclass(frozen=True)
class PageHit:
    """A page that holds words of a query.

    Attributes:
        score: About between 0 and 1.5; higher is better.
        coverage: How much of the query is there, between 0 and 1, rare words counting
            for more.
        is_exact: Every phrase, code and number of the query is there as printed.
        part: Which stretch of a long page.
    """

    attachment_id: UUID
    page: int
    part: int
    item_id: UUID
    score: float
    coverage: float
    is_exact: bool


@dataclass(frozen=True)
class WordHits:
    """What was found by word.

    Attributes:
        pages: Best first.
        titles: Items that are called so, without a page that says it, by coverage.
        missing: Words that stand nowhere.
        terms: What was looked for: what carries no meaning is left out.
        stems: Of each plain word.
    """

    pages: list[PageHit]
    titles: dict[UUID, float]
    missing: tuple[str, ...]
    terms: Sequence[Term]
    stems: Mapping[str, Sequence[str]]


NOTHING: Final = WordHits([], {}, (), (), {})


def narrowing(wanted: SearchFilter, owner: str) -> dict[str, Any]:
    """The values of `NARROWED`."""
    return {
        "owner": owner,
        "item": wanted.item,
        "tags": wanted.tag or None,
        "dated_from": wanted.dated_from,
        "dated_to": wanted.dated_to,
        "kind": wanted.kind,
        "document_type": wanted.document_type,
        "category": wanted.category,
    }


def find(connection: Db, query: Query, wanted: SearchFilter, *, owner: str) -> WordHits:
    """The owner's pages that hold all or some of what is looked for."""
    known = languages(connection, owner)
    terms = query.meaningful(known)
    stems = _stems(connection, terms + query.excluded, known)
    rarity = _rarity(connection, terms, owner)
    rows = connection.execute(
        _statement(terms),
        _values(query, terms, stems=stems, rarity=rarity, wanted=wanted, owner=owner),
        # Planned for these words: a plan for any words reads every page.
        prepare=False,
    ).fetchall()
    return _ranked(rows, terms, rarity, stems)


def excluding(query: Query) -> str:
    """Pages that hold none of what must not stand there, as a tsquery; or empty."""
    return " & ".join(f"!{term.tsquery()}" for term in query.excluded)


def requiring(query: Query) -> str:
    """Pages that hold each phrase, code and number, as a tsquery; or empty."""
    return " & ".join(term.tsquery() for term in query.terms if term.is_exact)


def _statement(terms: Sequence[Term]) -> str:
    # As it may be, and of what must be exact once more as printed.
    bits = [(f"t{place}", place) for place in range(len(terms))]
    bits += [
        (f"x{place}", len(terms) + place)
        for place, term in enumerate(terms)
        if term.is_exact
    ]
    told = [
        f"case when words @@ %({name})s::tsquery then {1 << bit} else 0 end"
        for name, bit in bits
    ]
    return _FIND.format(
        narrowed=NARROWED,
        mask=" + ".join(told),
        most=_RANKED,
        most_heads=_HEADS,
        enough=_ENOUGH,
    )


def _values(
    query: Query,
    terms: Sequence[Term],
    *,
    stems: Mapping[str, Sequence[str]],
    rarity: Sequence[float],
    wanted: SearchFilter,
    owner: str,
) -> dict[str, Any]:
    asked = [term.tsquery(stems.get(term.words[0], ())) for term in terms]
    mine = _quoted(f"owner {owner}")
    none = excluding(query)
    kept = f" & {none}" if none else ""
    finding = _finding(asked, rarity)
    return {
        **narrowing(wanted, owner),
        **{f"t{place}": one for place, one in enumerate(asked)},
        **{
            f"x{place}": term.tsquery(exact=True)
            for place, term in enumerate(terms)
            if term.is_exact
        },
        "any": " | ".join(asked),
        "every": f"{mine} & {' & '.join(asked)}{kept}",
        "some": f"{mine} & ({' | '.join(finding)}){kept}",
        "heads": f"{mine} & ({' | '.join(asked)}){kept}",
        "is_loose": len(asked) > 1,
    }


def _finding(asked: Sequence[str], rarity: Sequence[float]) -> list[str]:
    """The terms that find pages by themselves: not the common ones."""
    floor = min(max(rarity), -math.log(_COMMON))
    return [one for one, rare in zip(asked, rarity, strict=True) if rare >= floor]


def _ranked(
    rows: Sequence[Row],
    terms: Sequence[Term],
    rarity: Sequence[float],
    stems: Mapping[str, Sequence[str]],
) -> WordHits:
    whole = sum(rarity)
    exact = [bit for bit, term in enumerate(terms) if term.is_exact]
    names = {row["item_id"]: row["head"] for row in rows if row["page"] == 0}

    def share(mask: int) -> float:
        held = (rare for bit, rare in enumerate(rarity) if mask >> bit & 1)
        return sum(held) / whole

    def has(mask: int, *, as_printed: bool) -> bool:
        first = len(terms) if as_printed else 0
        return all(mask >> (first + bit) & 1 for bit in exact)

    best: dict[tuple[UUID, int], PageHit] = {}
    seen = 0
    for row in rows:
        seen |= row["mask"] | row["head"]
        both = row["mask"] | names.get(row["item_id"], 0)
        if row["page"] == 0 or not has(both, as_printed=False):
            continue
        coverage = share(both)
        close = row["closeness"] / (row["closeness"] + 1)
        bonus = _HEAD_BONUS * share(names.get(row["item_id"], 0))
        hit = PageHit(
            row["attachment_id"],
            row["page"],
            row["part"],
            row["item_id"],
            coverage + _CLOSENESS * close + bonus,
            coverage,
            bool(exact) and has(row["mask"], as_printed=True),
        )
        key = (hit.attachment_id, hit.page)
        if key not in best or best[key].score < hit.score:
            best[key] = hit
    paged = {hit.item_id for hit in best.values()}
    return WordHits(
        sorted(
            best.values(),
            key=lambda hit: (-hit.score, str(hit.attachment_id), hit.page),
        ),
        {
            item: _HEAD_ALONE * share(mask)
            for item, mask in names.items()
            if item not in paged and has(mask, as_printed=False)
        },
        tuple(
            term.words[0]
            for bit, term in enumerate(terms)
            if term.is_plain and not seen >> bit & 1
        ),
        terms,
        stems,
    )


_LANGUAGES: Final = """
with recursive one as (
    (select language from items where owner = %(owner)s and language is not null
     order by language limit 1)
    union all
    select (select i.language from items i
            where i.owner = %(owner)s and i.language > one.language
            order by i.language limit 1)
    from one where one.language is not null
)
select language from one where language is not null
"""


def languages(connection: Db, owner: str) -> list[str]:
    """The languages of an owner's items."""
    rows = connection.execute(_LANGUAGES, {"owner": owner}).fetchall()
    return [row["language"] for row in rows]


_STEMS: Final = """
select word, array_agg(distinct stem) as stems
from unnest(%(words)s::text[]) as word
cross join (select distinct search_config(one)::text as config
            from unnest(%(languages)s::text[]) as one) as known
cross join lateral unnest(tsvector_to_array(
    to_tsvector(known.config::regconfig, word))) as stem
where known.config is not null
group by word
"""


def _stems(
    connection: Db, terms: Sequence[Term], languages: Sequence[str]
) -> dict[str, list[str]]:
    plain = [term.words[0] for term in terms if term.is_plain]
    if not plain or not languages:
        return {}
    return stems_of(connection, plain, languages)


def stems_of(
    connection: Db, words: Sequence[str], languages: Sequence[str]
) -> dict[str, list[str]]:
    """The stems of folded words, in each language that the database can stem."""
    rows = connection.execute(
        _STEMS, {"words": list(words), "languages": list(languages)}
    ).fetchall()
    return {row["word"]: row["stems"] for row in rows}


def _rarity(connection: Db, terms: Sequence[Term], owner: str) -> list[float]:
    """How rare each term is: ln(pages / pages that hold it), at least 0.1.

    K. Sparck Jones, "A statistical interpretation of term specificity and its
    application in retrieval", 1972. A word that is not counted yet is held for rare.
    """
    wanted = [word for term in terms for word in term.words]
    rows = connection.execute(
        "select word, pages from search_lexicon where owner = %s and word = any(%s)",
        [owner, ["", *wanted]],
    ).fetchall()
    counted = {row["word"]: row["pages"] for row in rows}
    whole = max(counted.get("", 0), _COMMON_PAGES)
    return [
        max(
            0.1,
            math.log(whole / (1 + min(counted.get(word, 0) for word in term.words))),
        )
        for term in terms
    ]


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
