"""Lets the end of one claim wait a moment for the next claim: both are one COMMIT.

A worker with tasks ahead of it takes the end back and commits it together with the
next claim. One without does not: a thread ends the claim a few milliseconds later.
The tasks themselves still run one after another.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

#: The next hint of a busy worker is there after less than one of it.
_LINGER_S: Final = 0.005
#: After so many looks at nothing the thread sleeps until it is called.
_LOOKS_AWAKE: Final = 20

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Handed(Generic[T]):
    value: T
    do: Callable[[], None]


class Finisher(Generic[T]):
    """Holds one value at most, and does what is to be done with it unless taken.

    A context manager: at the end of its block nothing is open.
    """

    def __init__(self, linger_s: float = _LINGER_S) -> None:
        self._linger_s = linger_s
        self._handed: _Handed[T] | None = None
        self._is_doing = False
        self._is_asleep = True
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="finisher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def hand(self, value: T, do: Callable[[T], None]) -> None:
        """Have *do*, which raises nothing, done with *value* soon.

        Waits for the value before it, unless that was taken.
        """
        context = contextvars.copy_context()
        handed = _Handed(value, lambda: context.run(do, value))
        with self._changed:
            self._changed.wait_for(lambda: not (self._handed or self._is_doing))
            self._handed = handed
            if self._is_asleep:
                self._changed.notify_all()

    def take(self) -> T | None:
        """Take back the value that was handed last; None if it is being done."""
        with self._changed:
            handed, self._handed = self._handed, None
            if handed is not None and self._is_closed:
                self._changed.notify_all()
        return None if handed is None else handed.value

    def close(self) -> None:
        """Do what was handed over, then stop."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        seen: _Handed[T] | None = None
        looks = _LOOKS_AWAKE
        while True:
            with self._changed:
                if self._handed is None and self._is_closed:
                    return
                if self._handed is not None:
                    looks = 0
                if self._handed is None or (
                    self._handed is not seen and not self._is_closed
                ):
                    # Often not worth a call: while there is much to do, all is taken.
                    seen = self._handed
                    self._is_asleep = looks >= _LOOKS_AWAKE
                    self._changed.wait(None if self._is_asleep else self._linger_s)
                    self._is_asleep = False
                    looks += 1
                    continue
                handed, self._handed = self._handed, None
                self._is_doing = True
            try:
                handed.do()
            finally:
                with self._changed:
                    self._is_doing = False
                    self._changed.notify_all()
