"""An item gets back what an export says of it: words, dates, a person's edits."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
)

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.core.texts import Day, Moment, ShortText, Tag
from prsnl.engines.contracts import EntityKind
from prsnl.items import naming, store
from prsnl.items.models import ItemView

_MOST_TAGS: Final = 1_000
_MOST_NAMES: Final = 10_000

EditedField = Literal[
    "title", "tags", "document_date", "language", "document_type", "category"
]


class RestoredItem(BaseModel):
    """What an item was; all of it is set, and nothing is found anew."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Lease, flat in Graz",
                    "title_source": "user",
                    "language": "en",
                    "document_date": "2024-05-12",
                    "document_type": "contract",
                    "tags": ["lease"],
                    "user_fields": ["title"],
                    "created_at": "2024-05-13T08:00:00Z",
                }
            ]
        },
    )

    title: ShortText
    title_source: ShortText
    language: ShortText | None
    document_date: Day | None
    document_type: ShortText | None
    tags: list[Tag] = Field(max_length=_MOST_TAGS)
    category: ShortText | None = None
    user_fields: list[EditedField] = Field(
        description="What a person had set: no later analysis overwrites it."
    )
    local_only: StrictBool = Field(
        False, description="No byte of it may leave this machine."
    )
    names: dict[ShortText, EntityKind | None] = Field(
        default_factory=dict,
        max_length=_MOST_NAMES,
        description="What a person had said of the names in it; null: it is none.",
    )
    created_at: Moment

    @property
    def category_source(self) -> str | None:
        """Who had said what category it has."""
        if "category" in self.user_fields:
            return "user"
        return "suggested" if self.category is not None else None


def restore(
    connection: Db, item_id: UUID, was: RestoredItem, *, owner: str
) -> ItemView:
    """Set an item to what it was, in one transaction.

    Raises:
        NotFoundError: No such item of this owner.
    """
    with connection.transaction():
        done = connection.execute(
            """
            update items
            set title = %(title)s, title_source = %(title_source)s,
                language = %(language)s, document_date = %(document_date)s,
                tags = %(tags)s, user_fields = %(user_fields)s,
                category = %(category)s, category_confidence = null,
                category_source = %(category_source)s, category_reason = null,
                local_only = %(local_only)s,
                created_at = %(created_at)s, updated_at = now()
            where id = %(id)s and owner = %(owner)s
            """,
            {
                **was.model_dump(exclude={"names"}),
                "category_source": was.category_source,
                "id": item_id,
                "owner": owner,
            },
        )
        if done.rowcount == 0:
            raise NotFoundError("There is no such item.")
        if was.names:
            naming.keep(connection, item_id, was.names, owner=owner)
        connection.execute(
            "update attachments set document_type = %s, created_at = %s "
            "where item_id = %s",
            [was.document_type, was.created_at, item_id],
        )
        return store.item(connection, item_id, owner=owner)
