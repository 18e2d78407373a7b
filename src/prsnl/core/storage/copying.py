"""Streams copied, and a full disk named."""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from prsnl.core.errors import DiskFullError

#: A full disk passes: who waits for room looks again after so long.
_LOOK_FOR_ROOM_S = 30.0
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


def no_room() -> DiskFullError:
    """The error for a disk of this machine that is full."""
    return DiskFullError(
        "The disk is full: free some space, then it goes on.",
        retry_after_s=_LOOK_FOR_ROOM_S,
    )


@contextlib.contextmanager
def disk_full_is_named() -> Iterator[None]:
    """Turn the system's word for a full disk into ours.

    Raises:
        DiskFullError: The disk is full; it says when to look again.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise no_room() from error
        raise
