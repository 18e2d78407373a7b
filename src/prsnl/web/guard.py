"""Ends what is still open when its key has been revoked: streams, sockets, uploads.

Every request is noted, which costs a set's entry; those that have lasted a moment are
looked up again together, by one query for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.core.db import LOST
from prsnl.core.errors import PrsnlError
from prsnl.web.errors import response
from prsnl.web.identity import Credential
from prsnl.web.keys import KeyRing

_LOOK_EVERY_S: Final = 2.0
_NOTED: Final = "prsnl.visit"
_POLICY_VIOLATION: Final = 1008
_SAID: Final = "The key or the session that this was opened with has ended."

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger()


@dataclass(eq=False)
class Visit:
    """One request or socket that is open."""

    task: asyncio.Task[Any]
    began_at: float = field(default_factory=time.monotonic)
    credential: Credential | None = None
    has_begun: bool = False
    has_ended: bool = False
    is_refused: bool = False


def note(connection: HTTPConnection, credential: Credential) -> None:
    """Let a request end with what it was let in by."""
    visit = connection.scope.get(_NOTED)
    if isinstance(visit, Visit):
        visit.credential = credential


@dataclass(frozen=True)
class Visits:
    """All that is open in this process."""

    open: set[Visit] = field(default_factory=set)

    async def watch(self, keys: KeyRing) -> None:
        """End what is no longer let in, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look(keys)
            except (PrsnlError, *LOST):
                # Nobody can tell now; the next look may.
                log.warning("guard.database_away")

    async def look(self, keys: KeyRing) -> None:
        """End what is no longer let in."""
        before = time.monotonic() - _LOOK_EVERY_S / 2
        lasting = {each for each in self.open if each.began_at < before}
        asked = {each.credential for each in lasting if each.credential is not None}
        if not asked:
            return
        refused = await run_in_threadpool(keys.refused, asked)
        for visit in lasting & self.open:
            if visit.credential in refused and not visit.is_refused:
                visit.is_refused = True
                visit.task.cancel()


class Guard:
    """Notes each request, and says goodbye where one is ended under way."""

    def __init__(self, app: App, visits: Visits) -> None:
        self._app = app
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; end it when it is refused meanwhile."""
        task = asyncio.current_task()
        if scope["type"] not in ("http", "websocket") or task is None:
            await self._app(scope, receive, send)
            return
        visit = scope[_NOTED] = Visit(task)

        async def noted(message: Any) -> None:
            kind = message["type"]
            if kind in ("http.response.start", "websocket.accept"):
                visit.has_begun = True
            if kind == "websocket.close" or (
                kind == "http.response.body" and not message.get("more_body", False)
            ):
                visit.has_ended = True
            await send(message)

        self._visits.open.add(visit)
        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if not visit.is_refused:
                raise
            task.uncancel()
            await _say_goodbye(visit, scope, receive, send)
        finally:
            self._visits.open.discard(visit)


async def _say_goodbye(
    visit: Visit, scope: Scope, receive: Receive, send: Send
) -> None:
    if visit.has_ended:
        return
    with suppress(OSError):  # the client has gone by itself
        if not visit.has_begun:
            refusal = response(HTTPStatus.UNAUTHORIZED, "unauthorized", _SAID)
            await refusal(scope, receive, send)
        elif scope["type"] == "websocket":
            await send(
                {"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": _SAID}
            )
        else:
            await send({"type": "http.response.body", "body": b""})
