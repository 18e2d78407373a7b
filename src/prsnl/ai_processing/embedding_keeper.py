"""Keeps vectors in step with the settings: what lacks one, which index, which model.

A new model stands beside the old one: first every passage of an owner gets its vector,
then the index is built, then the old vectors go. Until then searches ask the old model.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import psycopg
import structlog

from prsnl.ai_processing.embedding import want_vectors
from prsnl.ai_processing.embedding_specs import REFRESH
from prsnl.core.db import LOST, Database, Db
from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.items import vector_upkeep
from prsnl.items.vector_upkeep import Policy, Wanted
from prsnl.work.specs import DEAD_LETTERS

#: With fewer passages it is quicker to compare them all than to keep an index.
INDEXED_FROM: Final = 10_000
_EVERY_S: Final = 30.0
#: To look through all passages takes a tenth of a second for 100,000.
_SEARCHED_EVERY: Final = timedelta(minutes=10)
_OWNERS: Final = 1_000
_BATCH: Final = 5_000
#: Held by the one that looks.
LOCK: Final = 7_214_313

log = structlog.get_logger()


@dataclass
class EmbeddingKeeper:
    """Looks after vectors; of several schedulers one does."""

    database: Database
    policy: Policy
    indexed_from: int = INDEXED_FROM
    _searched_at: float = field(default=float("-inf"))
    _began_at: float = field(default_factory=time.monotonic)

    def run(self, stop: threading.Event) -> None:
        """Look again and again until *stop* is set."""
        while not stop.is_set():
            try:
                self.look(stop)
            except (UnavailableError, *LOST):
                log.warning("embeddings.database_away")
            except (PrsnlError, psycopg.Error):
                log.exception("embeddings.keeping_failed")
            stop.wait(_EVERY_S)

    def look(self, stop: threading.Event | None = None) -> None:
        """Do what is to be done now."""
        with self.database.connection() as connection, _alone(connection) as is_mine:
            if not is_mine:
                return
            having = vector_upkeep.wanted(connection, self.policy)
            self._want(connection, having)
            self._index(connection)
            self._take_over(connection, having, stop or threading.Event())

    def _want(self, connection: Db, having: Wanted) -> None:
        """Have embedded what lacks its vector, after a change or an accident."""
        now = time.monotonic()
        if now - self._searched_at < _SEARCHED_EVERY.total_seconds():
            return
        for owner in vector_upkeep.owners_lacking(connection, having, limit=_OWNERS):
            if not self._has_failed(connection, owner):
                with connection.transaction():
                    want_vectors(connection, owner=owner)
        while vector_upkeep.sweep(connection, limit=_BATCH) == _BATCH:
            pass
        self._searched_at = now

    def _has_failed(self, connection: Db, owner: str) -> bool:
        """Whether it was tried with these settings, for good: a person has to look."""
        row = connection.execute(
            "select 1 from tasks where owner = %s and name = %s "
            "and status = any(%s) and finished_at > now() - %s limit 1",
            [owner, REFRESH.name, list(DEAD_LETTERS), self._age],
        ).fetchone()
        return row is not None

    @property
    def _age(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._began_at)

    def _index(self, connection: Db) -> None:
        for model, count in vector_upkeep.passages(connection).items():
            if count >= self.indexed_from:
                if vector_upkeep.build_index(connection, model):
                    log.info("embeddings.indexed", model=model.name, passages=count)
            elif not count:
                vector_upkeep.drop_index(connection, model)

    def _take_over(self, connection: Db, having: Wanted, stop: threading.Event) -> None:
        """Let go of an owner's old vectors, once the new model has all of his."""
        if having.usual is None:
            return
        for owner in vector_upkeep.replaced_owners(connection, having):
            if vector_upkeep.is_lacking(connection, having, owner=owner):
                continue
            while not stop.is_set() and vector_upkeep.drop_replaced(
                connection, having, owner=owner, limit=_BATCH
            ):
                pass
            log.info("embeddings.taken_over", model_id=having.usual)


@contextmanager
def _alone(connection: Db) -> Iterator[bool]:
    """Keep other schedulers out for the block, unless one is in already."""
    row = connection.execute(
        "select pg_try_advisory_lock(%s) as is_mine", [LOCK]
    ).fetchone()
    if row is None or not row["is_mine"]:
        yield False
        return
    try:
        yield True
    finally:
        connection.execute("select pg_advisory_unlock(%s)", [LOCK])
