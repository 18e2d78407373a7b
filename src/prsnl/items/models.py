"""What a person keeps, as the API shows it. Pages count from 1."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ProcessingStatus(StrEnum):
    """How far a file is."""

    #: Stored; nothing was asked for, or its task waits.
    PENDING = "pending"
    PROCESSING = "processing"
    #: Its text is there.
    COMPLETED = "completed"
    FAILED = "failed"
    #: Its task was cancelled; what was made before stays.
    CANCELLED = "cancelled"


class View(BaseModel):
    """A frozen answer."""

    model_config = ConfigDict(frozen=True)


class PageView(View):
    """One page of a file: its row in the page ledger, and its text."""

    number: int
    status: str
    text: str
    markdown: str | None
    engine: str
    reason: str
    confidence: float | None
    milliseconds: float
    error: str | None
    #: The page's number as the document prints it ("iv"), where it differs.
    label: str | None = None
    #: How often the user has had it done again.
    run: int = 0
    #: Addresses that the page leads to: `url`, and `text` where it stands on some.
    links: list[dict[str, Any]] = []
    #: What OCR did for it: languages, how far it was turned, doubtful places in the
    #: text; None where OCR had no part.
    recognition: dict[str, Any] | None = None


class AttachmentView(View):
    """One file."""

    id: UUID
    item_id: UUID
    file_name: str
    size_bytes: int
    sha256: str
    mime_type: str | None
    kind: str | None
    page_count: int | None
    has_thumbnail: bool
    processing_status: ProcessingStatus
    processed_at: datetime | None
    document_type: str | None
    #: Of the best guess, told or not, from 0 to 1; None for a person's own word.
    document_type_confidence: float | None = None
    #: What speaks for it, in one sentence.
    document_type_reason: str | None = None
    metadata: dict[str, str]
    headings: list[dict[str, Any]]
    #: What a recording says of itself: see `MediaInfo` in the engines' contracts, with
    #: its chapters; None of other files, and before it was looked into.
    media: dict[str, Any] | None = None
    created_at: datetime


class FrameView(View):
    """One key frame of a video."""

    number: int
    time_s: float
    #: The shot that it stands for.
    start_s: float
    end_s: float
    width: int
    height: int
    #: What OCR read on it; None where none was asked for.
    text: str | None


class LearnedView(View):
    """What was learned of one file; nothing here is in words of its own."""

    #: What made it; None until it was analysed.
    engine: str | None
    document_type: str | None
    key_sentences: list[dict[str, Any]]
    #: Facts with page and offsets: see `Insight` in the engines' contracts.
    insights: list[dict[str, Any]]
    recommendations: None = None
    #: What would be needed for the part that is null.
    needs: str = "llm"


class ItemView(View):
    """One item: what was learned of it."""

    id: UUID
    title: str
    #: "heading", "metadata", "file name", or "user".
    title_source: str
    language: str | None
    document_date: date | None
    tags: list[str]
    keywords: list[dict[str, Any]]
    entities: list[dict[str, Any]]
    key_sentences: list[dict[str, Any]]
    #: In a language model's words; None without one.
    summary: str | None = None
    #: The model that wrote it: "openai/gpt-5".
    summary_engine: str | None = None
    #: Statements, each with `citations`: the passages and pages that say it.
    key_points: list[dict[str, Any]] = []
    metadata: dict[str, Any]
    #: None until an analysis was made; then the engine that made it.
    ai_enhancement_status: str | None
    last_processed_at: datetime | None
    attachments: list[AttachmentView]
    created_at: datetime
    updated_at: datetime
    #: What it is filed under: a name of the taxonomy, "uncategorised" where nothing was
    #: sure enough, None where nobody has looked yet.
    category: str | None = None
    #: Of the suggestion, from 0 to 1; None for a person's own word.
    category_confidence: float | None = None
    #: "user", "suggested" or "llm".
    category_source: str | None = None
    #: What speaks for it, in one sentence.
    category_reason: str | None = None
    #: No byte of it may leave this machine.
    local_only: bool = False
    #: When it went to the trash; None outside of it.
    deleted_at: datetime | None = None
    #: What a person has set: no analysis overwrites it.
    user_fields: list[str] = Field(default_factory=list)
