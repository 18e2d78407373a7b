"""The client's calls for recordings."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from prsnl.client.connection import Connection, error_of, parsed
from prsnl.items.models import FrameView
from prsnl.wire.base import Page


class MediaCalls(Connection):
    """What a program may do with what was made of recordings."""

    def frames(self, attachment_id: UUID | str) -> list[FrameView]:
        """The key frames of a video, in the order of time."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}/frames")
        return parsed(Page[FrameView], answer).items

    def download_frame(
        self, attachment_id: UUID | str, number: int, target: Path
    ) -> None:
        """Write one key frame to *target*, a JPEG; it appears whole."""
        path = f"/api/attachments/{attachment_id}/frames/{number}.jpg"
        with self._outages_are_named(), self._http.stream("GET", path) as answer:
            if answer.is_error:
                answer.read()
                raise error_of(answer)
            new = target.with_name(f"{target.name}.part")
            try:
                with new.open("wb") as file:
                    file.writelines(answer.iter_bytes())
                new.replace(target)
            finally:
                new.unlink(missing_ok=True)
