"""The few system calls that Python does not wrap, for Linux alone."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

IS_LINUX: Final = sys.platform == "linux"


def system_call(number: int, *arguments: Any) -> int:
    """Make a system call by its number.

    Raises:
        OSError: The kernel refused, or this is not Linux.
    """
    if not IS_LINUX:
        raise OSError(errno.ENOSYS, "not Linux")
    done = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if done < 0:
        raise _last_error()
    return done


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` names.

    Raises:
        OSError: The kernel or a policy refuses, or this is not Linux.
    """
    if not IS_LINUX:
        raise OSError(errno.ENOSYS, "not Linux")
    if _libc().unshare(ctypes.c_int(flags)) != 0:
        raise _last_error()


def mount(
    source: str | None, target: Path, kind: str | None, flags: int, data: str = ""
) -> None:
    """Put a file system at `target`, or a folder that is elsewhere too.

    Raises:
        OSError: The kernel or a policy refuses.
    """
    done = _libc().mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode("ascii"),
        ctypes.c_ulong(flags),
        data.encode("ascii"),
    )
    if done != 0:
        raise _last_error()


def die_with_parent(signal_number: int) -> None:
    """Get this signal when the parent ends; nothing where the system has no such."""
    if IS_LINUX:
        _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    if IS_LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """No program started from here can gain rights; Landlock and seccomp need it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: ctypes.Structure) -> None:
    """Bind this thread, and what it starts, to a seccomp program."""
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))


def drop_capabilities() -> None:
    """Give up every capability, in this user namespace too."""
    if not IS_LINUX:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc().capset(ctypes.byref(header), ctypes.byref(nothing)) != 0:
        raise _last_error()


def resident_bytes(usage: resource.struct_rusage) -> int:
    """The most resident memory that `usage` tells of, in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _prctl(option: int, *arguments: Any) -> None:
    if not IS_LINUX:
        raise OSError(errno.ENOSYS, "not Linux")
    padded = [*arguments, 0, 0, 0, 0][:4]
    cast = [
        ctypes.c_ulong(value) if isinstance(value, int) else value for value in padded
    ]
    if _libc().prctl(ctypes.c_int(option), *cast) != 0:
        raise _last_error()


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
