"""Two rankings become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from prsnl.search.meaning import Near
from prsnl.search.words import PageHit, WordHits
from prsnl.wire.search import FoundBy

#: G. Cormack, C. Clarke, S. Buettcher, "Reciprocal rank fusion outperforms Condorcet
#: and individual rank learning methods", SIGIR 2009: the k of the paper.
_K: Final = 60
#: Text that may be wrong counts for so much.
_DOUBTED: Final = 0.7
#: So many places of one item stand in the list; the others are asked for by `item`.
PLACES_OF_ITEM: Final = 3
#: A page with less of the query than this is not found by word, if others have more.
_LEAST_COVERAGE: Final = 0.3

Key = tuple[UUID, int]


@dataclass(frozen=True)
class Candidate:
    """A place that may become a hit."""

    attachment_id: UUID
    page: int
    item_id: UUID
    score: float
    #: Every phrase, code and number is there as printed.
    is_exact: bool = False
    part: int = 1
    words: PageHit | None = None
    near: Near | None = None
    #: The item is called so.
    by_title: bool = False
    more_in_item: int = 0

    @property
    def key(self) -> Key:
        """Which page of which file."""
        return self.attachment_id, self.page

    @property
    def found_by(self) -> list[FoundBy]:
        """Why it is one."""
        by_words = self.words is not None or self.by_title
        return [
            way
            for way, did in (
                (FoundBy.WORDS, by_words),
                (FoundBy.MEANING, self.near is not None),
            )
            if did
        ]


def fused(
    found: WordHits, near: Sequence[Near], first_pages: Mapping[UUID, Key]
) -> list[Candidate]:
    """One list by reciprocal ranks, best first; equal ones in a lasting order.

    A page that holds half of the query's words gives a quarter of its rank's value, so
    that a word by the way does not outweigh the meaning.

    Args:
        found: By word.
        near: By meaning.
        first_pages: Where items begin that are called so and have no page that says it.
    """
    made: dict[Key, Candidate] = {}
    best = max((page.coverage for page in found.pages), default=0.0)
    pages = [
        page for page in found.pages if page.coverage >= min(best, _LEAST_COVERAGE)
    ]
    for rank, page in enumerate(pages, start=1):
        key = (page.attachment_id, page.page)
        made[key] = Candidate(
            *key,
            page.item_id,
            min(1.0, page.coverage) ** 2 / (_K + rank),
            is_exact=page.is_exact,
            part=page.part,
            words=page,
        )
    titles = sorted(found.titles.items(), key=lambda one: (-one[1], str(one[0])))
    for rank, (item_id, coverage) in enumerate(titles, start=1):
        if item_id in first_pages:
            key = first_pages[item_id]
            made[key] = Candidate(*key, item_id, coverage / (_K + rank), by_title=True)
    for rank, one in enumerate(near, start=1):
        key = (one.attachment_id, one.page)
        before = made.get(key) or Candidate(*key, one.item_id, 0.0)
        made[key] = replace(before, score=before.score + 1 / (_K + rank), near=one)
    return ordered(made.values())


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; what is there as printed before all else."""
    return sorted(
        candidates,
        key=lambda one: (
            not one.is_exact,
            -one.score,
            str(one.attachment_id),
            one.page,
        ),
    )


def doubted(candidates: Sequence[Candidate], doubtful: set[Key]) -> list[Candidate]:
    """The same list, with what may be wrong further down."""
    return ordered(
        [
            replace(one, score=one.score * _DOUBTED) if one.key in doubtful else one
            for one in candidates
        ]
    )


def spread(candidates: Sequence[Candidate]) -> list[Candidate]:
    """A few places of each item; the last of them tells how many are left out."""
    by_item: dict[UUID, list[Candidate]] = {}
    for one in candidates:
        by_item.setdefault(one.item_id, []).append(one)
    left = {item: len(found) - PLACES_OF_ITEM for item, found in by_item.items()}
    shown = {
        one.key: one for found in by_item.values() for one in found[:PLACES_OF_ITEM]
    }
    last = {found[:PLACES_OF_ITEM][-1].key for found in by_item.values()}
    return [
        replace(one, more_in_item=max(0, left[one.item_id])) if one.key in last else one
        for one in candidates
        if one.key in shown
    ]
