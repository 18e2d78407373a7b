"""A root folder that holds nothing but what a child may read, and its scratch.

Where the worker is root, this lets a child take a user id of its own although the
Python installation lies in a folder that only root may enter. Where a kernel has no
Landlock, it stands in for it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prsnl.engines.sandbox import kernel

_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 0x40000
_MS_NOSUID: Final = 0x2
_MS_NODEV: Final = 0x4
_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_ATTR_RDONLY: Final = 0x1
_ATTR_NOSUID: Final = 0x2


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def enter(*, readable: Iterable[Path], writable: Path) -> bool:
    """Leave this machine's file system for one with these paths alone.

    Args:
        readable: Files and folders, kept at their places, read only.
        writable: The folder of the scratch folders; the new root is built on it.

    Returns:
        Whether this process is inside; false where mounts are not for it to make.
    """
    root = writable / ".root"
    unsealed = (writable, Path(os.devnull), Path("/proc"))
    try:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount(None, Path("/"), None, _MS_REC | _MS_PRIVATE)
        root.mkdir(mode=0o755, exist_ok=True)
        flags = _MS_NOSUID | _MS_NODEV
        kernel.mount("tmpfs", root, "tmpfs", flags, "mode=0755,size=1m")
        for path in sorted(set(readable)):
            _bind(path, root)
        for path in unsealed:
            _make_place(path, root)
        _seal(root)
        for path in unsealed:
            kernel.mount(str(path), _place(path, root), None, _MS_BIND | _MS_REC)
        os.chroot(root)
        os.chdir("/")
    except OSError:
        return False
    return True


def _bind(path: Path, root: Path) -> None:
    if not path.exists() or _place(path, root).exists():
        return  # not here, or beneath a folder that is bound already
    _make_place(path, root)
    kernel.mount(str(path), _place(path, root), None, _MS_BIND | _MS_REC)


def _make_place(path: Path, root: Path) -> None:
    place = _place(path, root)
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()


def _place(path: Path, root: Path) -> Path:
    return root / path.relative_to("/")


def _seal(root: Path) -> None:
    """Make everything below read only; a kernel before 5.12 cannot."""
    attributes = _MountAttributes(attr_set=_ATTR_RDONLY | _ATTR_NOSUID)
    kernel.system_call(
        _MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(root),
        _AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
