"""What may be asked about vectors of texts."""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict, Field, StrictBool, field_validator

from prsnl.ai_processing.specs import AI_RETRY_WAITS_S
from prsnl.core.texts import ShortText, StorableText
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

MOST_TEXTS: Final = 10_000
LONGEST_TEXT: Final = 200_000


class TextToEmbed(Command):
    """One text, under the caller's own name for it."""

    id: ShortText = Field(
        description="Your own name for it: its vector is found by it."
    )
    content: StorableText = Field(
        min_length=1,
        max_length=LONGEST_TEXT,
        description="The text.",
        json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"},
    )
    type: ShortText | None = Field(
        None, description="Your own word for its kind: told with its vector."
    )

    @field_validator("content")
    @classmethod
    def _is_not_blank(cls, content: str) -> str:
        if not content.strip():
            raise ValueError("the text is blank")
        return content


class EmbedTexts(Command):
    """Embed many texts at once; each that has a vector already is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"id": "a", "content": "The rent is 940 EUR.", "type": "note"},
                        {"id": "b", "content": "The cat is fed at eight."},
                    ],
                    "cache_prefix": "letters",
                }
            ]
        }
    )

    items: tuple[TextToEmbed, ...] = Field(min_length=1, max_length=MOST_TEXTS)
    cache_prefix: StorableText = Field(
        "",
        max_length=100,
        description="Vectors are shared with earlier requests of the same prefix, and "
        "without one with your items.",
    )
    local_only: StrictBool = Field(
        False, description="No byte may leave this machine: the local model is used."
    )


class EmbeddedTexts(Result):
    """What was done; the vectors are at `vectors_url`."""

    provider: str
    model: str
    dimensions: int
    #: Texts that were given, and different ones among them.
    texts: int
    unique: int
    #: Of the different ones: those that had their vector, and those that got one.
    cached: int
    embedded: int
    #: Requests to the engine, and the tokens that it has read.
    batches: int
    tokens: int
    #: Texts that are longer than the model reads: their vector is of the beginning.
    cut: int
    vectors_url: str


EMBED_TEXTS: Final = TaskSpec(
    name="generate_embeddings_batch_task",
    queue=Queue.AI_PROCESSING,
    command=EmbedTexts,
    result=EmbeddedTexts,
    retry_waits_s=AI_RETRY_WAITS_S,
    time_limit_s=3600,
)


class Refresh(Command):
    """Embed what of an owner's passages has no vector of the settings' model."""


class Refreshed(Result):
    """What was done; passages of equal text count as one."""

    embedded: int
    batches: int
    tokens: int


REFRESH: Final = TaskSpec(
    name="refresh_embeddings_task",
    queue=Queue.AI_PROCESSING,
    command=Refresh,
    result=Refreshed,
    retry_waits_s=AI_RETRY_WAITS_S,
    time_limit_s=6 * 3600,
    priority=-1,
)
