"""A run of no task: what sandbox children need of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class LooseRun:
    """Goes on until it is told to stop."""

    room = 1

    def __init__(self) -> None:
        self.stop_reason: Exception | None = None
        self.peak_memory_bytes = 0
        self.kills: list[Callable[[], None]] = []

    def check(self) -> None:
        """Raise the reason to stop, if there is one."""
        if self.stop_reason is not None:
            raise self.stop_reason

    def stop(self, reason: Exception) -> None:
        """Stop it, and kill its children."""
        self.stop_reason = reason
        for kill in list(self.kills):
            kill()

    @contextmanager
    def killing(self, kill: Callable[[], None]) -> Iterator[None]:
        """Call *kill* when it is stopped."""
        self.kills.append(kill)
        try:
            yield
        finally:
            self.kills.remove(kill)
