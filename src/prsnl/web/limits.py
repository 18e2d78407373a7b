"""How large a request may be that is read whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from prsnl.web.errors import response

LARGEST_BODY_BYTES: Final = 32 << 20
_TOLD: Final = (
    "The request is larger than what is taken outside of an upload: send a long text "
    "as a file"
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Refuses bodies that are too large, told or not; but for the paths of uploads.

    What is written to disk as it comes has a limit of its own there.
    """

    def __init__(self, app: App, *, uploads: frozenset[str]) -> None:
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http" or scope["path"] in self._uploads:
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > LARGEST_BODY_BYTES:
            refuse = response(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"{_TOLD}."
            )
            await refuse(scope, receive, send)
            return
        await self._app(scope, _Counted(receive), send)


class _Counted:
    """Receives a body, and stops where it becomes too large."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received = 0

    async def __call__(self) -> Any:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > LARGEST_BODY_BYTES:
            # The framework passes this one on as it is.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOLD)
        return message
