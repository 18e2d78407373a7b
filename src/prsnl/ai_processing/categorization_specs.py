"""What may be asked of `smart_categorization_task`, and what it answers."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from prsnl.ai_processing.specs import AI_RETRY_WAITS_S, AI_TIME_LIMIT_S
from prsnl.core.texts import ShortText, StorableText
from prsnl.engines.contracts import Guess, Value
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

#: Items and texts of one request.
MOST_ITEMS: Final = 500
_LONGEST_TEXT: Final = 200_000


class ContentItem(Command):
    """An item to categorise, or a text."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in ("id", "content")
            ]
        }
    )

    id: UUID | None = Field(
        None, description="The item that the category is kept with."
    )
    content: StorableText | None = Field(
        None,
        min_length=1,
        max_length=_LONGEST_TEXT,
        description="A text; with `id` it is looked at instead of the item's own.",
    )
    title: ShortText | None = Field(None, description="What the text is called.")

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.id is None and self.content is None:
            raise ValueError("give an id or a content")
        return self


class CategorizeOptions(Command):
    """How categories are suggested."""

    local_only: StrictBool = Field(False, description="No byte may leave this machine.")


class SmartCategorization(Command):
    """Suggest categories for items and texts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"content_items": [{"content": "The landlord will paint the flat."}]}
            ]
        }
    )

    content_items: tuple[UUID | ContentItem, ...] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="Ids of items, or objects with an id, a content, or both.",
    )
    options: CategorizeOptions = CategorizeOptions()

    @property
    def wanted(self) -> tuple[ContentItem, ...]:
        """Each as an object."""
        return tuple(
            ContentItem(id=one) if isinstance(one, UUID) else one
            for one in self.content_items
        )

    @property
    def item_ids(self) -> list[UUID]:
        """The items among them, each once."""
        ids = (one.id for one in self.wanted if one.id is not None)
        return list(dict.fromkeys(ids))


class CategorizedItem(Value):
    """What was suggested for one item or text."""

    #: Its place in the request, from 1.
    number: int
    item_id: UUID | None
    #: A name of the taxonomy, or "uncategorised"; null where `problem` says why.
    category: str | None = None
    #: Of the best guess, told or not, from 0 to 1.
    confidence: float | None = None
    #: "suggested" by this machine, or by an "llm".
    source: str | None = None
    #: What speaks for it, in one sentence.
    reason: str | None = None
    #: The best guesses, the surest first.
    guesses: tuple[Guess, ...] = ()
    #: What the item is filed under now, and who said so: a person's word stays.
    item_category: str | None = None
    item_category_source: str | None = None
    problem: str | None = None


class SmartCategorized(Result):
    """What was suggested, in the order of the request."""

    engine: str
    items: tuple[CategorizedItem, ...]
    categorized: int
    uncategorized: int
    failed: int


SMART_CATEGORIZATION: Final = TaskSpec(
    name="smart_categorization_task",
    queue=Queue.AI_PROCESSING,
    command=SmartCategorization,
    result=SmartCategorized,
    retry_waits_s=AI_RETRY_WAITS_S,
    time_limit_s=AI_TIME_LIMIT_S,
)
