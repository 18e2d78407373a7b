"""An upload becomes a file, an item and a task: all three, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prsnl.core.db import Database, Db
from prsnl.core.ids import new_id
from prsnl.core.incoming import Incoming
from prsnl.core.storage import Storage
from prsnl.engines.media.signatures import HEAD_BYTES
from prsnl.items import editing, store
from prsnl.items.models import AttachmentView
from prsnl.library.quota import require_room
from prsnl.library.routing import PROCESSING, processing_of
from prsnl.work import blobs, caps, ledger
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submit

#: After these a file that is sent again is processed again.
_LEFT_NOTHING: Final = (Status.FAILURE, Status.DEAD, Status.REVOKED)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be done with an upload."""

    process: bool
    #: Also when it was done already.
    again: bool
    local_only: bool
    idempotency_key: str | None


@dataclass(frozen=True)
class TakenIn:
    """What an upload became."""

    attachment: AttachmentView
    #: False when the owner's same bytes were there.
    is_new: bool
    #: The task that processes it, or has.
    task: TaskView | None
    #: That task was made for this wish: nobody else's work ends with it.
    is_new_task: bool
    #: It was in the trash, and is back.
    is_restored: bool


def take_in(
    database: Database,
    storage: Storage,
    incoming: Incoming,
    wish: Wish,
    *,
    owner: str,
    quota_bytes: int | None = None,
) -> TakenIn:
    """Keep the bytes, then the rows: bytes without rows are harmless.

    While the rows are not in, nobody removes the same bytes of another item.

    Raises:
        ConflictError: The idempotency key stands for another command already.
        DiskFullError: There is no room.
        QuotaError: The owner keeps as much as he may.
        UnavailableError: The database does not answer; nothing but bytes was kept.
    """
    file = store.NewFile(
        owner,
        incoming.file_name,
        incoming.spooled.size_bytes,
        incoming.spooled.sha256,
    )
    # A COMMIT whose answer was lost is done again: under one key it is one task.
    key = wish.idempotency_key or f"upload {new_id()}"
    with incoming.spooled.path.open("rb") as spooled:
        head = spooled.read(HEAD_BYTES)

    def keep(connection: Db) -> TakenIn:
        with connection.transaction():
            blobs.hold(connection, file.sha256)
            require_room(connection, file, quota_bytes)
            storage.put_file(incoming.spooled.path, file.sha256)
            attachment, is_new = store.add_file(connection, file)
            is_restored = not is_new and _restore(connection, attachment, owner)
            if wish.local_only:
                editing.keep_here(connection, attachment.item_id)
            task = _newest(connection, attachment, owner)
            if wish.process and (wish.again or _needs_one(task)):
                task = process(
                    connection,
                    storage,
                    attachment,
                    key=key,
                    owner=owner,
                    again=wish.again,
                    local_only=wish.local_only,
                    head=head,
                )
            is_ours = task is not None and _stands_for(connection, task, key)
            return TakenIn(attachment, is_new, task, is_ours, is_restored)

    storage.bring(incoming.spooled.path, file.sha256)
    return database.run(keep)


def _restore(connection: Db, attachment: AttachmentView, owner: str) -> bool:
    return bool(editing.restore(connection, [attachment.item_id], owner=owner))


def _newest(connection: Db, attachment: AttachmentView, owner: str) -> TaskView | None:
    tasks = ledger.of_attachment(connection, attachment.id, owner=owner)
    return next((task for task in tasks if task.name in PROCESSING), None)


def _needs_one(task: TaskView | None) -> bool:
    return task is None or task.status in _LEFT_NOTHING


def _stands_for(connection: Db, task: TaskView, key: str) -> bool:
    """Whether a task was made under this key: now, or when the answer was lost."""
    found = connection.execute(
        "select 1 from tasks where id = %s and idempotency_key = %s",
        [task.task_id, key],
    ).fetchone()
    return found is not None


def process(
    connection: Db,
    storage: Storage,
    attachment: AttachmentView,
    *,
    key: str,
    owner: str,
    again: bool = False,
    local_only: bool = False,
    head: bytes | None = None,
) -> TaskView:
    """Queue the processing of a file, in the caller's transaction.

    Args:
        connection: In a transaction.
        storage: Has the file's bytes.
        attachment: The file.
        key: The task's idempotency key.
        owner: Whose file it is.
        again: Also what is kept already is done anew.
        local_only: No byte may leave this machine.
        head: Its first bytes, where they are at hand.

    Raises:
        TooManyTasksError: As many tasks wait as may.
    """
    wanted = processing_of(
        storage,
        attachment,
        owner=owner,
        key=key,
        again=key if again else None,
        local_only=local_only,
        head=head,
    )
    in_force = caps.read(connection)
    if in_force.queued:
        caps.require_room(
            connection, in_force, owner=owner, queue=wanted.queue, key=key
        )
    (told,) = submit(connection, [wanted])
    return ledger.task(connection, told.task_id, owner=owner)
