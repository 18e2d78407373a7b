"""A file as one Markdown text: front matter, then its pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from prsnl.items.models import AttachmentView, ItemView, PageView

#: Only these have pages that a reader could turn to; others are read in parts.
_PAGED_KINDS: Final = ("pdf", "tiff")


def markdown(
    item: ItemView, attachment: AttachmentView, pages: Sequence[PageView]
) -> str:
    """The whole file; a page that could not be read says so in its place."""
    parts = [_front_matter(item, attachment)]
    for page in pages:
        if attachment.kind in _PAGED_KINDS:
            parts.append(f"<!-- page {page.number} -->")
        if text := (page.markdown or page.text).strip():
            parts.append(text)
        elif page.error:
            parts.append(f"*This page could not be read: {page.error}*")
    return "\n\n".join(parts) + "\n"


def _front_matter(item: ItemView, attachment: AttachmentView) -> str:
    return "\n".join(["---", *_entries(item, attachment), "---"])


def _entries(item: ItemView, attachment: AttachmentView) -> Iterator[str]:
    values: dict[str, Any] = {
        "title": item.title,
        "file": attachment.file_name,
        "type": attachment.mime_type,
        "document_type": attachment.document_type,
        "date": item.document_date and item.document_date.isoformat(),
        "language": item.language,
        "pages": attachment.page_count,
        "tags": item.tags,
    }
    for name, value in values.items():
        if value not in (None, []):
            # JSON is YAML, too: quotes and colons in a title need no further care.
            yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
