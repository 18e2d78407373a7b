"""A bell between processes: "look again", never what there is to see.

A NOTIFY inside a durable transaction serialises commits: the server holds one lock
over the whole cluster from the notify to the flush. So a process commits first, and
rings in a transaction of its own that waits for no disk, at most once in 20 ms a
channel. A lost ring is harmless: every listener also polls.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

import psycopg

from prsnl.core.db import LOST, Db, connect

_PAUSE_S: Final = 0.02
_RECONNECT_S: Final = 1.0
_NOTIFY: Final = "select pg_notify(channel, '') from unnest(%s::text[]) channel"


class Channel(StrEnum):
    """What to look at again."""

    #: Tasks may be due, or room for one may be free.
    DUE = "prsnl_due"
    #: There is new progress.
    PROGRESS = "prsnl_progress"


class Ring:
    """Rings for one process, from a thread of its own; `ring` never waits."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._wanted: set[Channel] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="ring", daemon=True)
        self._thread.start()

    def ring(self, *channels: Channel) -> None:
        """Ask for a ring soon; many requests become one."""
        with self._changed:
            if not self._wanted.issuperset(channels):
                self._wanted.update(channels)
                self._changed.notify()

    def close(self) -> None:
        """Send what is wanted, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        connection: Db | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                wanted, self._wanted = self._wanted, set()
                closing = self._closed
            if wanted:
                try:
                    connection = connection or _open(self._url)
                    connection.execute(_NOTIFY, [sorted(wanted)])
                except LOST:
                    # Every listener polls: nothing is lost but a second.
                    connection = None
                    if not closing:
                        time.sleep(_RECONNECT_S)
            if closing:
                break
            time.sleep(_PAUSE_S)
        if connection is not None:
            connection.close()


def _open(url: str) -> Db:
    connection = connect(url)
    connection.execute("set synchronous_commit = off")
    return connection


@contextmanager
def ringing(database_url: str) -> Iterator[Ring]:
    """A ring for as long as the block runs."""
    ring = Ring(database_url)
    try:
        yield ring
    finally:
        ring.close()


class Listener:
    """Waits for rings on some channels; a lost connection only means polling."""

    def __init__(self, database_url: str, *channels: Channel) -> None:
        self._url = database_url
        self._channels = channels
        self._connection: Db | None = None

    def wait(self, timeout_s: float, *, or_readable: int | None = None) -> bool:
        """Wait until somebody rings; False if nobody did within *timeout_s*.

        Also returns when the descriptor *or_readable* has something to read.
        """
        give_up_at = time.monotonic() + timeout_s
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                for channel in self._channels:
                    self._connection.execute(f"listen {channel}")
            return _has_rung(self._connection) or (
                _is_readable(self._connection, timeout_s, or_readable)
                and _has_rung(self._connection)
            )
        except (*LOST, psycopg.Error):
            self.close()
            time.sleep(max(0.0, min(_RECONNECT_S, give_up_at - time.monotonic())))
            return False

    def close(self) -> None:
        """Leave the channels."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _has_rung(connection: Db) -> bool:
    return any(True for _ in connection.notifies(timeout=0, stop_after=1))


def _is_readable(connection: Db, timeout_s: float, other: int | None) -> bool:
    """Sleep for all the time: psycopg's own wait looks up ten times a second."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if other is not None:
        poll.register(other, select.POLLIN)
    return any(number != other for number, _ in poll.poll(timeout_s * 1e3))
