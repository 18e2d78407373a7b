"""What a language model understood of a file, kept with it and shown on its item.

Each is saved in the transaction of its stage, beside what the local engine found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.engines.contracts import Entity, Value


class Citation(Value):
    """Where a text says something."""

    #: The number of the passage, from 1.
    passage: int
    page: int


class KeyPoint(Value):
    """A statement in a model's words, and where the text says it."""

    text: str
    citations: tuple[Citation, ...]


class Named(Value):
    """The names in a text that a model told the kind of."""

    #: The model: "openai/gpt-5".
    engine: str
    entities: tuple[Entity, ...] = ()
    #: What was left out and why, in whole sentences.
    notes: tuple[str, ...] = ()


class Understanding(Value):
    """What a model says of a whole text, in its own words."""

    engine: str
    #: The prompts that it was asked with: "analyze@1".
    prompts: tuple[str, ...] = ()
    summary: str
    key_points: tuple[KeyPoint, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    #: What was left out and why, in whole sentences.
    notes: tuple[str, ...] = ()


_SHOW_SUMMARY = """
update items
set summary = %(summary)s, summary_engine = %(engine)s, key_points = %(points)s,
    tags = case when 'tags' = any(user_fields) or %(tags)s::text[] = '{}' then tags
                else %(tags)s end,
    ai_enhancement_status = %(engine)s, last_processed_at = now(), updated_at = now()
where id = (select item_id from attachments where id = %(id)s)
"""


def save_names(
    connection: Db,
    attachment_id: UUID,
    named: Named,
    entities: Sequence[Entity],
    *,
    on_item: bool,
) -> None:
    """Keep the names of a file; its item shows *entities*, which has them all."""
    _keep(connection, attachment_id, {"names": named.model_dump(mode="json")})
    if on_item:
        connection.execute(
            "update items set entities = %s, updated_at = now() "
            "where id = (select item_id from attachments where id = %s)",
            [Jsonb([one.model_dump(mode="json") for one in entities]), attachment_id],
        )


def save_understanding(
    connection: Db, attachment_id: UUID, told: Understanding, *, on_item: bool
) -> None:
    """Keep what a file says, and show it on its item; a person's own tags stay."""
    kept = told.model_dump(mode="json")
    _keep(connection, attachment_id, {"understanding": kept})
    if on_item:
        connection.execute(
            _SHOW_SUMMARY,
            {
                "id": attachment_id,
                "summary": told.summary or None,
                "engine": told.engine,
                "points": Jsonb(kept["key_points"]),
                "tags": list(told.tags),
            },
        )


def _keep(connection: Db, attachment_id: UUID, part: dict[str, Any]) -> None:
    connection.execute(
        "update attachments set ai_analysis = coalesce(ai_analysis, '{}') || %s "
        "where id = %s",
        [Jsonb(part), attachment_id],
    )
