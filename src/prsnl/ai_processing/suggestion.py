"""A category for a text: its words, its meaning, and what is filed near it.

Each category gets points; a confidence is the softmax of them, with a share for "none".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prsnl.engines.contracts import CategoryEvidence, Guess, Profile, Value
from prsnl.engines.taxonomy.confidence import confidences
from prsnl.engines.taxonomy.contract import UNCATEGORISED
from prsnl.items.categories import Neighbour, Source

#: Under it nothing is suggested.
FLOOR: Final = 0.5

_WORD: Final = 1.2
_WORDS_MAX: Final = 8.0
#: The model has learnt English; of other languages it knows little.
_MEANING: Final = {"en": 2.0}
_MEANING_ELSE: Final = 0.7
_MEANING_SCALE: Final = 0.1
_MEANING_BOUNDS: Final = (-1.5, 2.5)
#: Texts less alike than this have nothing to do with each other.
_ALIKE: Final = 0.35
_HINT: Final = 4.0
_NEIGHBOURS: Final = 8.0
#: What a person has said counts most; a guess of ours says little for the next one.
_WEIGHTS: Final = {Source.USER: 1.0, Source.LLM: 0.6, Source.SUGGESTED: 0.25}
#: Weight of "somewhere else": one near neighbour alone is no certainty.
_ELSEWHERE: Final = 0.35
_GUESSES: Final = 3
_SHOWN_WORDS: Final = 4


class Suggestion(Value):
    """The category of one text."""

    #: A name of the taxonomy, or "uncategorised".
    category: str
    #: Of the best guess, told or not, between 0 and 1.
    confidence: float
    source: Literal["suggested", "llm"] = "suggested"
    #: What speaks for it, in one sentence.
    reason: str
    #: The best guesses, the surest first.
    guesses: tuple[Guess, ...] = ()


@dataclass(frozen=True)
class Hint:
    """A document type that speaks for a category."""

    document_type: str
    category: str
    #: How sure the type is, between 0 and 1.
    confidence: float


@dataclass(frozen=True)
class _Case:
    """What speaks for one category."""

    evidence: CategoryEvidence
    alike: Sequence[Neighbour]
    #: The document type that speaks for it.
    document_type: str | None
    points: float


def suggested(
    profile: Profile,
    neighbours: Sequence[Neighbour],
    *,
    language: str | None = None,
    hint: Hint | None = None,
) -> Suggestion:
    """The likeliest category, if it is likely enough.

    Args:
        profile: What the text itself says.
        neighbours: What is like it, and has a category.
        language: ISO 639-1.
        hint: What its document type says.
    """
    cases = sorted(
        _cases(profile, neighbours, language, hint), key=lambda one: -one.points
    )
    if not cases:
        return Suggestion(
            category=UNCATEGORISED, confidence=0.0, reason="There are no categories."
        )
    sure = confidences([case.points for case in cases])
    confidence = sure[0]
    is_told = confidence >= FLOOR
    best = cases[0]
    return Suggestion(
        category=best.evidence.name if is_told else UNCATEGORISED,
        confidence=confidence,
        reason=_sentence(best, is_told=is_told),
        guesses=tuple(
            Guess(name=case.evidence.name, confidence=one)
            for case, one in zip(cases[:_GUESSES], sure, strict=False)
        ),
    )


def _cases(
    profile: Profile,
    neighbours: Sequence[Neighbour],
    language: str | None,
    hint: Hint | None,
) -> Iterator[_Case]:
    meaning = _meaning(profile.evidence, language)
    near = [one for one in neighbours if one.similarity >= _ALIKE]
    whole = sum(_weight(one) for one in near) + _ELSEWHERE
    for evidence, meant in zip(profile.evidence, meaning, strict=True):
        alike = [one for one in near if one.category == evidence.name]
        hinted = hint if hint and hint.category == evidence.name else None
        yield _Case(
            evidence,
            alike,
            hinted.document_type if hinted else None,
            _HINT * (hinted.confidence if hinted else 0)
            + min(_WORDS_MAX, _WORD * evidence.points)
            + meant
            + _NEIGHBOURS * sum(_weight(one) for one in alike) / whole,
        )


def _weight(neighbour: Neighbour) -> float:
    nearness = (neighbour.similarity - _ALIKE) / (1 - _ALIKE)
    return _WEIGHTS[neighbour.source] * nearness


def _meaning(
    evidence: Sequence[CategoryEvidence], language: str | None
) -> Sequence[float]:
    """Points for the nearness of each description, about 0 in the mean."""
    near = [one.similarity for one in evidence if one.similarity is not None]
    if not near:
        return [0.0] * len(evidence)
    weight = _MEANING.get(language or "", _MEANING_ELSE)
    mean = sum(near) / len(near)
    low, high = _MEANING_BOUNDS
    return [
        weight * min(high, max(low, ((one.similarity or mean) - mean) / _MEANING_SCALE))
        for one in evidence
    ]


def _sentence(case: _Case, *, is_told: bool) -> str:
    told = "; ".join(_reasons(case))
    if is_told:
        return f"{told[0].upper()}{told[1:]}." if told else "Its meaning is near."
    nearest = f"The nearest is {case.evidence.name}"
    return f"{nearest}: {told}." if told else "Nothing in it says what it is about."


def _reasons(case: _Case) -> Iterator[str]:
    if alike := case.alike:
        confirmed = sum(one.source is Source.USER for one in alike)
        told = (
            "1 item like it is"
            if len(alike) == 1
            else f"{len(alike)} items like it are"
        )
        by_you = f", {confirmed} of them by you" if confirmed else ""
        yield f"{told} filed there{by_you}"
    if case.document_type:
        yield f"it is of the type {case.document_type}"
    if case.evidence.words:
        words = [word.replace("*", "\u2026") for word in case.evidence.words]
        quoted = ", ".join(
            f"\u201c{word.strip('^$')}\u201d" for word in words[:_SHOWN_WORDS]
        )
        yield f"the text says {quoted}"
