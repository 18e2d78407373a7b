"""Landlock: which files a child may open; TCP, signals and sockets besides.

The numbers are those of the kernel's `include/uapi/linux/landlock.h`.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prsnl.engines.sandbox import kernel

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_CREATE_RULESET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_REMOVE_DIR: Final = 1 << 4
_REMOVE_FILE: Final = 1 << 5
_MAKE_DIR: Final = 1 << 7
_MAKE_REG: Final = 1 << 8
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14

#: How many of the rights above, by ABI; an unknown newer ABI has at least the last.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_FILE_RIGHTS_LATEST: Final = 16
_ABI_TCP: Final = 4
_ABI_SCOPES: Final = 6
_TCP_RIGHTS: Final = 0b11
_SCOPES: Final = 0b11

READ: Final = _READ_FILE | _READ_DIR
#: Read, and start programs from there.
RUN: Final = READ | _EXECUTE
#: A folder of its own, for plain files: no links, devices, pipes or sockets.
WRITE: Final = (
    READ
    | _WRITE_FILE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _REFER
    | _TRUNCATE
)
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def offered_abi() -> int:
    """The Landlock ABI of this kernel; 0 where there is none."""
    try:
        return kernel.system_call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(rules: Iterable[tuple[Path, int]]) -> int:
    """Bind this thread, and all that it starts, to `rules`.

    A path that does not exist is left out. Everything not named is refused: files,
    TCP, abstract sockets of others and signals to others, as far as the ABI goes.

    Args:
        rules: Paths, each with `READ`, `RUN` or `WRITE`.

    Returns:
        The ABI in force; 0 if this kernel offers none.
    """
    abi = offered_abi()
    if not abi:
        return 0
    rights = (1 << _FILE_RIGHTS.get(abi, _FILE_RIGHTS_LATEST)) - 1
    attributes = _RulesetAttributes(
        handled_access_fs=rights,
        handled_access_net=_TCP_RIGHTS if abi >= _ABI_TCP else 0,
        scoped=_SCOPES if abi >= _ABI_SCOPES else 0,
    )
    ruleset = kernel.system_call(
        _CREATE_RULESET,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
        0,
    )
    try:
        for path, allowed in rules:
            _allow(ruleset, path, allowed & rights)
        kernel.system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            allowed &= _OF_A_FILE
        beneath = _PathBeneath(allowed_access=allowed, parent_fd=opened)
        kernel.system_call(
            _ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(beneath), 0
        )
    finally:
        os.close(opened)
