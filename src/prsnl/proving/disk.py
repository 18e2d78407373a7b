"""A small disk that can be filled: a memory file system that this process alone sees.

It needs a mount namespace. As root that is there; another user gets one of his own
where the kernel lets him.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core.errors import StartError

_NEW_MOUNTS: Final = 0x0002_0000  # CLONE_NEWNS
_NEW_USER: Final = 0x1000_0000  # CLONE_NEWUSER
_REMOUNT: Final = 1 << 5
_RECURSIVE: Final = 1 << 14
_PRIVATE: Final = 1 << 18
_DETACH: Final = 2
_SIZE_BYTES: Final = 2 * 2**30
#: What is left when it is full: less than one page of a table.
_LEFT_BYTES: Final = 4096


@dataclass(frozen=True)
class SmallDisk:
    """A file system mounted on a folder."""

    folder: Path

    def fill(self) -> None:
        """Take all room away; what is on it stays."""
        told = os.statvfs(self.folder)
        used = (told.f_blocks - told.f_bfree) * told.f_frsize
        self._resize(used + _LEFT_BYTES)

    def make_room(self) -> None:
        """Give it back."""
        self._resize(_SIZE_BYTES)

    def _resize(self, size_bytes: int) -> None:
        _mount("none", self.folder, None, _REMOUNT, f"size={size_bytes}")


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount one on a folder, for this process and those that it starts.

    The process must have a single thread: it leaves the mounts of all others.

    Raises:
        StartError: This machine does not let us.
    """
    if sys.platform != "linux":
        raise StartError("A small disk needs Linux.")
    try:
        _try_in_a_child(folder)
        _make(folder)
    except OSError as error:
        raise StartError(
            f"The kernel lets us mount no file system ({error.strerror})."
        ) from error
    try:
        yield SmallDisk(folder)
    finally:
        with suppress(OSError):  # it goes with the last process that sees it
            _call("umount2", os.fsencode(folder), _DETACH)


def _try_in_a_child(folder: Path) -> None:
    """Where it is refused half-way, the child is left without rights, and not we."""
    child = os.fork()
    if child == 0:
        try:
            _make(folder)
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if number := os.waitstatus_to_exitcode(status):
        raise OSError(number, os.strerror(number))


def _make(folder: Path) -> None:
    _leave_the_mounts_of_others()
    _mount("tmpfs", folder, "tmpfs", 0, f"size={_SIZE_BYTES},mode=0711")


def _leave_the_mounts_of_others() -> None:
    user, group = os.geteuid(), os.getegid()
    is_root = user == 0
    _call("unshare", _NEW_MOUNTS | (0 if is_root else _NEW_USER))
    if not is_root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("none", Path("/"), None, _RECURSIVE | _PRIVATE, "")


def _mount(source: str, target: Path, kind: str | None, flags: int, data: str) -> None:
    _call(
        "mount",
        source.encode(),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        data.encode(),
    )


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
