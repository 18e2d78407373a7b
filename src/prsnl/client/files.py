"""The client's calls for files: upload, read, download."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.items.models import AttachmentView, ItemView, LearnedView, PageView
from prsnl.items.restoring import RestoredItem
from prsnl.wire.base import Page
from prsnl.wire.files import Uploaded
from prsnl.wire.tasks import (
    Accepted,
)

_ITEMS: Final = "/api/items"


class FileCalls(Connection):
    """What a program may do with files and what was made of them."""

    def upload(
        self,
        path: Path,
        *,
        process: bool = True,
        again: bool = False,
        local_only: bool = False,
        idempotency_key: str | None = None,
        file_name: str | None = None,
    ) -> Uploaded:
        """Send a file, streamed from disk.

        Sending it once more is safe: the same bytes are one file, and a task that
        runs or has succeeded is told, not repeated.

        Args:
            path: The file.
            process: Also process it.
            again: Also when that was done already.
            local_only: No byte of it may leave the server's machine.
            idempotency_key: Makes `again` safe to repeat, too.
            file_name: What it is called there, if not as here.

        Raises:
            OSError: The file cannot be read.
        """
        with path.open("rb") as file:
            return self._upload(
                file,
                file_name or _encodable(path.name),
                {"process": process, "again": again, "local_only": local_only},
                idempotency_key,
            )

    def _upload(
        self,
        file: BinaryIO,
        name: str,
        options: dict[str, bool],
        idempotency_key: str | None,
    ) -> Uploaded:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._ask(
            "POST",
            "/api/attachments",
            params=options,
            files={"file": (name, file, "application/octet-stream")},
            headers=headers,
        )
        return parsed(Uploaded, answer)

    def rerun(
        self, attachment_id: UUID | str, stage: str, pages: Sequence[int] = ()
    ) -> Accepted:
        """Have one stage of some pages done again, and what is made from them."""
        body: dict[str, Any] = {"stage": stage}
        if pages:
            body["pages"] = list(pages)
        path = f"/api/attachments/{attachment_id}/rerun"
        return parsed(Accepted, self._ask("POST", path, json=body))

    def attachment(self, attachment_id: UUID | str) -> AttachmentView:
        """One file."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}")
        return parsed(AttachmentView, answer)

    def insights(self, attachment_id: UUID | str) -> LearnedView:
        """Type, key sentences and facts of a file, each fact with its place."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}/insights")
        return parsed(LearnedView, answer)

    def bring_back(self, item_id: UUID | str, was: RestoredItem) -> ItemView:
        """Set an item to what an export says of it."""
        answer = self._ask(
            "PUT", f"{_ITEMS}/{item_id}/restored", json=was.model_dump(mode="json")
        )
        return parsed(ItemView, answer)

    def download(self, attachment_id: UUID | str, target: Path) -> None:
        """Write a file's own bytes to *target*, streamed; it appears whole."""
        self._download(f"/api/attachments/{attachment_id}/content", target)

    def page_picture(
        self, attachment_id: UUID | str, number: int, *, width: int = 1000
    ) -> bytes:
        """One page of a PDF, a scan or another picture, as a JPEG."""
        path = f"/api/attachments/{attachment_id}/pages/{number}.jpg"
        return self._ask("GET", path, params={"width": width}).content

    def item(self, item_id: UUID | str) -> ItemView:
        """One item: what was learned of it."""
        return parsed(ItemView, self._ask("GET", f"/api/items/{item_id}"))

    def text(self, attachment_id: UUID | str) -> str:
        """The text of a file."""
        return self._ask("GET", f"/api/attachments/{attachment_id}/text").text

    def markdown(self, attachment_id: UUID | str) -> str:
        """A file as Markdown, with front matter and page marks."""
        return self._ask("GET", f"/api/attachments/{attachment_id}/markdown").text

    def pages(
        self, attachment_id: UUID | str, *, after: int = 0, at_once: int = 200
    ) -> Iterator[PageView]:
        """The pages of a file, in order, from the one that follows *after* on."""
        following: str | None = str(after)
        while following is not None:
            answer = self._ask(
                "GET",
                f"/api/attachments/{attachment_id}/pages",
                params={"after": following, "limit": at_once},
            )
            page = parsed(Page[PageView], answer)
            yield from page.items
            following = page.next


def _encodable(name: str) -> str:
    """A file name as the wire can carry it; a byte that is no UTF-8 becomes a mark."""
    return os.fsencode(name).decode(errors="replace")
