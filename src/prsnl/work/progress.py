"""Progress of one claim: never back, and at most four events a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

EVENTS_PER_S: Final = 4


@dataclass(frozen=True)
class Step:
    """How far a task is."""

    current: int
    total: int | None
    message: str
    #: Write an event for this one; the row's columns are raised either way.
    is_event: bool


class Progress:
    """Counts steps; told to the row by whoever commits next. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._current = 0
        self._total: int | None = None
        self._message = ""
        self._told_at = clock()
        self._is_dirty = False
        #: Whether this claim has committed a stage or unit.
        self.has_committed = False
        #: The stage that is at work: where an error comes from.
        self.stage: str | None = None

    def expect(self, total: int) -> None:
        """Say how many steps there are in all."""
        with self._lock:
            self._total = total
            self._is_dirty = True

    def expect_more(self, steps: int) -> None:
        """Say how many steps are still to come."""
        with self._lock:
            self._total = self._current + steps
            self._is_dirty = True

    def advance(self, steps: int, message: str) -> None:
        """Count *steps* more."""
        with self._lock:
            self._current += steps
            self._message = message
            self._is_dirty = True

    def take(self) -> Step:
        """The newest, to be written by the caller's transaction."""
        with self._lock:
            now = self._clock()
            is_event = now - self._told_at >= 1 / EVENTS_PER_S
            if is_event:
                self._told_at = now
            self._is_dirty = False
            return Step(self._current, self._total, self._message, is_event)

    def take_if_due(self) -> Step | None:
        """The newest, if nobody has written it for a quarter of a second."""
        with self._lock:
            is_due = (
                self._is_dirty and self._clock() - self._told_at >= 1 / EVENTS_PER_S
            )
        return self.take() if is_due else None
