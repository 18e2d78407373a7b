"""The file_processing queue: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.file_processing.analysis import FileAnalyst
from prsnl.file_processing.batch import BatchProcessor
from prsnl.file_processing.batch_specs import (
    ANALYZE_FILE,
    PROCESS_BATCH,
    AnalyzedFile,
    AnalyzeFile,
    ProcessBatch,
    ProcessedBatch,
)
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


@TASKS.handles(ANALYZE_FILE)
def analyze_file_with_ai_task(run: TaskRun, command: AnalyzeFile) -> AnalyzedFile:
    """Tell a file's type and facts. Safe to repeat."""
    return run.get(FileAnalyst).analyze(run, command)


@TASKS.handles(PROCESS_BATCH)
def batch_process_files_task(run: TaskRun, command: ProcessBatch) -> ProcessedBatch:
    """Process several files, a child task each. Safe to repeat."""
    return run.get(BatchProcessor).process(run, command)
