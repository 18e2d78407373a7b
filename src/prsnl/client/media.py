"""The client's calls for recordings."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.items.models import FrameView
from prsnl.wire.base import Page
from prsnl.wire.transcripts import DraftsBody, TranscriptBody


class MediaCalls(Connection):
    """What a program may do with what was made of recordings."""

    def frames(self, attachment_id: UUID | str) -> list[FrameView]:
        """The key frames of a video, in the order of time."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}/frames")
        return parsed(Page[FrameView], answer).items

    def transcript(self, attachment_id: UUID | str) -> TranscriptBody:
        """What is said in a recording, with times, words and speakers."""
        path = f"/api/attachments/{attachment_id}/transcript.json"
        return parsed(TranscriptBody, self._ask("GET", path))

    def transcript_as(self, attachment_id: UUID | str, form: str) -> str:
        """The same as captions (`srt`, `vtt`) or as text (`txt`)."""
        path = f"/api/attachments/{attachment_id}/transcript.{form}"
        return self._ask("GET", path).text

    def drafts(self) -> DraftsBody:
        """How many transcripts are drafts, and how long it takes to do them again."""
        return parsed(DraftsBody, self._ask("GET", "/api/background/media/drafts"))

    def redo_drafts(self, *, idempotency_key: str | None = None) -> DraftsBody:
        """Queue every draft once more, with the engine that is set now."""
        path = "/api/background/media/redo-drafts"
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return parsed(DraftsBody, self._ask("POST", path, headers=headers))

    def download_frame(
        self, attachment_id: UUID | str, number: int, target: Path
    ) -> None:
        """Write one key frame to *target*, a JPEG; it appears whole."""
        self._download(f"/api/attachments/{attachment_id}/frames/{number}.jpg", target)
