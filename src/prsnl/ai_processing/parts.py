"""The stages in which a model reads a text, and what each of them keeps."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from prsnl.ai_processing.answers import (
    AnalysisAnswer,
    Answer,
    CategorizationAnswer,
    CombinedAnswer,
    InsightsAnswer,
    SummaryAnswer,
)
from prsnl.engines.contracts import Value
from prsnl.items.understood import Named, Understanding
from prsnl.work.stages import Stage

A = TypeVar("A", bound=Answer)


class Part(Value, Generic[A]):
    """The answers about one group of passages: several, where it had to be divided."""

    answers: tuple[A, ...]
    #: The passages of each answer: the first and the last one's number.
    spans: tuple[tuple[int, int], ...]


class AnalysisPart(Part[AnalysisAnswer]):
    """What was found in some passages."""


class SummaryPart(Part[SummaryAnswer]):
    """What some passages say."""


class InsightsPart(Part[InsightsAnswer]):
    """What matters in some passages."""


class CategorizationPart(Part[CategorizationAnswer]):
    """Where a text belongs."""


READ: Final = Stage(
    name="llm read", version=1, result=AnalysisPart, title="Reading with the model"
)
SUMMARIZE: Final = Stage(
    name="llm summarize", version=1, result=SummaryPart, title="Summarising"
)
FIND: Final = Stage(
    name="llm insights", version=1, result=InsightsPart, title="Looking for insights"
)
SORT: Final = Stage(
    name="llm categorize", version=1, result=CategorizationPart, title="Categorising"
)
NAMES: Final = Stage(
    name="llm names", version=1, result=Named, title="Finding its names in the text"
)
COMBINE: Final = Stage(
    name="llm combine",
    version=1,
    result=CombinedAnswer,
    title="Making one summary of all parts",
    counts_units=False,
)
UNDERSTAND: Final = Stage(
    name="llm understanding", version=1, result=Understanding, title="Keeping it"
)
