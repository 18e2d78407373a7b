"""What a model is asked to answer: one shape a prompt, none with room for an action.

Texts, numbers of passages and words from closed lists are all that an answer can hold:
there is no path, no address, no owner and no id in it that anything would follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from prsnl.engines.contracts import Value

_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s+")
_LINE_MAX: Final = 600
_SUMMARY_MAX: Final = 4_000
_LABEL_MAX: Final = 60


def _cut(text: str, most: int) -> str:
    """A text that a row can hold, on one line, cut at a word."""
    plain = _SPACE.sub(" ", _NOT_TEXT.sub("", text)).strip()
    if len(plain) <= most:
        return plain
    return plain[: most - 1].rsplit(" ", 1)[0] + "…"


def _listed(given: Any) -> Any:
    """One where several were asked for: small models do that."""
    return given if isinstance(given, list | tuple) or given is None else [given]


Line: TypeAlias = Annotated[str, AfterValidator(lambda text: _cut(text, _LINE_MAX))]
Text: TypeAlias = Annotated[str, AfterValidator(lambda text: _cut(text, _SUMMARY_MAX))]
Label: TypeAlias = Annotated[str, AfterValidator(lambda text: _cut(text, _LABEL_MAX))]
Passages: TypeAlias = Annotated[tuple[int, ...], BeforeValidator(_listed)]


EntityName: TypeAlias = Literal[
    "person", "organization", "place", "product", "event", "work", "other"
]
InsightName: TypeAlias = Literal[
    "finding",
    "decision",
    "deadline",
    "obligation",
    "risk",
    "question",
    "recommendation",
]


def _word(names: Any, otherwise: str, **others: str) -> BeforeValidator:
    """A word of a closed list, whatever a model calls it; any other is the rest."""
    known = get_args(names)

    def told(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        word = given.strip().casefold()
        word = others.get(word, word)
        return word if word in known else otherwise

    return BeforeValidator(told)


EntityWord: TypeAlias = Annotated[
    EntityName,
    _word(
        EntityName,
        "other",
        organisation="organization",
        company="organization",
        location="place",
        city="place",
        country="place",
    ),
]
InsightWord: TypeAlias = Annotated[InsightName, _word(InsightName, "finding")]


class Answer(Value):
    """A part of an answer; what was not asked for is left unread."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PointAnswer(Answer):
    """A statement, and where the text says it."""

    text: Line
    passages: Passages


class EntityAnswer(Answer):
    """A name in the text."""

    name: Label
    kind: EntityWord


class SummaryAnswer(Answer):
    """What a text says."""

    summary: Text
    key_points: tuple[PointAnswer, ...]


class CombinedAnswer(SummaryAnswer):
    """What a whole document says, from notes on its parts."""

    categories: tuple[Label, ...]
    tags: tuple[Label, ...]


class AnalysisAnswer(CombinedAnswer):
    """What a text says and names."""

    entities: tuple[EntityAnswer, ...]


class CategoryAnswer(Answer):
    """A category that may fit."""

    name: Label
    confidence: float = Field(ge=0, le=1)


class CategorizationAnswer(Answer):
    """Where a text belongs."""

    categories: tuple[CategoryAnswer, ...]
    document_type: Label | None
    tags: tuple[Label, ...]


class InsightAnswer(PointAnswer):
    """What matters in a text."""

    kind: InsightWord


class InsightsAnswer(Answer):
    """All that matters in a text."""

    insights: tuple[InsightAnswer, ...]


class FiledAnswer(Answer):
    """Where one of several texts belongs."""

    number: int
    category: Label | None
    confidence: float = Field(ge=0, le=1)
    reason: Line


class FilingAnswer(Answer):
    """Where several texts belong."""

    texts: tuple[FiledAnswer, ...]


#: What the `schema` of a prompt names.
SCHEMAS: Final[dict[str, type[Answer]]] = {
    "analysis": AnalysisAnswer,
    "summary": SummaryAnswer,
    "combination": CombinedAnswer,
    "categorization": CategorizationAnswer,
    "insights": InsightsAnswer,
    "filing": FilingAnswer,
}


def unique(labels: Iterable[str], *, most: int) -> tuple[str, ...]:
    """Labels without blanks and repetitions, in their order, at most so many."""
    by_fold: dict[str, str] = {}
    for label in labels:
        if label:
            by_fold.setdefault(label.casefold(), label)
    return tuple(by_fold.values())[:most]


def cited(points: Sequence[PointAnswer], known: Iterable[int]) -> list[PointAnswer]:
    """Points that name a passage which is there; of each those passages alone."""
    there = set(known)
    kept = []
    for point in points:
        passages = tuple(n for n in dict.fromkeys(point.passages) if n in there)
        if point.text and passages:
            kept.append(point.model_copy(update={"passages": passages}))
    return kept
