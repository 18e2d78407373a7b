"""In which order a worker of several queues looks into them."""

from __future__ import annotations

from prsnl.work.queues import QUEUES

_FAVOUR = 10
_PLACE = {str(spec.queue): place for place, spec in enumerate(QUEUES)}


class SeedOrder:
    """The queues by priority; after ten tasks of the highest a lower one is first.

    It has the shape of kombu's queue cycles: `consume` gives the order of the next
    look, `rotate` is told which queue gave a message.
    """

    def __init__(self, queues: list[str] | None = None) -> None:
        self._queues: list[str] = []
        self._served = dict.fromkeys(_PLACE, 0)
        self._count = 0
        self._in_a_row = 0
        self.update(queues or [])

    def update(self, queues: list[str]) -> None:
        """Set the queues."""
        self._queues = sorted(queues, key=lambda name: _PLACE.get(name, len(_PLACE)))

    def consume(self, count: int) -> list[str]:
        """The first *count* queues to look into."""
        if self._in_a_row < _FAVOUR:
            return self._queues[:count]
        highest, *lower = self._queues
        lower.sort(key=lambda name: self._served.get(name, 0))
        return [*lower, highest][:count]

    def rotate(self, last_used: str) -> str:
        """Note that *last_used* gave a message."""
        self._count += 1
        self._served[last_used] = self._count
        is_highest = bool(self._queues) and last_used == self._queues[0]
        self._in_a_row = self._in_a_row + 1 if is_highest else 0
        return last_used
