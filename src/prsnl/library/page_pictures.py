"""Pages as pictures: drawn in a sandbox child when somebody looks, and not kept.

A browser keeps them and asks each time whether they still hold: so who has removed a
document, or lost the right to see it, sees no page of it any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response, status
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.core.errors import NotFoundError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import Picture
from prsnl.engines.documents import PAINTERS
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.web.dependencies import Caller, Parts

router = APIRouter(prefix="/api/attachments", tags=["Library"])

#: The kind of child that draws.
PROFILE: Final = "page picture"
#: So many are drawn at once: the rest of the server has work, too.
AT_ONCE: Final = 2
_TIMEOUT_S: Final = 20.0
_INPUT: Final = "input"
#: Changes when pages are drawn otherwise.
_VERSION: Final = 1
_JPEG: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
    },
    304: {"description": "The picture that the caller has still holds."},
}


@dataclass(frozen=True)
class PagePainter:
    """Draws pages of stored files, a few at a time."""

    children: SandboxPool
    storage: Storage
    _turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    def expect(self) -> None:
        """Have a child started in the background: pages are about to be asked for."""
        self.children.warm_up(PROFILE)

    async def drawn(self, file: AttachmentView, number: int, width: int) -> bytes:
        """One page as a JPEG; who waits for his turn holds no thread.

        Raises:
            NotFoundError: There is no such page, or it cannot be drawn.
            PrsnlError: The file is damaged or protected, or the child ended.
        """
        return await to_thread.run_sync(
            self._draw, file, number, width, limiter=self._turns
        )

    def _draw(self, file: AttachmentView, number: int, width: int) -> bytes:
        with self.children.child(PROFILE) as child:
            self.storage.fetch(file.sha256, child.put(_INPUT))
            params = {
                "path": _INPUT,
                "kind": file.kind,
                "width": width,
                "page": number,
            }
            frames = child.stream(
                "document.thumbnail", params, unit_timeout_s=_TIMEOUT_S
            )
            pictures = [Picture.model_validate(frame) for frame in frames]
            if not pictures:
                raise _no_such_page(number)
            return child.output(pictures[0].file_name).read_bytes()


# `async` though it waits for nothing: see `prsnl.web.dependencies`.
async def painter(connection: HTTPConnection) -> PagePainter:
    """What this process draws with."""
    found = connection.app.state.painter
    assert isinstance(found, PagePainter)
    return found


Painter = Annotated[PagePainter, Depends(painter)]


@router.get(
    "/{attachment_id}/pages/{number}.jpg", response_class=Response, responses=_JPEG
)
async def page_picture(
    *,
    attachment_id: UUID,
    number: Annotated[int, Path(ge=1, le=10**6)],
    request: Request,
    parts: Parts,
    owner: Caller,
    pictures: Painter,
    width: Annotated[int, Query(ge=100, le=2000, description="In pixels.")] = 1000,
) -> Response:
    """A picture of one page of a PDF, a scan or another picture, drawn as asked for."""
    read = partial(store.attachment, attachment_id=attachment_id, owner=owner)
    file = await run_in_threadpool(parts.database.run, read)
    if file.kind not in PAINTERS:
        raise NotFoundError("Files of this kind have no pages to show as pictures.")
    if file.page_count is not None and number > file.page_count:
        raise _no_such_page(number)
    tag = f'"{file.sha256}-{number}-{width}-{_VERSION}"'
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "private, no-cache",
        "ETag": tag,
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    content = await pictures.drawn(file, number, width)
    return Response(content, media_type="image/jpeg", headers=headers)


def _no_such_page(number: int) -> NotFoundError:
    return NotFoundError(
        f"There is no picture of page {number}: the file has no such page, or it "
        "cannot be drawn."
    )
