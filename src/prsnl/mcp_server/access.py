"""Who may speak to the tools over HTTP: who has a key of the server."""

from __future__ import annotations

import json
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from prsnl.core.errors import ForbiddenError, PrsnlError, UnauthorizedError
from prsnl.mcp_server.server import Connect, bearer

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_AWAY: Final = 503


class KeyRequired:
    """Lets nobody in whose key the server does not know, not even to list the tools.

    The key is asked of the server each time: one that is revoked ends at once.
    """

    def __init__(self, app: ASGIApp, connect: Connect) -> None:
        self._app = app
        self._connect = connect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] == "http":
            key = bearer(Headers(scope=scope).get("authorization", ""))
            refusal = await run_in_threadpool(self._refusal, key)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, key: str | None) -> Response | None:
        if key is None:
            return _answer(_UNAUTHORIZED, "Send a key: Authorization: Bearer KEY.")
        try:
            with self._connect(key) as client:
                client.me()
        except UnauthorizedError as error:
            return _answer(_UNAUTHORIZED, error.message)
        except ForbiddenError as error:
            return _answer(_FORBIDDEN, error.message)
        except PrsnlError as error:
            return _answer(_AWAY, error.message)
        return None


def _answer(status: int, message: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == _UNAUTHORIZED else {}
    return Response(
        json.dumps({"error": message}),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )
