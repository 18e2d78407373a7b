"""/api/attachments and /api/items."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, BinaryIO, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Db
from prsnl.core.incoming import UploadLimits
from prsnl.items import store
from prsnl.items.models import AttachmentView, PageView
from prsnl.library import item_endpoints, tag_endpoints
from prsnl.library.intake import TakenIn, Wish, take_in
from prsnl.library.markdown import markdown
from prsnl.web import sending, uploads
from prsnl.web.bodies import task_body
from prsnl.web.dependencies import (
    Caller,
    IdempotencyKey,
    Parts,
    Shared,
)
from prsnl.wire.base import Page
from prsnl.wire.files import Uploaded

_PIECE_BYTES: Final = 1 << 18
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private",
}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [uploads.FIELD],
                    "additionalProperties": False,
                    "properties": {
                        uploads.FIELD: {"type": "string", "format": "binary"}
                    },
                }
            }
        },
    }
}


def _answers(media_type: str) -> dict[int | str, dict[str, Any]]:
    """What a route that answers no JSON says of itself."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}}}


router = APIRouter(prefix="/api", tags=["Library"])
router.include_router(item_endpoints.router)
router.include_router(tag_endpoints.router)


class MarkdownResponse(Response):
    """Markdown, for the description."""

    media_type = "text/markdown"


class JpegResponse(StreamingResponse):
    """A picture, for the description."""

    media_type = "image/jpeg"


class UploadOptions(BaseModel):
    """What is to be done with an upload."""

    model_config = ConfigDict(extra="forbid")

    process: bool = Field(True, description="Read it, and learn what it is about.")
    again: bool = Field(False, description="Process it although it was, already.")
    local_only: bool = Field(
        False, description="No byte of it may leave this machine, now or later."
    )


class PageRange(BaseModel):
    """Which pages of a file."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200, description="Most pages in one answer.")
    after: int = Field(0, ge=0, description="`next` of the answer before.")


@router.post(
    "/attachments",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": Uploaded, "description": "These bytes are there."}},
    openapi_extra=_FORM,
)
async def upload(
    *,
    request: Request,
    response: Response,
    parts: Parts,
    owner: Caller,
    options: Annotated[UploadOptions, Query()],
    idempotency_key: IdempotencyKey = None,
) -> Uploaded:
    """Keep a file, and queue its processing.

    The body is a form with one field, `file`. Bytes that the caller has sent before
    answer 200 with `duplicate_of` and their task; they are processed once more only if
    that failed, or with `again`. What was in the trash is taken out of it.
    """
    wish = Wish(**options.model_dump(), idempotency_key=idempotency_key)
    if wish.process and not parts.caps.is_open:
        # Before a film is sent: what it is, and where it would wait, shows later.
        await run_in_threadpool(
            parts.caps.require_room, owner=owner, queue=None, key=idempotency_key
        )
    limits = UploadLimits(
        max_bytes=parts.limits.upload_max_bytes,
        free_disk_floor_bytes=parts.limits.free_disk_floor_bytes,
    )
    with uploads.spool(parts.storage, limits) as place:
        incoming = await uploads.receive(request, place)
        taken = await run_in_threadpool(
            take_in,
            parts.database,
            parts.storage,
            incoming,
            wish,
            owner=owner,
            quota_bytes=parts.limits.quota_bytes,
        )
    parts.rang()
    if not taken.is_new:
        response.status_code = status.HTTP_200_OK
    return _uploaded(taken)


def _uploaded(taken: TakenIn) -> Uploaded:
    return Uploaded(
        attachment=taken.attachment,
        item_id=taken.attachment.item_id,
        task=None if taken.task is None else task_body(taken.task),
        is_new_task=taken.is_new_task,
        duplicate_of=None if taken.is_new else taken.attachment.id,
        restored=taken.is_restored,
        message=_told(taken),
    )


def _told(taken: TakenIn) -> str:
    """What an upload did, in a sentence."""
    if taken.is_new:
        was = "The file is kept"
    elif taken.is_restored:
        was = "The same file was in the trash, and is back"
    else:
        was = "The same file is here already"
    if taken.task is None:
        return f"{was}; nothing else was asked for."
    if taken.is_new_task:
        return f"{was}; its processing is queued."
    return f"{was}; it was processed, or is being so, by the task shown here."


@router.get("/attachments/{attachment_id}")
def show_attachment(attachment_id: UUID, parts: Parts, owner: Caller) -> AttachmentView:
    """One file: what it is, and how far it is processed."""
    return _attachment(parts, attachment_id, owner)


@router.get(
    "/attachments/{attachment_id}/content",
    response_class=StreamingResponse,
    responses=_answers("*/*"),
)
def content(
    attachment_id: UUID, request: Request, parts: Parts, owner: Caller
) -> StreamingResponse:
    """The file itself, for saving: a browser must not show it as a page of ours.

    With `Range` a part of it, as a player asks for it.
    """
    found = _attachment(parts, attachment_id, owner)
    return sending.sent(
        request,
        parts.storage,
        found.sha256,
        size_bytes=found.size_bytes,
        media_type=found.mime_type or "application/octet-stream",
        headers={
            **_SAFE,
            "Content-Disposition": "attachment; filename*=UTF-8''"
            + quote(found.file_name, safe=""),
        },
    )


@router.get("/attachments/{attachment_id}/text", response_class=PlainTextResponse)
def text(attachment_id: UUID, parts: Parts, owner: Caller) -> Response:
    """The text of all pages that have been read so far."""
    found = parts.database.run(
        partial(store.text, attachment_id=attachment_id, owner=owner)
    )
    return Response(found, media_type="text/plain; charset=utf-8", headers=_SAFE)


@router.get("/attachments/{attachment_id}/markdown", response_class=MarkdownResponse)
def show_markdown(attachment_id: UUID, parts: Parts, owner: Caller) -> Response:
    """The same with headings and tables, page marks, and front matter."""

    def compose(connection: Db) -> str:
        attachment = store.attachment(connection, attachment_id, owner=owner)
        return markdown(
            store.item(connection, attachment.item_id, owner=owner),
            attachment,
            store.pages(connection, attachment_id, owner=owner),
        )

    return Response(
        parts.database.run(compose),
        media_type="text/markdown; charset=utf-8",
        headers=_SAFE,
    )


@router.get("/attachments/{attachment_id}/pages")
def pages(
    attachment_id: UUID,
    parts: Parts,
    owner: Caller,
    wanted: Annotated[PageRange, Query()],
) -> Page[PageView]:
    """The pages in order: what each holds, how it was read, what went wrong."""
    found = parts.database.run(
        partial(
            store.page_range,
            attachment_id=attachment_id,
            owner=owner,
            after=wanted.after,
            limit=wanted.limit,
        )
    )
    is_full = len(found) == wanted.limit
    return Page(items=found, next=str(found[-1].number) if is_full else None)


@router.get("/attachments/{attachment_id}/thumbnail.jpg", response_class=JpegResponse)
def thumbnail(attachment_id: UUID, parts: Parts, owner: Caller) -> StreamingResponse:
    """A picture of the first page."""
    name = parts.database.run(
        partial(store.thumbnail, attachment_id=attachment_id, owner=owner)
    )
    return StreamingResponse(
        _pieces(parts.storage.open(name)), media_type="image/jpeg", headers=_SAFE
    )


def _attachment(parts: Shared, attachment_id: UUID, owner: str) -> AttachmentView:
    return parts.database.run(
        partial(store.attachment, attachment_id=attachment_id, owner=owner)
    )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
