"""Who may send bytes, and how far: nobody, until told so, for one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from prsnl.core.errors import LocalOnlyError, PrsnlError
from prsnl.engines.reach import Reach, farthest


@dataclass
class Permit:
    """Lets one request out of the thread that holds it, and calls it back."""

    reach: Reach
    #: Private addresses, networks or names that count as this machine.
    local_hosts: tuple[str, ...] = ()
    #: Why a connection was refused, whatever a library made of it on the way.
    refusal: PrsnlError | None = None
    is_called_back: bool = False
    _cut: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self, reach: Reach, host: str) -> None:
        """Let a connection be made.

        Raises:
            LocalOnlyError: It leads farther than this permit goes.
        """
        if farthest((reach, self.reach)) is not self.reach:
            self.refusal = LocalOnlyError(
                f"{host} leads outside of what this work may reach ({reach}, and "
                f"allowed is {self.reach}): nothing was sent. Look at the address in "
                "the settings, or at what its name stands for."
            )
            raise self.refusal

    def cut_by(self, cut: Callable[[], None]) -> None:
        """Have *cut* called when the request is called back; at once if it was."""
        with self._lock:
            if not self.is_called_back:
                self._cut.append(cut)
                return
        cut()

    def call_back(self) -> None:
        """Cut what is under way. May be called by any thread."""
        with self._lock:
            self.is_called_back = True
            cuts = list(self._cut)
        for cut in cuts:
            cut()


_HELD: ContextVar[Permit | None] = ContextVar("permit", default=None)


@contextmanager
def permitted(permit: Permit) -> Iterator[Permit]:
    """Let requests out of this thread within the block."""
    token = _HELD.set(permit)
    try:
        yield permit
    finally:
        _HELD.reset(token)


def held() -> Permit:
    """The permit of this thread.

    Raises:
        LocalOnlyError: It has none.
    """
    permit = _HELD.get()
    if permit is None:
        raise LocalOnlyError(
            "A request was about to leave without a permit: nothing was sent. Please "
            "report this."
        )
    return permit
