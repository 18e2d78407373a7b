"""Ids that sort by the time they were made."""

from __future__ import annotations

import os
import threading
import time
from typing import Final
from uuid import UUID

_FRACTION_BITS: Final = 12
_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000

_lock = threading.Lock()
_last_tick = 0


def new_id() -> UUID:
    """A UUID of version 7; those of one process rise strictly.

    After the milliseconds stand their fraction and 62 random bits (RFC 9562, section
    6.2, method 3). What was made later sorts later, within a millisecond too.
    """
    tick = _next_tick()
    milliseconds, fraction = tick >> _FRACTION_BITS, tick & (2**_FRACTION_BITS - 1)
    random = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    version, variant = 0x7, 0x2
    return UUID(
        int=(milliseconds & (2**48 - 1)) << 80
        | version << 76
        | fraction << 64
        | variant << 62
        | random
    )


def _next_tick() -> int:
    global _last_tick  # noqa: PLW0603 - one clock a process
    milliseconds, rest_ns = divmod(time.time_ns(), _NANOSECONDS_PER_MILLISECOND)
    fraction = (rest_ns << _FRACTION_BITS) // _NANOSECONDS_PER_MILLISECOND
    with _lock:
        _last_tick = max(_last_tick + 1, milliseconds << _FRACTION_BITS | fraction)
        return _last_tick
