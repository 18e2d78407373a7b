"""One search: by word and by meaning, joined, filtered, with places and snippets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.errors import NotFoundError
from prsnl.core.storage import Storage
from prsnl.items import lexicon, store
from prsnl.search import details, meaning, ranking, snippets, words
from prsnl.search.details import About
from prsnl.search.embedder import QueryEmbedder
from prsnl.search.query import Query, parse
from prsnl.search.ranking import Candidate, Key
from prsnl.wire.search import (
    MOST_HITS,
    Correction,
    FacetValue,
    Hit,
    SearchAnswer,
    SearchFilter,
    SearchQuery,
    SimilarAnswer,
)

_FACET_VALUES: Final = 10
_SEEN_BYTES: Final = 5


@dataclass(frozen=True)
class Searcher:
    """Searches; every statement carries the owner, and leaves out the trash."""

    database: Database
    storage: Storage
    embedder: QueryEmbedder

    def search(self, wanted: SearchQuery, *, owner: str) -> SearchAnswer:
        """One page of what is found.

        Raises:
            BadRequestError: There is nothing in the query to look for.
            NotFoundError: The cursor is none.
        """
        began = time.perf_counter()
        query, seen = parse(wanted.q), _seen(wanted.cursor)
        return self.database.run(
            lambda connection: _Search(connection, self.storage, wanted, owner).answer(
                query, seen, self.embedder, began=began
            )
        )

    def similar(self, item_id: UUID, *, limit: int, owner: str) -> SimilarAnswer:
        """Items that say something like an item, the nearest first.

        Raises:
            NotFoundError: No such item of this owner.
        """

        def work(connection: Db) -> SimilarAnswer:
            store.item(connection, item_id, owner=owner)
            near = meaning.similar(connection, item_id, limit=limit, owner=owner)
            search = _Search(connection, self.storage, SearchFilter(), owner)
            return SimilarAnswer(hits=search.near_hits(near))

        return self.database.run(work)


@dataclass(frozen=True)
class _Search:
    """One search of one owner, on one connection."""

    connection: Db
    storage: Storage
    wanted: SearchFilter
    owner: str

    def answer(
        self, query: Query, seen: bytes, embedder: QueryEmbedder, *, began: float
    ) -> SearchAnswer:
        query, found, corrections = self._by_word(query)
        meant = meaning.find(
            self.connection, embedder, query, self.wanted, owner=self.owner
        )
        candidates = self._candidates(found, meant.near)
        told = details.about(self.connection, candidates, owner=self.owner)
        candidates = ranking.doubted(
            [one for one in candidates if one.key in told],
            {key for key, about in told.items() if about.doubt},
        )
        if self.wanted.item is None:
            candidates = ranking.spread(candidates)
        assert isinstance(self.wanted, SearchQuery)
        fresh = [one for one in candidates if not _is_in(one, seen)]
        shown = fresh[: self.wanted.limit]
        return SearchAnswer(
            hits=self._hits(shown, told, found),
            total=len(candidates),
            next=_cursor(seen, shown) if len(fresh) > len(shown) else None,
            only_words_because=meant.why_not,
            is_starting=meant.why_not is not None and embedder.is_starting,
            corrections=corrections,
            facets=_facets([told[one.key] for one in candidates]),
            took_ms=round((time.perf_counter() - began) * 1000, 1),
        )

    def near_hits(self, near: Sequence[meaning.Near]) -> list[Hit]:
        """Passages as hits."""
        candidates = [
            Candidate(
                one.attachment_id, one.page, one.item_id, 1 - one.distance, near=one
            )
            for one in near
        ]
        told = details.about(self.connection, candidates, owner=self.owner)
        shown = [one for one in candidates if one.key in told]
        return self._hits(shown, told, words.NOTHING)

    def _by_word(self, query: Query) -> tuple[Query, words.WordHits, list[Correction]]:
        """What is found by word; words that stand nowhere give way to known ones."""
        found = words.find(self.connection, query, self.wanted, owner=self.owner)
        corrections = []
        for word in found.missing:
            known = lexicon.nearest(self.connection, word, owner=self.owner)
            if known is not None:
                corrections.append(Correction(typed=word, used=known))
                query = query.with_word(word, known)
        if corrections:
            found = words.find(self.connection, query, self.wanted, owner=self.owner)
        return query, found, corrections

    def _candidates(
        self, found: words.WordHits, near: Sequence[meaning.Near]
    ) -> list[Candidate]:
        first = details.first_pages(
            self.connection, list(found.titles), owner=self.owner
        )
        return ranking.fused(found, near, first)[:MOST_HITS]

    def _hits(
        self,
        shown: Sequence[Candidate],
        told: dict[Key, About],
        found: words.WordHits,
    ) -> list[Hit]:
        texts = details.texts(self.connection, shown, owner=self.owner)
        stems, terms = dict(found.stems), found.terms
        if any(stems.values()):
            others = snippets.alike((one.text for one in texts.values()), terms)
            stems |= words.stems_of(
                self.connection, others, words.languages(self.connection, self.owner)
            )
        made = []
        for one in shown:
            about = told[one.key]
            page = texts.get(one.key, details.PageText("", 0))
            is_near = one.words is None and one.near is not None
            place_in = snippets.snippet(
                page.text,
                terms,
                stems,
                near=one.near.start if is_near and one.near else None,
            )
            made.append(
                Hit(
                    item_id=about.item_id,
                    attachment_id=one.attachment_id,
                    title=about.title,
                    file_name=about.file_name,
                    kind=about.kind,
                    document_type=about.document_type,
                    document_date=about.document_date,
                    tags=about.tags,
                    place=details.place(
                        self.connection,
                        self.storage,
                        one.key,
                        about,
                        page_offset=page.start + place_in.start,
                    ),
                    url=details.address(about.item_id, one.key),
                    snippet=place_in.snippet,
                    found_by=one.found_by,
                    doubt=about.doubt,
                    more_in_item=one.more_in_item,
                    score=round(one.score, 6),
                )
            )
        return made


def _facets(told: Sequence[About]) -> dict[str, list[FacetValue]]:
    items = {one.item_id: one for one in told}.values()
    counted: dict[str, Counter[str]] = {
        "kind": Counter(one.kind for one in items if one.kind),
        "document_type": Counter(
            one.document_type for one in items if one.document_type
        ),
        "tag": Counter(tag for one in items for tag in one.tags),
        "year": Counter(
            str(one.document_date.year) for one in items if one.document_date
        ),
    }
    return {
        name: [
            FacetValue(value=value, items=count)
            for value, count in sorted(
                counts.items(), key=lambda one: (-one[1], one[0])
            )[:_FACET_VALUES]
        ]
        for name, counts in counted.items()
    }


def _mark(one: Candidate) -> bytes:
    """What a hit is remembered by in a cursor."""
    told = f"{one.attachment_id} {one.page}".encode()
    return hashlib.blake2b(told, digest_size=_SEEN_BYTES).digest()


def _is_in(one: Candidate, seen: bytes) -> bool:
    mark = _mark(one)
    return any(
        seen[start : start + _SEEN_BYTES] == mark
        for start in range(0, len(seen), _SEEN_BYTES)
    )


def _cursor(seen: bytes, shown: Sequence[Candidate]) -> str:
    """What was shown: so nothing comes twice or is left out when ranks change."""
    told = seen + b"".join(_mark(one) for one in shown)
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _seen(cursor: str | None) -> bytes:
    if cursor is None:
        return b""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise _no_cursor() from error
    if len(told) % _SEEN_BYTES:
        raise _no_cursor()
    return told


def _no_cursor() -> NotFoundError:
    return NotFoundError(
        "There is no page of this search that begins there: begin again without "
        "`cursor`."
    )
