"""What an upload is answered with."""

from __future__ import annotations

from uuid import UUID

from prsnl.items.models import AttachmentView
from prsnl.wire.base import Body
from prsnl.wire.tasks import TaskBody


class Uploaded(Body):
    """The answer to an upload."""

    attachment: AttachmentView
    item_id: UUID
    #: Null when nothing was asked for but to keep the file.
    task: TaskBody | None
    #: The task was made for this upload, or for the same one with its idempotency key;
    #: false when it was merely found.
    is_new_task: bool
    #: The attachment that holds the same bytes already; it is the one shown here.
    duplicate_of: UUID | None = None
    #: Its item was in the trash, and this upload took it out again.
    restored: bool = False
    #: What was done, in a sentence.
    message: str = ""
