"""How a child holds the memory that page after page takes and gives back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from typing import Final

_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_MIB: Final = 2**20


@cache
def keep_memory() -> None:
    """Have glibc keep what a page frees for the next one; elsewhere do nothing.

    By itself it returns the memory of most pages to the system and asks for it again,
    which takes a quarter of the time of a page. A child has a limit, and a short life.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 32 * _MIB)
        mallopt(_TRIM_THRESHOLD, 256 * _MIB)
        mallopt(_TOP_PAD, 16 * _MIB)
