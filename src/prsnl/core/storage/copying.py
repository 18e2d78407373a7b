"""Streams copied, and a full disk named."""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from prsnl.core.errors import DiskFullError

_PIECE_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: OSError) -> bool:
    """Whether it says that there is no room: on the disk, or for this user."""
    return error.errno in _FULL


def copy_hashed(source: BinaryIO, target: BinaryIO) -> tuple[int, str]:
    """Copy a stream; tell its size in bytes and its sha256."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(_PIECE_BYTES):
        target.write(piece)
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


@contextlib.contextmanager
def disk_full_is_named() -> Iterator[None]:
    """Turn the system's word for a full disk into ours.

    Raises:
        DiskFullError: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFullError(
                "The disk is full: free some space, then try again."
            ) from error
        raise
