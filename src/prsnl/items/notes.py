"""Notes: what a person writes here is an item with a text file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError
from prsnl.core.ids import new_id
from prsnl.items import store
from prsnl.items.models import ItemView


@dataclass(frozen=True, kw_only=True)
class NewNote:
    """A note whose bytes are in the storage."""

    title: str | None
    tags: tuple[str, ...]
    document_date: date | None
    #: The file that holds its text.
    file: store.NewFile
    idempotency_key: str
    #: Tells whether two requests with one key want the same.
    request_hash: bytes


def add(connection: Db, note: NewNote) -> tuple[ItemView, bool]:
    """Make a note's item, or find the one of its key; was it new?

    Raises:
        ConflictError: The key stands for another note.
    """
    item_id = new_id()
    given = [name for name in ("title", "tags", "document_date") if getattr(note, name)]
    with connection.transaction():
        made = connection.execute(
            "insert into items (id, owner, title, title_source, tags, document_date, "
            "user_fields, idempotency_key, request_hash) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                item_id,
                note.file.owner,
                note.title or "Note",
                "user" if note.title else "file name",
                list(note.tags),
                note.document_date,
                given,
                note.idempotency_key,
                note.request_hash,
            ],
        )
        if made.rowcount == 0:
            return _existing(connection, note), False
        connection.execute(
            "insert into attachments (id, item_id, owner, file_name, size_bytes, "
            "sha256, origin, mime_type) "
            "values (%s, %s, %s, %s, %s, %s, 'note', 'text/markdown')",
            [
                new_id(),
                item_id,
                note.file.owner,
                note.file.file_name,
                note.file.size_bytes,
                note.file.sha256,
            ],
        )
        return store.item(connection, item_id, owner=note.file.owner), True


def _existing(connection: Db, note: NewNote) -> ItemView:
    row = connection.execute(
        "select id, request_hash from items where owner = %s and idempotency_key = %s",
        [note.file.owner, note.idempotency_key],
    ).fetchone()
    if row is None or bytes(row["request_hash"]) != note.request_hash:
        raise ConflictError(
            f"The idempotency key {note.idempotency_key!r} was used for another note: "
            "send this one with a new key."
        )
    found: UUID = row["id"]
    return store.item(connection, found, owner=note.file.owner)
