"""The client's calls for engines."""

from __future__ import annotations

from prsnl.client.connection import Connection, parsed
from prsnl.wire.engines import EnginesBody


class EngineCalls(Connection):
    """Who does what on the server."""

    def engines(self) -> EnginesBody:
        """Every job with its engines: how good they are, and what would be better."""
        return parsed(EnginesBody, self._ask("GET", "/api/engines"))
