"""Which machine, and what runs on it: a figure means nothing without."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

_GIB = 2**30


def described() -> str:
    """One line: cores, processor, memory, kernel, Python, and the load just now."""
    one_minute = os.getloadavg()[0]
    return (
        f"{cores()} cores ({_processor()}), "
        f"{psutil.virtual_memory().total / _GIB:.0f} GiB, "
        f"{platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {one_minute:.1f} before the start"
    )


def versions(*names: str) -> str:
    """The installed versions of packages, on one line."""
    return ", ".join(f"{name} {version(name)}" for name in names)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first to the left and the others to the right."""
    widths = [
        max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))
    ]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(
                    cell.rjust(width)
                    for cell, width in zip(row[1:], widths[1:], strict=True)
                ),
            ]
        ).rstrip()
        for row in [heads, *rows]
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
