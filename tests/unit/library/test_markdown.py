"""Files as Markdown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from prsnl.items.models import AttachmentView, ItemView, PageView, ProcessingStatus
from prsnl.library.markdown import markdown

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def item(**changes: Any) -> ItemView:
    values: dict[str, Any] = {
        "id": uuid4(),
        "title": "Lease",
        "title_source": "heading",
        "language": "en",
        "document_date": date(2024, 5, 12),
        "tags": ["lease", "flat: small"],
        "keywords": [],
        "entities": [],
        "key_sentences": [],
        "metadata": {},
        "ai_enhancement_status": None,
        "last_processed_at": None,
        "attachments": [],
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ItemView(**{**values, **changes})


def attachment(kind: str) -> AttachmentView:
    return AttachmentView(
        id=uuid4(),
        item_id=uuid4(),
        file_name="lease.pdf",
        size_bytes=1,
        sha256="0" * 64,
        mime_type="application/pdf",
        kind=kind,
        page_count=2,
        has_thumbnail=False,
        processing_status=ProcessingStatus.COMPLETED,
        processed_at=NOW,
        document_type=None,
        metadata={},
        headings=[],
        created_at=NOW,
    )


def page(number: int, text: str, **changes: Any) -> PageView:
    values: dict[str, Any] = {
        "number": number,
        "status": "ok",
        "text": text,
        "markdown": None,
        "engine": "fake",
        "reason": "a test",
        "confidence": None,
        "milliseconds": 1,
        "error": None,
    }
    return PageView(**{**values, **changes})


def test_pages_have_marks_and_the_front_matter_what_is_known() -> None:
    made = markdown(
        item(),
        attachment("pdf"),
        [page(1, "One."), page(2, "Two.", markdown="# Two")],
    )

    assert made == (
        '---\ntitle: "Lease"\nfile: "lease.pdf"\ntype: "application/pdf"\n'
        'date: "2024-05-12"\nlanguage: "en"\npages: 2\n'
        'tags: ["lease", "flat: small"]\n---\n\n'
        "<!-- page 1 -->\n\nOne.\n\n<!-- page 2 -->\n\n# Two\n"
    )


def test_parts_of_a_file_without_pages_have_no_marks() -> None:
    made = markdown(item(), attachment("docx"), [page(1, "One.")])

    assert "<!--" not in made


def test_a_page_that_could_not_be_read_says_so_in_its_place() -> None:
    broken = page(1, "", status="failed", error="it is damaged")

    assert "*This page could not be read: it is damaged*" in markdown(
        item(), attachment("pdf"), [broken]
    )


def test_a_title_cannot_break_out_of_the_front_matter() -> None:
    made = markdown(item(title='"\n---\n# Not a title'), attachment("pdf"), [])

    assert made.count("\n---\n") == 1
