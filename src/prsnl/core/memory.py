"""How much memory this machine has for us: the kernel's word, and the container's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_CGROUPS: Final = Path("/sys/fs/cgroup")
_MINE: Final = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Memory:
    """Memory in bytes: all there is for us, and what of it could be taken now."""

    total: int
    available: int


def of_machine(cgroups: Path = _CGROUPS, mine: Path = _MINE) -> Memory:
    """The machine's, or a container's where that has less.

    Args:
        cgroups: Where control groups are mounted, of either version.
        mine: Says which of them this process is in.
    """
    told = psutil.virtual_memory()
    total, available = int(told.total), int(told.available)
    for limit, used in _bounds(cgroups, mine):
        total = min(total, limit)
        available = min(available, max(0, limit - used))
    return Memory(total, available)


def _bounds(cgroups: Path, mine: Path) -> Iterator[tuple[int, int]]:
    """Limit and use of every group that this process is in, itself and those above.

    Pages of files that nobody has touched for long are not counted as used: the
    kernel takes them back before it refuses anything.
    """
    for root, group in _groups(cgroups, mine):
        folder = root / group.lstrip("/")
        while True:
            if bound := _bound(folder):
                yield bound
            if folder == root:
                break
            folder = folder.parent


def _groups(cgroups: Path, mine: Path) -> Iterator[tuple[Path, str]]:
    """Where the memory controller is, and which group is ours."""
    for line in _text(mine).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers == "":
            yield cgroups, group
        elif "memory" in controllers.split(","):
            yield cgroups / "memory", group


def _bound(folder: Path) -> tuple[int, int] | None:
    two = _number(folder / "memory.max"), _number(folder / "memory.current")
    one = (
        _number(folder / "memory.limit_in_bytes"),
        _number(folder / "memory.usage_in_bytes"),
    )
    for limit, used in (two, one):
        if limit is not None and used is not None:
            return limit, max(0, used - _idle_file_bytes(folder))
    return None


def _idle_file_bytes(folder: Path) -> int:
    told = dict(
        line.split(maxsplit=1)
        for line in _text(folder / "memory.stat").splitlines()
        if " " in line
    )
    idle = told.get("total_inactive_file", told.get("inactive_file", "0"))
    return int(idle) if idle.isdecimal() else 0


def _number(path: Path) -> int | None:
    """A file's number; None where there is none, and for `max`."""
    told = _text(path).strip()
    return int(told) if told.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
