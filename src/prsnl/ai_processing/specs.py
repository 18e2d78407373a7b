"""What may be asked of the ai_processing queue."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from prsnl.core.shapes import exactly_one
from prsnl.engines.contracts import (
    Entity,
    KeySentence,
    Keyword,
    Summary,
    TextAnalysis,
)
from prsnl.items.understood import KeyPoint, Understanding
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

AI_RETRY_WAITS_S: Final = (60.0, 120.0, 240.0)
#: More than these are looked for only where somebody asks for them.
USUAL_SENTENCES: Final = 5
LONGEST_CONTENT: Final = 2_000_000
#: A book is read in some hundred questions, each of which has a time of its own.
AI_TIME_LIMIT_S: Final = 4 * 3600


class AnalyzeOptions(Command):
    """How a text is analysed."""

    summarize: StrictBool = Field(
        True, description="Pick key sentences; with a language model, also summarise."
    )
    summary_length: int = Field(
        USUAL_SENTENCES, ge=1, le=10, description="At most so many sentences."
    )
    extract_entities: StrictBool = Field(
        True, description="Find dates, amounts and others; with a model, also names."
    )
    categorize: StrictBool = Field(
        True, description="With a model, also tell categories."
    )
    local_only: StrictBool = Field(
        False,
        description="No byte may leave this machine: a model elsewhere is not asked.",
    )

    @property
    def sentences(self) -> int | None:
        """How many key sentences to look for; None: what a text of its length gets."""
        return self.summary_length if self.summary_length > USUAL_SENTENCES else None


class AnalyzeContent(Command):
    """Analyse a stored item, or a text given here."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one("content_id", "content"),
            "examples": [
                {"content": "The rent is 940 EUR.", "options": {"summary_length": 3}}
            ],
        }
    )

    content_id: UUID | None = Field(None, description="The item to analyse.")
    content: str | None = Field(
        None, min_length=1, max_length=LONGEST_CONTENT, description="A text instead."
    )
    options: AnalyzeOptions = AnalyzeOptions()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.content_id is None) == (self.content is None):
            raise ValueError("give content_id or content, one of both")
        return self


class ContentAnalysis(Result):
    """What the local engine found, and what a language model understood."""

    #: What found the key sentences, keywords, facts and dates.
    engine: str
    title: str
    language: str | None
    #: In a model's own words; null without one.
    summary: str | None = None
    #: The model that was asked: "openai/gpt-5"; null without one.
    model: str | None = None
    #: Statements, each with the passages and pages that say it.
    key_points: tuple[KeyPoint, ...] = ()
    categories: tuple[str, ...] = ()
    #: What would be needed for the parts that are null; null when all are there.
    needs: str | None = "llm"
    key_sentences: tuple[KeySentence, ...]
    keywords: tuple[Keyword, ...]
    tags: tuple[str, ...]
    entities: tuple[Entity, ...]
    document_type: str | None
    document_date: str | None
    word_count: int

    @classmethod
    def of(
        cls,
        analysis: TextAnalysis,
        summary: Summary,
        document_type: str | None,
        options: AnalyzeOptions,
        *,
        understanding: Understanding | None = None,
        entities: tuple[Entity, ...] | None = None,
    ) -> Self:
        """What was asked for, of all that was found."""
        sentences = summary.best(options.summary_length)
        found = analysis.entities if entities is None else entities
        told = understanding
        return cls(
            engine=analysis.engine,
            title=analysis.title,
            language=analysis.language,
            summary=(told.summary or None) if told and options.summarize else None,
            model=told.engine if told else None,
            key_points=told.key_points if told and options.summarize else (),
            categories=told.categories if told and options.categorize else (),
            needs=None if told else "llm",
            key_sentences=sentences if options.summarize else (),
            keywords=analysis.keywords,
            tags=told.tags if told and told.tags else analysis.tags,
            entities=found if options.extract_entities else (),
            document_type=document_type,
            document_date=(
                analysis.document_date.isoformat() if analysis.document_date else None
            ),
            word_count=analysis.word_count,
        )


ANALYZE_CONTENT: Final = TaskSpec(
    name="analyze_content_task",
    queue=Queue.AI_PROCESSING,
    command=AnalyzeContent,
    result=ContentAnalysis,
    retry_waits_s=AI_RETRY_WAITS_S,
    time_limit_s=AI_TIME_LIMIT_S,
)
