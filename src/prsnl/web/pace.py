"""How slowly a body may come: one that trickles or stays away ends with a 408.

Only the time that is spent waiting for the client counts, not what is done with what
came. The connection is closed with the answer: the rest of the body is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect

from prsnl.web.errors import response

#: A connection needs its time until it is as quick as it can be.
_GRACE_S: Final = 15.0

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How slow a client may be.

    Attributes:
        silence_s: Seconds without a byte.
        least_bytes_per_s: On average, once `grace_s` seconds were waited.
        grace_s: Seconds.
    """

    silence_s: float
    least_bytes_per_s: int
    grace_s: float = _GRACE_S


class BodyPace:
    """Ends requests whose body comes too slowly."""

    def __init__(self, app: App, *, pace: Pace) -> None:
        self._app = app
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer in the application's place if it is late."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Paced(receive, self._pace)
        has_begun = False

        async def answer(message: Any) -> None:
            nonlocal has_begun
            # What the application makes of a body that was cut off is not the reason.
            if body.why is None or has_begun:
                has_begun = True
                await send(message)

        # It may well go away as if the client had.
        with suppress(ClientDisconnect):
            await self._app(scope, body, answer)
        if body.why is not None and not has_begun:
            late = response(HTTPStatus.REQUEST_TIMEOUT, "too_slow", body.why)
            late.headers["Connection"] = "close"
            await late(scope, receive, send)


class _Paced:
    """Receives a body, and takes the client for gone where it is too slow."""

    def __init__(self, receive: Receive, pace: Pace) -> None:
        self._receive = receive
        self._pace = pace
        self._received = 0
        self._waited_s = 0.0
        self._is_whole = False
        #: Why it was given up, as a sentence.
        self.why: str | None = None

    async def __call__(self) -> Any:
        if self._is_whole:
            return await self._receive()
        if self.why is not None:
            return {"type": "http.disconnect"}
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._pace.silence_s):
                message = await self._receive()
        except TimeoutError:
            return self._late(f"stayed away for {self._pace.silence_s:g} s")
        self._waited_s += time.monotonic() - began
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        least = self._pace.least_bytes_per_s
        is_slow = self._received < least * (self._waited_s - self._pace.grace_s)
        if is_slow and not self._is_whole:
            return self._late(f"came with fewer than {least} bytes a second")
        return message

    def _late(self, what: str) -> Any:
        self.why = (
            f"The body of this request {what}, and nobody waits longer: send it again "
            "over a better connection. PRSNL_REQUEST_SILENCE_S and "
            "PRSNL_REQUEST_BYTES_PER_S on the server set how slow it may be."
        )
        return {"type": "http.disconnect"}
