"""Units that are done and wait a moment for company, so that they share a commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from prsnl.core.db import Db

#: What a kill costs at most of what was done: so long a commit is waited for.
GATHER_S: Final = 0.25
GATHER_UNITS: Final = 64
#: So many stages of a first claim that are not found say that the input is new.
_NEW_AFTER: Final = 2

R = TypeVar("R", bound=BaseModel)

#: Applies a stage's effects, in the transaction of its guard.
StoreUnits = Callable[[Db, Mapping[int, R]], None]


@dataclass(frozen=True)
class Made(Generic[R]):
    """One unit's result."""

    unit: int
    key: bytes
    value: R
    milliseconds: float
    is_found: bool


@dataclass(frozen=True)
class Part(Generic[R]):
    """Units of one stage that are committed together.

    Attributes:
        steps: What they count for the progress.
        title: What the user reads of them.
    """

    stage: str
    run: int
    made: Sequence[Made[R]]
    store: StoreUnits[R]
    steps: int
    title: str


class Gathered:
    """The parts of one claim that are not committed yet."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        gather_s: float = GATHER_S,
    ) -> None:
        self._clock = clock
        self._gather_s = gather_s
        self._parts: list[Part[Any]] = []
        self._opened_at = 0.0
        self._misses = 0
        #: Whether whole stages may wait for each other.
        self.is_open = False

    def add(self, part: Part[Any]) -> None:
        """Have a part wait."""
        if not self._parts:
            self._opened_at = self._clock()
        self._parts.append(part)

    def take(self) -> list[Part[Any]]:
        """All that waits, in its order; it waits no longer."""
        parts, self._parts = self._parts, []
        return parts

    @property
    def is_due(self) -> bool:
        """Whether what waits is to be committed now."""
        if not self.is_open:
            return True
        made = [one for part in self._parts for one in part.made]
        worked_s = sum(one.milliseconds for one in made) / 1e3
        waited_s = self._clock() - self._opened_at
        return max(worked_s, waited_s) >= self._gather_s or len(made) >= GATHER_UNITS

    def note_look(self, *, found: bool) -> None:
        """Note whether a checkpoint of a stage was looked for with success."""
        self._misses = 0 if found else self._misses + 1

    @property
    def is_new(self) -> bool:
        """Whether to look for checkpoints is no use.

        Where stages may gather, what a checkpoint saves is less than a look costs.
        """
        return self.is_open and self._misses >= _NEW_AFTER
