"""Waits for tasks to change: one listener a process serves all clients that wait.

A thread sleeps on the progress bell, and asks once for all watched tasks. Without
anybody waiting it sleeps without a connection's wake-ups.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from prsnl.core.db import LOST, Database, Db
from prsnl.core.errors import UnavailableError
from prsnl.work.ring import Listener

#: A lost ring costs so much at most.
_POLL_S: Final = 1.0
#: Rings closer together are one look.
_LEAST_PAUSE_S: Final = 0.05
#: The statement's answer for a task that is not there (any more).
_GONE: Final = -1

_LOOK: Final = """
select w.id, coalesce(t.seq, -1) as seq
from unnest(%s::uuid[]) as w (id) left join tasks t on t.id = w.id
"""

log = structlog.get_logger()


@dataclass(eq=False)
class Watch:
    """One client that waits for one task to leave one state."""

    task_id: UUID
    seq: int
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Let the client look; from any thread."""
        self.loop.call_soon_threadsafe(self.changed.set)


class Watcher:
    """Wakes clients when their tasks change. `watching` is for the event loop."""

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._watches: set[Watch] = set()
        self._state = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, task_id: UUID, seq: int) -> Iterator[Watch]:
        """Watch a task from here on; look at it once after this has begun."""
        watch = Watch(task_id, seq, asyncio.get_running_loop())
        with self._state:
            if self._is_closed:
                watch.changed.set()
            self._watches.add(watch)
            self._state.notify()
        try:
            yield watch
        finally:
            with self._state:
                self._watches.discard(watch)

    def close(self) -> None:
        """Send every client home, and stop."""
        with self._state:
            self._is_closed = True
            for watch in self._watches:
                watch.wake()
            self._state.notify()

    def join(self, timeout_s: float = 5.0) -> None:
        """Wait for the thread, after `close`."""
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._watches or self._is_closed)
                if self._is_closed:
                    break
            self._listener.wait(_POLL_S)
            self._look()
            time.sleep(_LEAST_PAUSE_S)
        self._listener.close()

    def _look(self) -> None:
        with self._state:
            watches = list(self._watches)
        ids = list({watch.task_id for watch in watches})

        def seqs(connection: Db) -> dict[UUID, int]:
            rows = connection.execute(_LOOK, [ids]).fetchall()
            return {row["id"]: row["seq"] for row in rows}

        try:
            now = self._database.run(seqs, patience_s=0)
        except (UnavailableError, *LOST):
            log.warning("watcher.database_away")
            return
        for watch in watches:
            if now.get(watch.task_id, _GONE) != watch.seq:
                watch.wake()
