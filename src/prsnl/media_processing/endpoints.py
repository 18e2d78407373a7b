"""POST /api/background/media/... for what is said, and transcripts to read."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Db
from prsnl.core.errors import BadRequestError
from prsnl.engines.speech.contract import Segment
from prsnl.items import store, transcripts
from prsnl.items.models import AttachmentView
from prsnl.items.transcripts import TranscriptView
from prsnl.media_processing import captions
from prsnl.media_processing.again import Drafts, drafts, submit_drafts
from prsnl.media_processing.specs import TRANSCRIBE_AUDIO, TranscribeAudio, require_span
from prsnl.media_processing.video_specs import priority_of
from prsnl.web.dependencies import Caller, Dispatch, IdempotencyKey, Parts, Shared
from prsnl.wire.tasks import Accepted
from prsnl.wire.transcripts import DraftsBody, SegmentBody, TranscriptBody

router = APIRouter(prefix="/api/background/media", tags=["media processing"])
transcripts_router = APIRouter(prefix="/api/attachments", tags=["media processing"])

_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private",
}


class Form(StrEnum):
    """What a transcript can be read as."""

    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    TXT = "txt"


_MEDIA_TYPES: Final = {
    Form.SRT: "application/x-subrip",
    Form.VTT: "text/vtt",
    Form.TXT: "text/plain",
}
_TEXT: Final[dict[str, Any]] = {"schema": {"type": "string"}}


@router.post("/transcribe-audio", status_code=status.HTTP_202_ACCEPTED)
async def transcribe_audio(
    command: TranscribeAudio, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue a stored recording: what is said in it, and what that is about.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    if command.rerun is not None:
        raise BadRequestError(
            "rerun: a span is done again by POST /api/attachments/{id}/rerun."
        )
    require_span(command.options.first_s, command.options.last_s)
    file = await _required(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(
        TRANSCRIBE_AUDIO,
        command,
        attachment_id=file.id,
        priority=priority_of(file.size_bytes),
    )


@router.get("/drafts")
def show_drafts(parts: Parts, owner: Caller) -> DraftsBody:
    """How many transcripts are drafts, and how long it takes to do them again."""
    found = parts.database.run(lambda connection: drafts(connection, owner=owner))
    return _drafts_body(found)


@router.post("/redo-drafts", status_code=status.HTTP_202_ACCEPTED)
def redo_drafts(
    parts: Parts, owner: Caller, idempotency_key: IdempotencyKey = None
) -> DraftsBody:
    """Queue every draft once more, with the engine that is set now."""
    made = parts.database.run(
        lambda connection: submit_drafts(connection, owner=owner, key=idempotency_key)
    )
    parts.rang()
    return _drafts_body(made)


@transcripts_router.get(
    "/{attachment_id}/transcript.{form}",
    response_model=TranscriptBody,
    responses={200: {"content": dict.fromkeys(_MEDIA_TYPES.values(), _TEXT)}},
)
def transcript(
    attachment_id: UUID, form: Form, parts: Parts, owner: Caller
) -> Response:
    """What is said in a recording: with all that is known, as captions, or as text."""

    def read(connection: Db) -> tuple[TranscriptView, list[SegmentBody]]:
        told = transcripts.transcript(connection, attachment_id, owner=owner)
        found = transcripts.segments(connection, attachment_id, owner=owner)
        return told, [SegmentBody.model_validate(one.model_dump()) for one in found]

    told, rows = parts.database.run(read)
    if form is Form.JSON:
        return JSONResponse(_body(told, rows).model_dump(mode="json"), headers=_SAFE)
    segments = [_segment(row) for row in rows]
    match form:
        case Form.SRT:
            content = captions.srt(segments)
        case Form.VTT:
            content = captions.vtt(
                segments, quality=told.quality, language=told.language
            )
        case _:
            content = captions.plain(segments)
    media_type = f"{_MEDIA_TYPES[form]}; charset=utf-8"
    return Response(content, media_type=media_type, headers=_SAFE)


def _body(told: TranscriptView, rows: list[SegmentBody]) -> TranscriptBody:
    return TranscriptBody(
        attachment_id=told.attachment_id,
        duration_s=told.duration_s,
        speech_s=told.speech_s,
        quality=told.quality,
        banner=captions.banner_of(told.quality if _has_words(rows) else None),
        engine=told.engine,
        language=told.language,
        speakers=told.speakers,
        segments=rows,
    )


def _has_words(rows: list[SegmentBody]) -> bool:
    return any(row.text for row in rows)


def _segment(row: SegmentBody) -> Segment:
    names = set(Segment.model_fields)
    return Segment.model_validate(row.model_dump(include=names))


def _drafts_body(found: Drafts) -> DraftsBody:
    return DraftsBody(
        count=len(found.files),
        speech_s=found.speech_s,
        takes_s=found.takes_s,
        message=found.message,
        task_ids=list(found.submitted),
    )


async def _required(parts: Shared, file_id: UUID, owner: str) -> AttachmentView:
    """The file, if it is the caller's."""
    return await run_in_threadpool(
        parts.database.run,
        lambda connection: store.attachment(connection, file_id, owner=owner),
    )
