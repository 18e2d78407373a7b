"""What was learned of a file, kept with it and, where wanted, with its item.

Each is saved in the transaction of its stage. What an item shows is that of the file
that was learned of last.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.contracts import DocumentType, Insights, Summary
from prsnl.items.models import LearnedView


def save_summary(
    connection: Db,
    attachment_id: UUID,
    summary: Summary,
    on_item: bool = True,  # noqa: FBT001, FBT002
) -> None:
    """Keep the key sentences of a file, and show them on its item."""
    told = summary.model_dump(mode="json")
    connection.execute(
        "update attachments set ai_analysis = coalesce(ai_analysis, '{}') || %s "
        "where id = %s",
        [Jsonb({"summary": told}), attachment_id],
    )
    if on_item:
        connection.execute(
            "update items set key_sentences = %s, updated_at = now() "
            "where id = (select item_id from attachments where id = %s)",
            [Jsonb(told["key_sentences"]), attachment_id],
        )


def save_document_type(
    connection: Db,
    attachment_id: UUID,
    told: DocumentType,
    on_item: bool = True,  # noqa: ARG001, FBT001, FBT002 - a type is the file's alone
) -> None:
    """Keep what kind of document a file is."""
    connection.execute(
        "update attachments a set document_type = %s, document_type_confidence = %s, "
        "document_type_reason = %s from items i "
        "where a.id = %s and i.id = a.item_id "
        "and not 'document_type' = any(i.user_fields)",
        [told.document_type, told.confidence, told.reason, attachment_id],
    )


def save_insights(
    connection: Db,
    attachment_id: UUID,
    insights: Insights,
    on_item: bool = True,  # noqa: ARG001, FBT001, FBT002 - facts are the file's alone
) -> None:
    """Keep the facts of a file."""
    told = insights.model_dump(mode="json")["insights"]
    connection.execute(
        "update attachments set key_insights = %s where id = %s",
        [Jsonb(told), attachment_id],
    )


def learned(connection: Db, attachment_id: UUID, *, owner: str) -> LearnedView:
    """What was learned of one file so far.

    Raises:
        NotFoundError: No such file of this owner.
    """
    row = connection.execute(
        "select document_type, ai_analysis, key_insights from attachments "
        "where id = %s and owner = %s",
        [attachment_id, owner],
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such file.")
    analysis: dict[str, Any] = row["ai_analysis"] or {}
    summary: dict[str, Any] = analysis.get("summary") or {}
    return LearnedView(
        engine=analysis.get("engine"),
        document_type=row["document_type"],
        key_sentences=summary.get("key_sentences", []),
        insights=row["key_insights"] or [],
    )
