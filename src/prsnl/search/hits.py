"""What is shown of the places that were found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from prsnl.core.db import Db
from prsnl.core.storage import Storage
from prsnl.search import details, snippets, words
from prsnl.search.details import About
from prsnl.search.ranking import Candidate, Key
from prsnl.search.words import WordHits
from prsnl.wire.search import FacetValue, Hit

_FACET_VALUES: Final = 10


def hits(
    connection: Db,
    storage: Storage,
    shown: Sequence[Candidate],
    told: Mapping[Key, About],
    found: WordHits,
    *,
    owner: str,
) -> list[Hit]:
    """The hits, each with the words around what was found and its exact place."""
    texts = details.texts(connection, shown, owner=owner)
    stems = dict(found.stems)
    read = {key: snippets.read(page.text) for key, page in texts.items()}
    if stems:
        others = snippets.alike(read.values(), found.terms)
        known = words.languages(connection, owner)
        stems |= words.stems_of(connection, others, known)
    made = []
    for one in shown:
        about = told[one.key]
        page = texts.get(one.key, details.NO_TEXT)
        near = one.near.start if one.near is not None and one.words is None else None
        around = snippets.snippet(
            page.text, read.get(one.key, ()), found.terms, stems, near=near
        )
        offset = page.start + around.start
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
                category=about.category,
                place=details.place(
                    connection, storage, one.key, about, page_offset=offset
                ),
                url=details.address(about.item_id, one.key),
                snippet=around.snippet,
                found_by=one.found_by,
                doubt=about.doubt,
                more_in_item=one.more_in_item,
                score=round(one.score, 6),
            )
        )
    return made


def facets(told: Sequence[About]) -> dict[str, list[FacetValue]]:
    """How many items have which kind, type, tag and year; the most frequent."""
    items = {one.item_id: one for one in told}.values()
    counted: dict[str, Counter[str]] = {
        "kind": Counter(one.kind for one in items if one.kind),
        "document_type": Counter(
            one.document_type for one in items if one.document_type
        ),
        "category": Counter(one.category for one in items if one.category),
        "tag": Counter(tag for one in items for tag in one.tags),
        "year": Counter(
            str(one.document_date.year) for one in items if one.document_date
        ),
    }
    return {name: _most_frequent(counts) for name, counts in counted.items()}


def _most_frequent(counts: Counter[str]) -> list[FacetValue]:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [
        FacetValue(value=value, items=count) for value, count in ranked[:_FACET_VALUES]
    ]
