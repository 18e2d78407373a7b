"""A note becomes a file, an item and a task: all three, or none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from prsnl.core.db import Database, Db
from prsnl.core.ids import new_id
from prsnl.core.incoming import cleaned_name
from prsnl.core.storage import Storage
from prsnl.items import editing, notes, store
from prsnl.items.models import ItemView
from prsnl.library.intake import process
from prsnl.library.quota import require_room
from prsnl.wire.library import NewNote
from prsnl.work import blobs
from prsnl.work.ledger import TaskView


@dataclass(frozen=True)
class KeptNote:
    """What a note became."""

    item: ItemView
    task: TaskView | None
    is_new: bool


def take_note(
    database: Database,
    storage: Storage,
    wanted: NewNote,
    *,
    owner: str,
    idempotency_key: str | None,
    quota_bytes: int | None = None,
) -> KeptNote:
    """Keep a note, and queue its processing.

    Raises:
        ConflictError: The idempotency key stands for another note already.
        DiskFullError: There is no room.
        QuotaError: The owner keeps as much as he may.
        UnavailableError: The database does not answer.
    """
    content = wanted.text.encode()
    # A COMMIT whose answer was lost is done again: under one key it is one note.
    key = idempotency_key or f"note {new_id()}"
    note = notes.NewNote(
        title=wanted.title,
        tags=tuple(dict.fromkeys(wanted.tags)),
        document_date=wanted.document_date,
        file=store.NewFile(
            owner,
            cleaned_name(f"{wanted.title or 'note'}.md".replace("/", "-")),
            len(content),
            hashlib.sha256(content).hexdigest(),
        ),
        idempotency_key=key,
        request_hash=hashlib.sha256(wanted.model_dump_json().encode()).digest(),
    )

    def keep(connection: Db) -> KeptNote:
        with connection.transaction():
            blobs.hold(connection, note.file.sha256)
            require_room(connection, note.file, quota_bytes)
            storage.put_bytes(content)
            item, is_new = notes.add(connection, note)
            if wanted.local_only:
                item = item.model_copy(update={"local_only": True})
                editing.keep_here(connection, item.id)
            task = None
            if wanted.process and item.attachments:
                task = process(
                    connection,
                    storage,
                    item.attachments[0],
                    key=f"note {key}",
                    owner=owner,
                    local_only=wanted.local_only,
                    head=content,
                )
            return KeptNote(item, task, is_new)

    return database.run(keep)
