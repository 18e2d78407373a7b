"""POST /api/attachments/{id}/rerun: a part of a file once more, whatever it is."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, status
from pydantic import Discriminator, Tag
from starlette.concurrency import run_in_threadpool

from prsnl.file_processing.again import RerunRequest, submit_rerun
from prsnl.file_processing.specs import PROCESS_DOCUMENT
from prsnl.media_processing.again import (
    TranscriptRerunRequest,
    submit_transcript_rerun,
)
from prsnl.media_processing.specs import TRANSCRIBE, TRANSCRIBE_AUDIO
from prsnl.web.dependencies import MONITOR_URL, Dispatch, Parts
from prsnl.wire.tasks import Accepted

router = APIRouter(prefix="/api/attachments", tags=["File processing"])

_PAGES: Final = "pages"


def _kind(told: Any) -> str:
    stage = told.get("stage") if isinstance(told, dict) else getattr(told, "stage", "")
    return TRANSCRIBE if stage == TRANSCRIBE else _PAGES


Wanted = Annotated[
    Annotated[RerunRequest, Tag(_PAGES)]
    | Annotated[TranscriptRerunRequest, Tag(TRANSCRIBE)],
    Discriminator(_kind),
    Body(
        examples=[
            {"stage": "pages", "pages": [2, 3]},
            {"stage": "transcribe", "from": 60, "to": 90},
        ]
    ),
]


@router.post("/{attachment_id}/rerun", status_code=status.HTTP_202_ACCEPTED)
async def rerun(
    attachment_id: UUID, request: Wanted, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue one stage of some pages or of a span again, and what is made from them.

    All else stays as it is. Answers at once; follow `monitor_url`.
    """
    if isinstance(request, TranscriptRerunRequest):
        await dispatch.require_room(TRANSCRIBE_AUDIO.queue)
        what = "span is"
        told = await run_in_threadpool(
            submit_transcript_rerun,
            parts,
            attachment_id,
            request,
            owner=dispatch.owner,
            idempotency_key=dispatch.idempotency_key,
        )
    else:
        await dispatch.require_room(PROCESS_DOCUMENT.queue)
        what = "pages are"
        told = await run_in_threadpool(
            submit_rerun,
            parts,
            attachment_id,
            request,
            owner=dispatch.owner,
            idempotency_key=dispatch.idempotency_key,
        )
    parts.rang()
    return Accepted(
        task_id=told.task_id,
        message=f"The {what} queued again; monitor_url shows the progress.",
        monitor_url=MONITOR_URL.format(told.task_id),
    )
