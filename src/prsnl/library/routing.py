"""Which task processes a file: told by its first bytes, without a parser.

A guess that is wrong costs a moment: the task that finds another kind says so, or hands
the file on.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from prsnl.core.storage import Storage
from prsnl.engines.images.signatures import picture_kind
from prsnl.engines.media.signatures import HEAD_BYTES, KINDS, MediaKind, media_kind
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.items.models import AttachmentView
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscriptionOptions,
)
from prsnl.media_processing.video_specs import (
    PROCESS_VIDEO,
    ProcessVideo,
    VideoOptions,
    priority_of,
)
from prsnl.work.specs import Command, TaskSpec
from prsnl.work.submit import Submission, submission

#: A PDF may have rubbish before its header, in its first kilobyte.
_PDF_BYTES: Final = 1024
#: The tasks that process a file as a whole.
PROCESSING: Final = frozenset(
    {PROCESS_DOCUMENT.name, PROCESS_VIDEO.name, TRANSCRIBE_AUDIO.name}
)


def processing_of(
    storage: Storage,
    attachment: AttachmentView,
    *,
    owner: str,
    key: str | None = None,
    parent_id: UUID | None = None,
    again: str | None = None,
    local_only: bool = False,
    head: bytes | None = None,
) -> Submission:
    """The task that reads a file, or listens to it and looks at it.

    Args:
        storage: Has its bytes.
        attachment: The file.
        owner: Whose file it is.
        key: The task's idempotency key.
        parent_id: The task that it is a part of.
        again: A new word does anew what is kept already.
        local_only: No byte may leave this machine.
        head: Its first bytes, where they are at hand.
    """
    recording = recording_kind(storage, attachment, head)
    spec, command = _asked(recording, attachment.id, again, local_only=local_only)
    return submission(
        spec,
        command,
        owner=owner,
        idempotency_key=key,
        parent_id=parent_id,
        attachment_id=attachment.id,
        priority=priority_of(attachment.size_bytes) if recording else None,
    )


def _asked(
    recording: MediaKind | None, file_id: UUID, again: str | None, *, local_only: bool
) -> tuple[TaskSpec[Any, Any], Command]:
    """What is asked of a file, and of which task."""
    if recording is None:
        document = DocumentOptions(local_only=local_only)
        return PROCESS_DOCUMENT, ProcessDocument(
            file_id=file_id, options=document, again=again
        )
    if recording.has_video:
        video = VideoOptions(local_only=local_only)
        return PROCESS_VIDEO, ProcessVideo(file_id=file_id, options=video, again=again)
    sound = TranscriptionOptions(local_only=local_only)
    return TRANSCRIBE_AUDIO, TranscribeAudio(
        file_id=file_id, options=sound, again=again
    )


def recording_kind(
    storage: Storage, attachment: AttachmentView, head: bytes | None = None
) -> MediaKind | None:
    """What recording a file is; None if it is none, or its bytes are gone."""
    if attachment.kind is not None:
        return KINDS.get(attachment.kind)
    if head is None:
        with storage.open(attachment.sha256) as file:
            head = file.read(HEAD_BYTES)
    if picture_kind(head) or b"%PDF-" in head[:_PDF_BYTES]:
        return None
    return media_kind(head)
