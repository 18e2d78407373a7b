"""How much is taken in at once: who comes on top of that is told to come again.

A 503 with `Retry-After` costs nothing. Without it the one that comes too many would
take the last file descriptor, or the memory, of all the others.
"""

from __future__ import annotations

import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import Response

from prsnl.web.errors import response
from prsnl.web.limits import LARGEST_BODY_BYTES

_AGAIN_S: Final = 2.0
#: Files that a process needs beside its connections: the database's, the storage's.
_OWN_FILES: Final = 128
#: A body below this is nothing to count.
_SMALL_BYTES: Final = 64 << 10

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Room:
    """What one process takes in at once. For one event loop.

    Attributes:
        requests: Requests and streams.
        uploads: Files on their way in.
        body_bytes: Bodies that are read whole, all together.
    """

    requests: int
    uploads: int
    body_bytes: int
    _requests: int = field(default=0, init=False)
    _uploads: int = field(default=0, init=False)
    _body_bytes: int = field(default=0, init=False)

    @contextmanager
    def taken(self, *, is_upload: bool, body_bytes: int) -> Iterator[str | None]:
        """Take one's place for the block, or be told why there is none."""
        why = self._full(is_upload=is_upload, body_bytes=body_bytes)
        if why is not None:
            yield why
            return
        self._requests += 1
        self._uploads += is_upload
        self._body_bytes += body_bytes
        try:
            yield None
        finally:
            self._requests -= 1
            self._uploads -= is_upload
            self._body_bytes -= body_bytes

    def _full(self, *, is_upload: bool, body_bytes: int) -> str | None:
        if self._requests >= self.requests:
            return (
                f"This server answers {self.requests} requests at once, and no more "
                "(PRSNL_REQUESTS_AT_ONCE): try again in a moment."
            )
        if is_upload and self._uploads >= self.uploads:
            return (
                f"This server takes {self.uploads} uploads at once, and no more "
                "(PRSNL_UPLOADS_AT_ONCE): send this one again in a moment."
            )
        if body_bytes and self._body_bytes + body_bytes > self.body_bytes:
            return (
                "This server holds as many large requests as its memory is to "
                "(PRSNL_REQUEST_MEMORY_BYTES): send this one again in a moment."
            )
        return None


class Crowd:
    """Refuses what comes on top of the room."""

    def __init__(self, app: App, *, room: Room, uploads: frozenset[str]) -> None:
        self._app = app
        self._room = room
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        is_upload = scope.get("method") == "POST" and scope["path"] in self._uploads
        held = 0 if is_upload else _held_bytes(scope)
        with self._room.taken(is_upload=is_upload, body_bytes=held) as why:
            if why is None:
                await self._app(scope, receive, send)
            else:
                await _refusal(why)(scope, receive, send)


def _held_bytes(scope: Scope) -> int:
    """What a body may take of our memory; one of unknown length as much as it may."""
    headers = Headers(scope=scope)
    told = headers.get("content-length", "")
    if told.isdecimal():
        size = min(int(told), LARGEST_BODY_BYTES)
        return size if size > _SMALL_BYTES else 0
    return LARGEST_BODY_BYTES if "transfer-encoding" in headers else 0


def _refusal(why: str) -> Response:
    answer = response(
        HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", why, retry_after_s=_AGAIN_S
    )
    # The body that comes with it is not read.
    answer.headers["Connection"] = "close"
    return answer


def as_many_as_files(wanted: int) -> int:
    """So many requests at once, or as many as this process may have files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard or hard == resource.RLIM_INFINITY:
        enough = wanted + _OWN_FILES
        if hard != resource.RLIM_INFINITY:
            enough = min(enough, hard)
        if soft < enough:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(wanted, soft - _OWN_FILES))
