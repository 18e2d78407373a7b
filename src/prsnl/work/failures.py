"""What follows from an error: one row a category."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import Category, PrsnlError
from prsnl.work.specs import Status

_JITTER: Final = 0.1
_MOST_CRASHES: Final = 3
_RESOURCE_TRIES: Final = 2
_BUG_TRIES: Final = 2
_BUG_WAIT_S: Final = 5.0
#: Short: a child that somebody kills cannot be told from one that the kernel killed
#: for want of memory, and is to cost five seconds at most.
_RESOURCE_WAIT_S: Final = 2.0
#: A provider's own word is input: nothing waits longer than a day for it.
_LONGEST_ASKED_WAIT_S: Final = 86_400.0


@dataclass(frozen=True)
class Verdict:
    """What becomes of the task."""

    status: Status
    #: Seconds until it is due again; None where it keeps its place in the line.
    due_in_s: float | None = None
    #: Adds to the row's counters.
    retries: int = 0
    crashes: int = 0
    #: So many tries again there are in all; None where they are not counted.
    retries_of: int | None = None


def judge(
    error: PrsnlError,
    *,
    retries: int,
    crashes: int,
    retry_waits_s: tuple[float, ...],
    waits_scale: float = 1.0,
    jitter: random.Random | None = None,
) -> Verdict:
    """Tell what follows from *error* for a task that was tried before.

    Args:
        error: What ended this claim.
        retries: Tries used up by transient, resource and bug errors before.
        crashes: Crashes since something was last committed.
        retry_waits_s: The task's own waits after a transient error, in seconds.
        waits_scale: Multiplies every wait.
        jitter: Where the ±10 % come from.
    """
    match error.category:
        case Category.PERMANENT:
            return Verdict(Status.FAILURE)
        case Category.PROVIDER_DOWN:
            return Verdict(Status.PARKED)
        case Category.CRASH:
            is_last = crashes + 1 >= _MOST_CRASHES
            return Verdict(Status.DEAD if is_last else Status.QUEUED, crashes=1)
        case Category.RESOURCE if error.retry_after_s is not None:
            # The machine's own disk is full: no other file is at fault either, and
            # all would die of it one after the other.
            return Verdict(Status.QUEUED, due_in_s=error.retry_after_s * waits_scale)
        case Category.RESOURCE:
            waits_s: tuple[float, ...] = (_RESOURCE_WAIT_S,) * (_RESOURCE_TRIES - 1)
        case Category.BUG:
            waits_s = (_BUG_WAIT_S,) * (_BUG_TRIES - 1)
        case Category.TRANSIENT:
            waits_s = retry_waits_s
    if retries >= len(waits_s):
        return Verdict(Status.DEAD)
    source = jitter or random
    wait_s = waits_s[retries] * waits_scale
    wait_s *= 1 + source.uniform(-_JITTER, _JITTER)
    asked_s = min(error.retry_after_s or 0.0, _LONGEST_ASKED_WAIT_S)
    return Verdict(
        Status.QUEUED,
        due_in_s=max(wait_s, asked_s),
        retries=1,
        retries_of=len(waits_s),
    )
