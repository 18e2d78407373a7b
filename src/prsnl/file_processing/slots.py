"""How many pages are recognised at once on this machine, over all its workers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core import memory

#: What an OCR child takes at the most while it reads an ordinary page, in bytes.
USUAL_BYTES: Final = 2**30


@dataclass(frozen=True)
class Slots:
    """Places that processes of this machine share.

    Each is a locked file: the kernel gives it back, however its holder ends.
    """

    folder: Path
    count: int

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Hold a place for the block, if one is free; whether one was."""
        held = self._take()
        try:
            yield held is not None
        finally:
            if held is not None:
                os.close(held)

    def _take(self) -> int | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.count):
            place = os.open(
                self.folder / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            )
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(place)
            else:
                return place
        return None


def usual_count() -> int:
    """A page a core, as far as memory goes."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    fits = memory.of_machine().total // USUAL_BYTES
    return max(1, min(cores, fits))
