"""How many unknown keys one client may try: a bucket each, few buckets in all."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from prsnl.core.errors import TooManyRequestsError

_MOST_CLIENTS: Final = 10_000


@dataclass
class Throttle:
    """Counts the wrong tries of each client. For one event loop.

    A bucket holds a minute's tries and fills up again evenly. Of too many clients the
    one that was silent longest is forgotten.
    """

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _tries: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def check(self, client: str) -> None:
        """Refuse a client that has tried too many.

        Raises:
            TooManyRequestsError: It has; the error says when it may try again.
        """
        left = self._left(client)
        if left < 1:
            raise TooManyRequestsError(
                "Too many unknown keys came from this address: wait a little, and "
                "check the key. PRSNL_WRONG_KEYS_PER_MINUTE sets how many may.",
                retry_after_s=(1 - left) * 60 / self.per_minute,
            )

    def count(self, client: str) -> None:
        """Note one wrong try."""
        self._tries[client] = (self._left(client) - 1, self.clock())
        self._tries.move_to_end(client)
        if len(self._tries) > _MOST_CLIENTS:
            self._tries.popitem(last=False)

    def _left(self, client: str) -> float:
        left, at = self._tries.get(client, (float(self.per_minute), 0.0))
        filled = left + (self.clock() - at) * self.per_minute / 60
        return min(filled, float(self.per_minute))
