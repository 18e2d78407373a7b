"""Who may start a child: what it usually takes has to be free on this machine.

A machine's processes agree by files: each use of a child is a locked file that says how
much it may yet take. The kernel gives the lock back, however its holder ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core import memory
from prsnl.core.memory import Memory

_MIB: Final = 2**20
#: So much stays free for the database, the page and the kernel.
SPARED_BYTES: Final = 128 * _MIB
#: Others' children end within moments; after so long the task waits without a worker.
WAITS_HERE_S: Final = 2.0
_LOOK_S: Final = 0.2
#: A child that has begun so long ago has taken what it takes, and the kernel's count of
#: what is available knows it.
_GROWN_AFTER_S: Final = 20.0
_GATE: Final = "gate"
_PREFIX: Final = "use-"


class NoMemoryYet(Exception):  # noqa: N818 - a wait, not an error
    """What a child takes is not free now, and others are about to give some back.

    Attributes:
        message: What is waited for, as a sentence.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class MemoryGate:
    """Lets children in as memory allows, over all processes of this machine.

    Attributes:
        folder: Where the processes of this machine leave their files.
        most_bytes: All children at work together; None: as much as is free.
        measure: Tells what is free.
        waits_s: How long `admitted` waits where it is.
    """

    folder: Path
    most_bytes: int | None = None
    measure: Callable[[], Memory] = memory.of_machine
    waits_s: float = WAITS_HERE_S

    @contextmanager
    def admitted(self, wanted_bytes: int, check: Callable[[], None]) -> Iterator[None]:
        """Have room for one use of a child, as long as the block runs.

        Where no other process has a child at work it is let in however little is
        free: its own limits hold, and nothing else is going to be given back.

        Args:
            wanted_bytes: What it usually takes; 0 for a warm one, which has it.
            check: Called while it waits; raises what ends the wait.

        Raises:
            NoMemoryYet: There is none, and others hold some.
        """
        use = self._taken(wanted_bytes, check)
        try:
            yield
        finally:
            with suppress(OSError):
                use.path.unlink()
            os.close(use.descriptor)

    def _taken(self, wanted_bytes: int, check: Callable[[], None]) -> _Use:
        give_up_at = time.monotonic() + self.waits_s
        while True:
            check()
            with self._alone():
                why = self._refusal(wanted_bytes)
                if why is None:
                    return self._note(wanted_bytes)
            if time.monotonic() >= give_up_at:
                raise NoMemoryYet(why)
            time.sleep(_LOOK_S)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of all processes one looks and takes at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        gate = os.open(self.folder / _GATE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield
        finally:
            os.close(gate)

    def _refusal(self, wanted_bytes: int) -> str | None:
        others = list(self._uses())
        if not wanted_bytes or all(use.pid == os.getpid() for use in others):
            return None
        free = self.measure().available - sum(use.yet_to_take for use in others)
        free -= SPARED_BYTES
        if self.most_bytes is not None:
            held = sum(use.wanted_bytes for use in others)
            free = min(free, self.most_bytes - held)
        if wanted_bytes <= free:
            return None
        return (
            f"Waits for memory on this machine: it may take {wanted_bytes // _MIB} "
            f"MiB, and {max(free, 0) // _MIB} MiB are free beside what runs. "
        ) + (
            "PRSNL_CHILDREN_MEMORY_BYTES sets how much there is."
            if self.most_bytes is not None
            else "It goes on when something else has ended."
        )

    def _uses(self) -> Iterator[_Noted]:
        """What others and this process have at work; what was left is cleared up."""
        for path in self.folder.glob(f"{_PREFIX}*"):
            with suppress(OSError, ValueError):
                file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield _Noted.read(path)
                else:
                    path.unlink()
                finally:
                    os.close(file)

    def _note(self, wanted_bytes: int) -> _Use:
        name = f"{_PREFIX}{os.getpid()}-{time.monotonic_ns()}-{wanted_bytes}"
        path = self.folder / name
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        return _Use(path, file)


@dataclass(frozen=True)
class _Use:
    """A use of this process: its file, held open and locked."""

    path: Path
    descriptor: int


@dataclass(frozen=True)
class _Noted:
    """What a use's name says of it."""

    pid: int
    #: Of this machine's monotonic clock, which all its processes share.
    began_ns: int
    wanted_bytes: int

    @classmethod
    def read(cls, path: Path) -> _Noted:
        pid, began_ns, wanted_bytes = path.name.removeprefix(_PREFIX).split("-")
        return cls(int(pid), int(began_ns), int(wanted_bytes))

    @property
    def yet_to_take(self) -> int:
        """What is promised to it and the kernel does not count yet."""
        age_s = (time.monotonic_ns() - self.began_ns) / 1e9
        return int(self.wanted_bytes * max(0.0, 1 - age_s / _GROWN_AFTER_S))
