"""Connections that are lost, or a process that dies, at a boundary of statements.

A boundary is before a statement, before a COMMIT, and after what is durable: there the
work is done, and its caller hears nothing of it. They are counted while an operation
runs, so that a statement that is new has its boundaries tried without being named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from prsnl.core.db import Database, connect


class Killed(BaseException):
    """The process is gone, as by `kill -9`: nothing of it runs any more."""


@dataclass
class Saboteur:
    """Counts boundaries, and severs at one of them."""

    #: What came at each boundary, in order.
    seen: list[str] = field(default_factory=list)
    #: The number of the boundary to sever at; None only counts.
    at: int | None = None
    #: The process dies there, else its connection is lost.
    kills: bool = False
    url: str = ""

    def begin(self, *, at: int | None = None, kills: bool = False) -> None:
        """Count anew."""
        self.seen, self.at, self.kills = [], at, kills

    def boundary(self, connection: Connection[Any], told: str) -> None:
        """Pass a boundary, or not."""
        number = len(self.seen)
        self.seen.append(told)
        if number != self.at:
            return
        self._sever(connection)
        if self.kills:
            raise Killed(told)
        raise OperationalError(f"the connection is lost {told}")

    def _sever(self, connection: Connection[Any]) -> None:
        """Close it, and wait until the server has let go of what was locked by it."""
        pid = connection.info.backend_pid
        connection.close()
        with connect(self.url) as other:
            other.execute("select pg_terminate_backend(%s, 30000)", [pid])


@contextmanager
def severed(url: str, saboteur: Saboteur) -> Iterator[Database]:
    """A database whose connections have a saboteur."""
    saboteur.url = url

    class Severed(Connection[DictRow]):
        depth = 0

        def execute(self, query: Any, *values: Any, **options: Any) -> Any:
            told = " ".join(str(query).split())[:60]
            saboteur.boundary(self, f"before {told!r}")
            cursor = super().execute(query, *values, **options)
            if not self.depth:
                saboteur.boundary(self, f"after {told!r}")
            return cursor

        @contextmanager
        def transaction(self, *values: Any, **options: Any) -> Iterator[Any]:
            with super().transaction(*values, **options) as opened:
                self.depth += 1
                try:
                    yield opened
                finally:
                    self.depth -= 1
                saboteur.boundary(self, "before COMMIT")
            saboteur.boundary(self, "after COMMIT")

    with ConnectionPool(
        url,
        connection_class=Severed,
        min_size=0,
        max_size=4,
        timeout=5,
        open=True,
        kwargs={"autocommit": True, "row_factory": dict_row},
    ) as pool:
        yield Database(pool, patience_s=10)
