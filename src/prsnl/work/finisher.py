"""Ends one claim while the next one is made: two waits for the disk become one.

A worker that waits for each COMMIT alone gives the server nothing to flush together.
The tasks themselves still run one after another.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeAlias

Work: TypeAlias = Callable[[], None]


def at_once(work: Work) -> None:
    """End the claim before anything else happens."""
    work()


class Finisher:
    """Does what it is handed in a thread of its own, one piece after another."""

    def __init__(self) -> None:
        self._free = threading.Semaphore()
        self._handed: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="finisher", daemon=True)
        self._thread.start()

    def __call__(self, work: Work) -> None:
        """Hand over *work*, which raises nothing; wait for the piece before it."""
        context = contextvars.copy_context()
        self._free.acquire()
        self._handed.put(lambda: context.run(work))

    def close(self) -> None:
        """Wait for what was handed over, then stop."""
        self._handed.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._handed.get()) is not None:
            try:
                work()
            finally:
                self._free.release()


@contextmanager
def finishing() -> Iterator[Finisher]:
    """A finisher for as long as the block runs; at its end nothing is open."""
    finisher = Finisher()
    try:
        yield finisher
    finally:
        finisher.close()
