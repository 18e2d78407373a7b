"""One search: by word and by meaning, joined, filtered, with places and snippets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.storage import Storage
from prsnl.items import lexicon, store
from prsnl.search import cursor, details, meaning, ranking, words
from prsnl.search.cursor import Seen
from prsnl.search.details import About
from prsnl.search.embedder import QueryEmbedder
from prsnl.search.hits import facets, hits
from prsnl.search.query import Query, parse
from prsnl.search.ranking import Candidate, Key
from prsnl.wire.search import (
    MOST_HITS,
    Correction,
    FoundBy,
    SearchAnswer,
    SearchQuery,
    SimilarAnswer,
)

_BOTH: Final = frozenset(FoundBy)


@dataclass(frozen=True)
class Searcher:
    """Searches; every statement carries the owner, and leaves out the trash.

    Attributes:
        database: Has what is searched.
        storage: Has the files whose lines are counted.
        embedder: Turns queries into vectors.
        ways: What is found by; a measurement leaves one out.
    """

    database: Database
    storage: Storage
    embedder: QueryEmbedder
    ways: frozenset[FoundBy] = _BOTH

    def search(self, wanted: SearchQuery, *, owner: str) -> SearchAnswer:
        """One page of what is found.

        Raises:
            BadRequestError: There is nothing in the query to look for.
            NotFoundError: The cursor is none.
        """
        query, seen = parse(wanted.q), cursor.read(wanted.cursor)
        if FoundBy.MEANING in self.ways and query.meaning is not None:
            self.embedder.prepare(query.meaning, owner=owner)
        return self.database.run(
            lambda connection: self._answer(connection, wanted, query, seen, owner)
        )

    def similar(self, item_id: UUID, *, limit: int, owner: str) -> SimilarAnswer:
        """Items that say something like an item, the nearest first.

        Raises:
            NotFoundError: No such item of this owner.
        """

        def work(connection: Db) -> SimilarAnswer:
            store.item(connection, item_id, owner=owner)
            near = meaning.similar(connection, item_id, limit=limit, owner=owner)
            candidates = ranking.fused(words.NOTHING, near, {})
            told = details.about(connection, candidates, owner=owner)
            shown = [one for one in candidates if one.key in told]
            return SimilarAnswer(
                hits=hits(
                    connection, self.storage, shown, told, words.NOTHING, owner=owner
                )
            )

        return self.database.run(work)

    def _answer(
        self,
        connection: Db,
        wanted: SearchQuery,
        query: Query,
        seen: Seen,
        owner: str,
    ) -> SearchAnswer:
        began = time.perf_counter()
        corrections: list[Correction] = []
        found, meant = words.NOTHING, meaning.NOTHING
        if FoundBy.WORDS in self.ways:
            query, found, corrections = _by_word(connection, query, wanted, owner)
        if FoundBy.MEANING in self.ways:
            is_known = bool(found.pages or found.titles) or found is words.NOTHING
            meant = meaning.find(
                connection,
                self.embedder,
                query,
                wanted,
                owner=owner,
                farthest=meaning.FARTHEST if is_known else meaning.FARTHEST_UNKNOWN,
            )
        first = details.first_pages(
            connection, list(found.titles), but=words.excluding(query), owner=owner
        )
        ranked, told = _ranked(
            connection,
            ranking.fused(found, meant.near, first)[:MOST_HITS],
            owner,
            is_spread=wanted.item is None,
        )
        fresh = cursor.unseen(ranked, seen)
        shown = fresh[: wanted.limit]
        return SearchAnswer(
            hits=hits(connection, self.storage, shown, told, found, owner=owner),
            total=len(ranked),
            next=cursor.after(seen, shown) if len(fresh) > len(shown) else None,
            only_words_because=meant.why_not,
            is_starting=meant.why_not is not None and self.embedder.is_starting,
            corrections=corrections,
            facets=facets([told[one.key] for one in ranked]),
            took_ms=round((time.perf_counter() - began) * 1000, 1),
        )


def _by_word(
    connection: Db, query: Query, wanted: SearchQuery, owner: str
) -> tuple[Query, words.WordHits, list[Correction]]:
    """What is found by word; words that stand nowhere give way to known ones."""
    found = words.find(connection, query, wanted, owner=owner)
    corrections = []
    for word in found.missing:
        known = lexicon.nearest(connection, word, owner=owner)
        if known is not None:
            corrections.append(Correction(typed=word, used=known))
            query = query.with_word(word, known)
    if corrections:
        found = words.find(connection, query, wanted, owner=owner)
    return query, found, corrections


def _ranked(
    connection: Db, candidates: Sequence[Candidate], owner: str, *, is_spread: bool
) -> tuple[list[Candidate], dict[Key, About]]:
    """Those that are there, the doubtful further down, and what is told of them."""
    told = details.about(connection, candidates, owner=owner)
    ranked = ranking.doubted(
        [one for one in candidates if one.key in told],
        {key for key, about in told.items() if about.doubt},
    )
    return ranking.spread(ranked) if is_spread else ranked, told
