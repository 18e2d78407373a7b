"""Whether something grows: the last third of a run beside its middle third.

The first third is for what fills up by itself: caches, pools, plans. Of each third the
lower quartile counts: what a process holds between two jobs, so that a busy moment is
no growth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: A process may hold so much more in the last third, in MiB.
MORE_MIB: Final = 3.0
#: So many more open files, threads or connections are none that somebody forgot.
MORE_COUNT: Final = 10.0
#: In so much of the middle and of the last third a process has to be there.
_PRESENT: Final = 0.9


@dataclass(frozen=True)
class Held:
    """What one process holds at one moment.

    Attributes:
        own_mib: Memory that is its own and no file's: what a leak is made of. Pages
            of a file or of a shared cache come and go as the kernel likes.
        pss_mib: Proportional: a page that several share is divided among them.
        rss_mib: All that is resident.
        files: Open files and sockets.
        threads: Its threads.
    """

    own_mib: float
    pss_mib: float
    rss_mib: float
    files: int
    threads: int


@dataclass(frozen=True)
class Sample:
    """One look at everything."""

    at_s: float
    #: By a name that stays the same over the run.
    processes: Mapping[str, Held]
    #: Connections of the database, by who has them.
    connections: Mapping[str, int]


@dataclass(frozen=True)
class Growth:
    """One figure of one process over the two last thirds."""

    who: str
    what: str
    middle: float
    last: float
    allowed: float

    @property
    def more(self) -> float:
        """How much more the last third has."""
        return self.last - self.middle

    @property
    def is_too_much(self) -> bool:
        """Whether that is more than may be."""
        return self.more > self.allowed


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """What every process that lasts holds in both thirds, and the connections.

    A process that was not there for nearly all of both thirds says nothing by itself;
    how many of its kind there are is counted.
    """
    if not samples:
        return []
    middle, last = _thirds(samples)
    lasting = _lasting(middle) & _lasting(last)
    told = [
        _growth(who, what, middle, last, allowed)
        for who in sorted(lasting)
        for what, allowed in (
            ("own_mib", MORE_MIB),
            ("files", MORE_COUNT),
            ("threads", MORE_COUNT),
        )
    ]
    counts = {
        "connections": lambda one: float(sum(one.connections.values())),
        "processes": lambda one: float(len(one.processes)),
    }
    return told + [
        Growth(
            "all",
            what,
            _typical(map(count, middle)),
            _typical(map(count, last)),
            MORE_COUNT,
        )
        for what, count in counts.items()
    ]


def too_much(samples: Sequence[Sample]) -> list[Growth]:
    """What has grown more than it may."""
    return [one for one in growths(samples) if one.is_too_much]


def _thirds(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The middle and the last third, by time."""
    began_s, ended_s = samples[0].at_s, samples[-1].at_s
    third_s = (ended_s - began_s) / 3
    middle = [one for one in samples if third_s <= one.at_s - began_s < 2 * third_s]
    last = [one for one in samples if one.at_s - began_s >= 2 * third_s]
    return middle or list(samples), last or list(samples)


def _lasting(samples: Iterable[Sample]) -> set[str]:
    seen: dict[str, int] = defaultdict(int)
    looks = 0
    for one in samples:
        looks += 1
        for who in one.processes:
            seen[who] += 1
    return {who for who, times in seen.items() if times >= _PRESENT * looks}


def _growth(
    who: str,
    what: str,
    middle: Sequence[Sample],
    last: Sequence[Sample],
    allowed: float,
) -> Growth:
    def values(samples: Sequence[Sample]) -> Iterator[float]:
        for one in samples:
            if who in one.processes:
                yield float(getattr(one.processes[who], what))

    return Growth(who, what, _typical(values(middle)), _typical(values(last)), allowed)


def _typical(values: Iterable[float]) -> float:
    """The lower quartile."""
    ordered = sorted(values)
    return ordered[len(ordered) // 4]
