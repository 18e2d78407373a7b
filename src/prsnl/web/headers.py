"""What every answer tells a browser: not to guess, not to frame, not to tell on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.datastructures import MutableHeaders

#: For pages: what this server sends, and nothing from elsewhere. A route may set its
#: own, narrower policy.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: For everything else: nothing of it is a page.
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Our own forms need their Origin; no other site learns an address of ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_JSON: Final = ("application/json", "application/problem+json")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def secure(headers: MutableHeaders) -> None:
    """Add what is not there yet."""
    kind = headers.get("content-type", "").partition(";")[0]
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    policy = PAGE_POLICY if kind == "text/html" else DATA_POLICY
    headers.setdefault("Content-Security-Policy", policy)
    if kind in _JSON:
        headers.setdefault("Cache-Control", "no-store")


class SecurityHeaders:
    """Adds them to every answer, refusals of a WebSocket among them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def secured(message: Any) -> None:
            if message["type"].endswith("http.response.start"):
                message.setdefault("headers", [])
                secure(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, secured)
