"""Outcomes as a server would tell them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from prsnl.items.models import AttachmentView, ItemView, PageView, ProcessingStatus
from prsnl.terminal.inputs import InputFile
from prsnl.terminal.outcome import Outcome
from prsnl.wire.tasks import ErrorBody, ProgressBody, StatusBody
from prsnl.work.specs import Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = UUID(int=7)


def file(name: str) -> InputFile:
    return InputFile(Path("/in") / name, PurePath(name))


def page(number: int, *, status: str = "ok") -> PageView:
    return PageView(
        number=number,
        status=status,
        text="Text." if status == "ok" else "",
        markdown=None,
        engine="fake",
        reason="a test",
        confidence=None,
        milliseconds=1,
        error=None,
    )


def attachment(**changes: Any) -> AttachmentView:
    values: dict[str, Any] = {
        "id": ID,
        "item_id": ID,
        "file_name": "lease.pdf",
        "size_bytes": 1,
        "sha256": "0" * 64,
        "mime_type": "application/pdf",
        "kind": "pdf",
        "page_count": 2,
        "has_thumbnail": False,
        "processing_status": ProcessingStatus.COMPLETED,
        "processed_at": NOW,
        "document_type": "contract",
        "metadata": {},
        "headings": [],
        "created_at": NOW,
    }
    return AttachmentView(**{**values, **changes})


def item(**changes: Any) -> ItemView:
    values: dict[str, Any] = {
        "id": ID,
        "title": "Lease agreement",
        "title_source": "heading",
        "language": "en",
        "document_date": date(2024, 5, 12),
        "tags": ["lease", "deposit"],
        "keywords": [],
        "entities": [
            {"kind": "amount", "text": "940 EUR", "value": "940.00 EUR"},
            {"kind": "amount", "text": "EUR 940", "value": "940.00 EUR"},
            {"kind": "date", "text": "12 May 2024", "value": "2024-05-12"},
        ],
        "key_sentences": [{"text": "The monthly rent is 940 EUR.", "page": 1}],
        "metadata": {},
        "ai_enhancement_status": "fake",
        "last_processed_at": NOW,
        "attachments": [],
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ItemView(**{**values, **changes})


def task(status: Status = Status.SUCCESS, **changes: Any) -> StatusBody:
    values: dict[str, Any] = {
        "task_id": ID,
        "name": "process_document_task",
        "queue": "file_processing",
        "status": status,
        "progress": ProgressBody(
            current=1, total=2, percentage=50.0, message="Reading", updated_at=NOW
        ),
        "result": None,
        "error": None,
        "attempt": 1,
        "waiting_because": None,
        "warnings": [],
        "is_cancelling": False,
        "seq": 1,
        "attachment_id": ID,
        "parent_id": None,
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=7),
        "stages": [],
        "peak_memory_bytes": 2**20,
    }
    return StatusBody(**{**values, **changes})


def success(name: str = "contract-scan.pdf", **changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "file": file(name),
        "status": Status.SUCCESS,
        "error": None,
        "seconds": 7.2,
        "task": task(),
        "attachment": attachment(),
        "item": item(),
        "pages": (page(1), page(2, status="empty")),
    }
    return Outcome(**{**values, **changes})


def failure(
    name: str,
    code: str = "corrupt",
    message: str = "Broken.",
    *,
    category: str = "permanent",
) -> Outcome:
    return Outcome(
        file=file(name),
        status=Status.FAILURE,
        error=ErrorBody(category=category, code=code, message=message),
        seconds=0.1,
    )
