"""In which order a worker of several queues looks into them."""

from __future__ import annotations

from typing import Final

from prsnl.work.queues import QUEUES

_FAVOUR: Final = 10
_PLACE: Final = {str(spec.queue): place for place, spec in enumerate(QUEUES)}


class SeedOrder:
    """The queues by priority; after ten tasks of higher ones a lower one is first.

    It has the shape of kombu's queue cycles: `consume` gives the order of the next
    look, `rotate` is told which queue gave a message.
    """

    def __init__(self, queues: list[str] | None = None) -> None:
        self._queues: list[str] = []
        #: By queue: how many tasks of higher queues came since its last one.
        self._passed: dict[str, int] = {}
        self.update(queues or [])

    def update(self, queues: list[str]) -> None:
        """Set the queues."""
        self._queues = sorted(queues, key=lambda name: _PLACE.get(name, len(_PLACE)))
        self._passed = {name: self._passed.get(name, 0) for name in self._queues}

    def consume(self, count: int) -> list[str]:
        """The first *count* queues to look into."""
        overdue = [name for name in self._queues if self._passed[name] >= _FAVOUR]
        overdue.sort(key=lambda name: -self._passed[name])
        return [*overdue, *(q for q in self._queues if q not in overdue)][:count]

    def rotate(self, last_used: str) -> str:
        """Note that *last_used* gave a message."""
        for name in reversed(self._queues):
            if name == last_used:
                self._passed[name] = 0
                break
            self._passed[name] += 1
        return last_used
