"""POST /api/background/files/..."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, status
from starlette.concurrency import run_in_threadpool

from prsnl.core.errors import BadRequestError
from prsnl.file_processing.batch_specs import (
    ANALYZE_FILE,
    PROCESS_BATCH,
    AnalyzeFile,
    ProcessBatch,
)
from prsnl.file_processing.specs import (
    EXTRACT_PDF_TEXT,
    PROCESS_DOCUMENT,
    ExtractPdfText,
    ProcessDocument,
)
from prsnl.items import files, store
from prsnl.web.dependencies import Dispatch, Parts, Shared
from prsnl.wire.tasks import Accepted

router = APIRouter(prefix="/api/background/files", tags=["File processing"])


@router.post("/process-document", status_code=status.HTTP_202_ACCEPTED)
async def process_document(
    command: ProcessDocument, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue a stored file: its text, and what it is about.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    if command.rerun is not None:
        raise BadRequestError(
            "rerun: pages are done again by POST /api/attachments/{id}/rerun."
        )
    await _require(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(
        PROCESS_DOCUMENT,
        command,
        attachment_id=command.file_id,
        password=command.options.password,
    )


@router.post("/extract-pdf-text", status_code=status.HTTP_202_ACCEPTED)
async def extract_pdf_text(
    command: ExtractPdfText, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue the reading of a stored PDF's text, and no more.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    await _require(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(
        EXTRACT_PDF_TEXT,
        command,
        attachment_id=command.file_id,
        password=command.password,
    )


@router.post("/analyze", status_code=status.HTTP_202_ACCEPTED)
async def analyze_file(
    command: AnalyzeFile, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue the telling of a stored file's type, key information and facts.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    await _require(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(ANALYZE_FILE, command, attachment_id=command.file_id)


@router.post("/batch", status_code=status.HTTP_202_ACCEPTED)
async def process_batch(
    command: ProcessBatch, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue several stored files as one task, with a child task each.

    Answers at once; `monitor_url` counts its files by outcome, and
    `/api/background/tasks/{task_id}/children` lists them.
    """
    await run_in_threadpool(
        parts.database.run,
        lambda connection: files.require(
            connection, command.file_ids, owner=dispatch.owner
        ),
    )
    return await dispatch.submit(PROCESS_BATCH, command)


async def _require(parts: Shared, file_id: UUID, owner: str) -> None:
    """Make sure that the file is the caller's."""
    await run_in_threadpool(
        parts.database.run,
        lambda connection: store.attachment(connection, file_id, owner=owner),
    )
