"""What may be asked of the file_processing queue."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import Field

from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

FILE_RETRY_WAITS_S: Final = (60.0, 120.0, 240.0)


class DocumentOptions(Command):
    """How a document is processed."""

    analyze_content: bool = Field(
        True,
        description="Also find title, keywords, entities, type, facts, and vectors.",
    )
    generate_summary: bool = Field(
        True, description="With the analysis, also pick key sentences."
    )
    create_content_item: bool = Field(
        True,
        description="Show on its item what is found; else it stays with the file.",
    )
    local_only: bool = Field(
        False, description="No byte may leave this machine. (Nothing here sends any.)"
    )


class ProcessDocument(Command):
    """Read a stored file, and learn what it is about."""

    file_id: UUID = Field(description="The attachment to process.")
    options: DocumentOptions = DocumentOptions()
    again: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Any new word does again what is kept already.",
    )


class ProcessedDocument(Result):
    """What came of a document; the texts are with its pages."""

    mime_type: str
    pages: int
    #: Numbers of the pages that could not be read; they alone are missing.
    failed_pages: tuple[int, ...]
    #: Numbers of the pages that hold no text.
    empty_pages: tuple[int, ...]
    characters: int
    title: str | None
    language: str | None
    document_type: str | None
    passages: int
    key_sentences: int
    insights: int


class ExtractPdfText(Command):
    """Read the text of a stored PDF, and no more."""

    file_id: UUID = Field(description="The attachment to read.")


class ExtractedText(Result):
    """How much text a PDF gave; the text is with its pages."""

    pages: int
    failed_pages: tuple[int, ...]
    empty_pages: tuple[int, ...]
    characters: int


PROCESS_DOCUMENT: Final = TaskSpec(
    name="process_document_task",
    queue=Queue.FILE_PROCESSING,
    command=ProcessDocument,
    result=ProcessedDocument,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=3600,
)
EXTRACT_PDF_TEXT: Final = TaskSpec(
    name="extract_text_from_pdf_task",
    queue=Queue.FILE_PROCESSING,
    command=ExtractPdfText,
    result=ExtractedText,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=3600,
)
