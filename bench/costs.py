"""What processes cost: seconds of CPU, and memory, summed over their trees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Memory:
    """Memory of some processes, in MiB.

    Attributes:
        pss_mib: Proportional: a page that several share is divided among them.
        peak_rss_mib: The highest resident sets since their starts, added up; a page
            that several share counts for each.
        processes: How many there are.
    """

    pss_mib: float
    peak_rss_mib: float
    processes: int


@dataclass(frozen=True)
class Process:
    """One process: what it holds now, and the CPU it has used itself."""

    pid: int
    command: str
    pss_mib: float
    cpu_s: float


def cpu_s(roots: Iterable[int]) -> float:
    """Seconds of CPU that these trees have used, ended children included."""
    total = 0.0
    for process in _trees(roots):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def memory(roots: Iterable[int]) -> Memory:
    """Memory of these trees now; Linux only."""
    pss_kib = peak_kib = count = 0
    for process in _trees(roots):
        proc = Path("/proc", str(process.pid))
        with contextlib.suppress(OSError):
            pss_kib += _kib(proc / "smaps_rollup", "Pss")
            peak_kib += _kib(proc / "status", "VmHWM")
            count += 1
    return Memory(pss_kib / 1024, peak_kib / 1024, count)


def by_process(roots: Iterable[int]) -> list[Process]:
    """Every process of these trees, the one that holds most first."""
    told = []
    for process in _trees(roots):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            pss_kib = _kib(Path("/proc", str(process.pid), "smaps_rollup"), "Pss")
            used_s = sum(process.cpu_times()[:2])
            command = " ".join(process.cmdline())
            told.append(Process(process.pid, command, pss_kib / 1024, used_s))
    return sorted(told, key=lambda each: -each.pss_mib)


def _trees(roots: Iterable[int]) -> Iterator[psutil.Process]:
    for root in roots:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(root)
            yield process
            yield from process.children(recursive=True)


def _kib(path: Path, key: str) -> int:
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    return 0
