"""How much of this machine is free, within what a container is given."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine has left for one more process."""

    cores: int
    #: That could be had without swapping.
    available_bytes: int
    #: Processes that ran or waited to in the last minute, of the whole machine.
    load_per_core: float


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def look() -> Machine:
    """How it is now."""
    available = psutil.virtual_memory().available
    left = left_in_container(_CGROUP)
    return Machine(
        cores=cores(),
        available_bytes=available if left is None else min(available, left),
        load_per_core=os.getloadavg()[0] / (os.cpu_count() or 1),
    )


def left_in_container(folder: Path) -> int | None:
    """Bytes below the container's own limit; None where it has none.

    What the kernel keeps of files that nobody uses counts as used there, and is given
    up at once when it is wanted.
    """
    with suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        told = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        kept = sum(int(line.split()[1]) for line in told if _is_idle_file(line))
        return max(0, limit - used + kept)
    return None


def _is_idle_file(line: str) -> bool:
    return line.startswith("inactive_file ")
