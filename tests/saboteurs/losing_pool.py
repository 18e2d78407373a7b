"""A pool that loses answers: the work is done, and its caller is told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from psycopg import OperationalError
from psycopg_pool import ConnectionPool

from prsnl.core.db import Database, Db


@dataclass
class LosingPool:
    """Lends real connections; the one numbered *at*, from 0, is lost.

    Attributes:
        is_done: The connection is lost after the work was committed, else before.
    """

    pool: ConnectionPool[Db]
    at: int
    is_done: bool
    lent: int = 0

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Db]:
        """Lend one connection."""
        number, self.lent = self.lent, self.lent + 1
        is_lost = number == self.at
        with self.pool.connection(timeout) as connection:
            if is_lost and not self.is_done:
                raise OperationalError("the connection is lost")
            yield connection
        if is_lost:
            raise OperationalError("the connection is lost at COMMIT")


def losing(database: Database, *, at: int, is_done: bool) -> Database:
    """*database*, which loses one answer."""
    pool = LosingPool(database.pool, at, is_done)
    return Database(cast("ConnectionPool[Db]", pool), patience_s=10)
