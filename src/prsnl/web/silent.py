"""Connections that begin no request, or never end its head: they are cut.

The server itself bounds only how long a connection stays open after an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

_EVERY_S: Final = 5.0
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass
class SilentCut:
    """Looks through the open connections. For one event loop.

    Attributes:
        silence_s: Seconds without a whole head of a request.
        now: Seconds, never going back.
    """

    silence_s: float
    now: Callable[[], float] = time.monotonic
    #: By connection: since when, and after which request, it says nothing.
    _since: dict[Any, tuple[float, object]] = field(default_factory=dict)

    async def watch(self, connections: Collection[Any]) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(min(_EVERY_S, self.silence_s / 2))
            self.look(list(connections))

    def look(self, connections: Collection[Any]) -> int:
        """Cut those that are silent too long; tell how many."""
        waiting = {
            one: getattr(one, "cycle", None) for one in connections if _waits(one)
        }
        now, cut = self.now(), 0
        since, self._since = self._since, {}
        for connection, last in waiting.items():
            began, after = since.get(connection, (now, last))
            if after is not last:
                began = now
            if now - began < self.silence_s:
                self._since[connection] = (began, last)
                continue
            cut += 1
            if connection.scope is not None:  # a head has begun
                connection.transport.write(_TOO_SLOW)
            connection.transport.close()
        return cut


def _waits(connection: Any) -> bool:
    """Whether an HTTP connection has no request under way; a WebSocket has no cycle."""
    if not hasattr(connection, "cycle"):
        return False
    cycle = connection.cycle
    return cycle is None or cycle.response_complete
