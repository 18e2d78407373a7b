"""The client's calls for engines."""

from __future__ import annotations

from prsnl.client.connection import Connection, parsed
from prsnl.wire.engines import EnginesBody
from prsnl.wire.tasks import Accepted


class EngineCalls(Connection):
    """Who does what on the server."""

    def engines(self) -> EnginesBody:
        """Every job with its engines: how good they are, and what would be better."""
        return parsed(EnginesBody, self._ask("GET", "/api/engines"))

    def test_engine(self, job: str) -> Accepted:
        """Have the engine of a job tested; the result of the task tells what came.

        While a test of yours is under way it is that one.
        """
        return parsed(Accepted, self._ask("POST", f"/api/engines/{job}/test"))
