"""What a text says for each category: by the category's words, and by its meaning."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from prsnl.engines.contracts import CategoryEvidence, Profile
from prsnl.engines.taxonomy.contract import CategoryDefinition
from prsnl.engines.text.cues import CueBook, tokens
from prsnl.engines.text.meaning import likeness, model_name, vector_of

#: What is read of a long text: its beginning, and as much from its middle.
_HEAD_CHARACTERS: Final = 6_000
_MIDDLE_CHARACTERS: Final = 3_000
#: A word in the title, or among the keywords, counts for so many in the text.
_IN_TITLE: Final = 3.0
_IN_KEYWORDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """A text, as far as its categories can be told from it."""

    title: str
    keywords: Sequence[str]
    text: str


def profile_of(
    told: Told, categories: Sequence[CategoryDefinition], *, engine: str
) -> Profile:
    """What speaks for each category, and the text's own vector."""
    book, shares = _book(tuple(categories))
    said = _said(told, book)
    own = vector_of(told.title, told.text)
    described = [f"{one.name}: {one.description}" for one in categories]
    near: Sequence[float | None] = likeness(own, described) or [None] * len(described)
    return Profile(
        engine=engine,
        evidence=tuple(
            _evidence(category, said, shares, similarity)
            for category, similarity in zip(categories, near, strict=True)
        ),
        model=None if own is None else model_name(),
        vector=(
            None
            if own is None
            else base64.b64encode(own.astype("<f4").tobytes()).decode("ascii")
        ),
    )


def _said(told: Told, book: CueBook) -> dict[str, float]:
    """How much each word is said: the oftener, the less each time adds."""
    middle = max(_HEAD_CHARACTERS, (len(told.text) - _MIDDLE_CHARACTERS) // 2)
    in_text = book.find(
        tokens(
            told.text[:_HEAD_CHARACTERS]
            + "\n"
            + told.text[middle : middle + _MIDDLE_CHARACTERS]
        )
    )
    in_title = book.find(tokens(told.title))
    in_keywords = book.find(tokens("\n".join(told.keywords)))
    return {
        cue: math.log2(1 + in_text[cue])
        + _IN_TITLE * bool(in_title[cue])
        + _IN_KEYWORDS * bool(in_keywords[cue])
        for cue in in_text | in_title | in_keywords
    }


def _evidence(
    category: CategoryDefinition,
    said: dict[str, float],
    shares: Counter[str],
    similarity: float | None,
) -> CategoryEvidence:
    points = {cue: said[cue] / shares[cue] for cue in category.words if cue in said}
    return CategoryEvidence(
        name=category.name,
        words=tuple(sorted(points, key=lambda cue: (-points[cue], cue))),
        points=round(sum(points.values()), 3),
        similarity=None if similarity is None else round(similarity, 4),
    )


@lru_cache(maxsize=8)
def _book(
    categories: tuple[CategoryDefinition, ...],
) -> tuple[CueBook, Counter[str]]:
    cues = [cue for one in categories for cue in one.words]
    return CueBook(cues), Counter(cues)
