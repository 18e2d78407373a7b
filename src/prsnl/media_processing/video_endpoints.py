"""POST /api/background/media/... for videos, and the key frames of a file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, BinaryIO, Final
from uuid import UUID

from fastapi import APIRouter, Path, status
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from prsnl.items import files, media_store, store
from prsnl.items.models import AttachmentView, FrameView
from prsnl.media_processing.video_specs import (
    BATCH_TRANSCRIBE,
    ENHANCE_VIDEO,
    PROCESS_VIDEO,
    EnhanceVideo,
    ProcessVideo,
    TranscribeVideos,
    priority_of,
)
from prsnl.web.dependencies import Caller, Dispatch, Parts, Shared
from prsnl.wire.base import Page
from prsnl.wire.tasks import Accepted

router = APIRouter(prefix="/api/background/media", tags=["media processing"])
frames_router = APIRouter(prefix="/api/attachments", tags=["media processing"])

_PIECE_BYTES: Final = 1 << 18
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private",
}
_MOST_FRAMES: Final = 500


@router.post("/process-video", status_code=status.HTTP_202_ACCEPTED)
async def process_video(
    command: ProcessVideo, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue a stored video: what it is, its key frames, and what is said in it.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    file = await _required(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(
        PROCESS_VIDEO,
        command,
        attachment_id=file.id,
        priority=priority_of(file.size_bytes),
    )


@router.post("/enhance-video", status_code=status.HTTP_202_ACCEPTED)
async def enhance_video(
    command: EnhanceVideo, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue the telling of what a transcribed recording teaches.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    file = await _required(parts, command.file_id, dispatch.owner)
    return await dispatch.submit(ENHANCE_VIDEO, command, attachment_id=file.id)


@router.post("/batch-transcribe", status_code=status.HTTP_202_ACCEPTED)
async def batch_transcribe(
    command: TranscribeVideos, dispatch: Dispatch, parts: Parts
) -> Accepted:
    """Queue several stored recordings as one task, with a child task each.

    Answers at once; `monitor_url` counts its recordings by outcome, and
    `/api/background/tasks/{task_id}/children` lists them.
    """
    await run_in_threadpool(
        parts.database.run,
        lambda connection: files.require(
            connection, command.file_ids, owner=dispatch.owner
        ),
    )
    return await dispatch.submit(BATCH_TRANSCRIBE, command)


@frames_router.get("/{attachment_id}/frames")
def frames(attachment_id: UUID, parts: Parts, owner: Caller) -> Page[FrameView]:
    """The key frames of a video, in the order of time."""
    found = parts.database.run(
        partial(media_store.frames, attachment_id=attachment_id, owner=owner)
    )
    return Page(items=found, next=None)


@frames_router.get(
    "/{attachment_id}/frames/{number}.jpg",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                "image/jpeg": {"schema": {"type": "string", "format": "binary"}}
            }
        }
    },
)
def frame(
    attachment_id: UUID,
    number: Annotated[int, Path(ge=1, le=_MOST_FRAMES)],
    parts: Parts,
    owner: Caller,
) -> StreamingResponse:
    """One key frame, as JPEG."""
    name = parts.database.run(
        partial(
            media_store.frame_blob,
            attachment_id=attachment_id,
            number=number,
            owner=owner,
        )
    )
    return StreamingResponse(
        _pieces(parts.storage.open(name)), media_type="image/jpeg", headers=_SAFE
    )


async def _required(parts: Shared, file_id: UUID, owner: str) -> AttachmentView:
    """The file, if it is the caller's."""
    return await run_in_threadpool(
        parts.database.run,
        lambda connection: store.attachment(connection, file_id, owner=owner),
    )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
