"""The file_processing queue: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.file_processing.service import DocumentProcessor, TextExtractor
from prsnl.file_processing.specs import (
    EXTRACT_PDF_TEXT,
    PROCESS_DOCUMENT,
    ExtractedText,
    ExtractPdfText,
    ProcessDocument,
    ProcessedDocument,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(PROCESS_DOCUMENT)
def process_document_task(run: TaskRun, command: ProcessDocument) -> ProcessedDocument:
    """Read a document and learn what it is about. Safe to repeat."""
    return run.get(DocumentProcessor).process(run, command)


@TASKS.handles(EXTRACT_PDF_TEXT)
def extract_text_from_pdf_task(run: TaskRun, command: ExtractPdfText) -> ExtractedText:
    """Read the text of a PDF. Safe to repeat."""
    return run.get(TextExtractor).extract(run, command)
