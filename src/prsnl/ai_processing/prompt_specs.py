"""What a language model may be asked of a text, in words that users know."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StrictBool, StringConstraints

from prsnl.ai_processing.specs import (
    AI_RETRY_WAITS_S,
    AI_TIME_LIMIT_S,
    LONGEST_CONTENT,
)
from prsnl.core.texts import ShortText, StorableText
from prsnl.engines.contracts import Entity, Insight, KeySentence, Keyword
from prsnl.items.understood import KeyPoint
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

_MOST_CATEGORIES: Final = 100


class PromptType(StrEnum):
    """What is asked."""

    SUMMARIZE = "summarize"
    ANALYZE = "analyze"
    CATEGORIZE = "categorize"
    EXTRACT_INSIGHTS = "extract_insights"


class PromptOptions(Command):
    """How it is asked."""

    summary_length: int = Field(
        5, ge=1, le=10, description="A summary has at most so many sentences."
    )
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] | None = Field(
        None, description="Answer in this language (ISO 639-1); else in the text's own."
    )
    categories: tuple[ShortText, ...] = Field(
        (),
        max_length=_MOST_CATEGORIES,
        description="Choose among these; else the model finds words of its own.",
    )
    local_only: StrictBool = Field(
        False,
        description="No byte may leave this machine; refused where the only model is "
        "elsewhere.",
    )


class ProcessWithLlm(Command):
    """Have a text summarised, analysed, categorised or searched for insights."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"content": "The rent is 940 EUR.", "prompt_type": "summarize"}
            ]
        }
    )

    content: StorableText = Field(min_length=1, max_length=LONGEST_CONTENT)
    prompt_type: PromptType
    options: PromptOptions = PromptOptions()


class FoundCategory(Result):
    """A category that fits."""

    name: str
    #: Between 0 and 1; null where it was told with the whole analysis.
    confidence: float | None = None


class FoundInsight(Result):
    """What matters in a text, in a model's words."""

    #: "finding", "decision", "deadline", "obligation", "risk", "question" or
    #: "recommendation".
    kind: str
    point: KeyPoint


class ProcessedText(Result):
    """What came of a text; a part that was not asked for, or not to be had, is null."""

    prompt_type: PromptType
    #: The model, "openai/gpt-5", or "extractive".
    engine: str
    #: The prompts that it was asked with: "summarize@1".
    prompts: tuple[str, ...] = ()
    language: str | None = None
    #: What would be needed for more than there is; null where nothing is missing.
    needs: str | None = None
    summary: str | None = None
    key_points: tuple[KeyPoint, ...] | None = None
    categories: tuple[FoundCategory, ...] | None = None
    document_type: str | None = None
    tags: tuple[str, ...] | None = None
    entities: tuple[Entity, ...] | None = None
    insights: tuple[FoundInsight, ...] | None = None
    #: Of the local engine: sentences of the text itself.
    key_sentences: tuple[KeySentence, ...] | None = None
    keywords: tuple[Keyword, ...] | None = None
    #: Of the local engine: dates, amounts and others, with their places.
    facts: tuple[Insight, ...] | None = None


PROCESS_WITH_LLM: Final = TaskSpec(
    name="process_with_llm_task",
    queue=Queue.AI_PROCESSING,
    command=ProcessWithLlm,
    result=ProcessedText,
    retry_waits_s=AI_RETRY_WAITS_S,
    time_limit_s=AI_TIME_LIMIT_S,
)
