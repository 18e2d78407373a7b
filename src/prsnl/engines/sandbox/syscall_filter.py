"""A seccomp filter: the system calls that no parser needs and every attack wants.

Landlock does not reach them all: a connection to a socket *file*, a new process, a
signal where the kernel has no scopes. Numbers are those of the kernel's tables for
x86-64 and for arm64.
"""

from __future__ import annotations

import ctypes
import errno
import platform
from typing import Final, NamedTuple

from prsnl.engines.sandbox import kernel


class _Machine(NamedTuple):
    audit_number: int
    column: int
    #: Calls from this number on belong to a second table (x32).
    foreign_from: int | None


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 0, 0x40000000),
    "aarch64": _Machine(0xC00000B7, 1, None),
}

#: Refused always: name, number on x86-64, number on arm64 (None: not there).
_REFUSED: Final[tuple[tuple[str, int | None, int | None], ...]] = (
    ("socket", 41, 198),
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("process_madvise", 440, 440),
    ("pidfd_open", 434, 434),
    ("pidfd_getfd", 438, 438),
    ("pidfd_send_signal", 424, 424),
    ("kcmp", 312, 272),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("bpf", 321, 280),
    ("perf_event_open", 298, 241),
    ("userfaultfd", 323, 282),
    ("unshare", 272, 97),
    ("setns", 308, 268),
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("pivot_root", 155, 41),
    ("chroot", 161, 51),
    ("open_tree", 428, 428),
    ("move_mount", 429, 429),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("name_to_handle_at", 303, 264),
    ("open_by_handle_at", 304, 265),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("keyctl", 250, 219),
    ("shmget", 29, 194),
    ("shmat", 30, 196),
    ("msgget", 68, 186),
    ("semget", 64, 190),
    ("mq_open", 240, 180),
    ("mknod", 133, None),
    ("mknodat", 259, 33),
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("swapon", 167, 224),
    ("reboot", 169, 142),
    ("acct", 163, 89),
    ("syslog", 103, 116),
    ("quotactl", 179, 60),
    ("fanotify_init", 300, 262),
    ("rt_sigqueueinfo", 129, 138),
    ("tkill", 200, 130),
)
#: Refused where the profile starts no programs.
_REFUSED_PROGRAMS: Final[tuple[tuple[str, int | None, int | None], ...]] = (
    ("fork", 57, None),
    ("vfork", 58, None),
    ("execve", 59, 221),
    ("execveat", 322, 281),
)
#: Allowed only with this process as their first argument.
_ONLY_ITSELF: Final = (
    ("kill", 62, 129),
    ("tgkill", 234, 131),
    ("rt_tgsigqueueinfo", 297, 240),
)
#: Allowed with 0, which is this process, as first argument, or with its number.
_ONLY_ITSELF_OR_ZERO: Final = (("prlimit64", 302, 261),)
_CLONE: Final = (56, 220)
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x00010000

_LOAD_WORD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_AT_NUMBER: Final = 0
_AT_ARCHITECTURE: Final = 4
#: The low half of the first argument, on a little-endian machine.
_AT_FIRST_ARGUMENT: Final = 16


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jump_true", ctypes.c_uint8),
        ("jump_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_uint16),
        ("instructions", ctypes.POINTER(_Instruction)),
    )


def install(*, process_id: int, programs: bool) -> bool:
    """Bind this thread to the filter; `no_new_privs` must be set before.

    Args:
        process_id: The number by which this process calls itself.
        programs: Whether it may start processes and programs.

    Returns:
        Whether the filter stands; false where this machine has none.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or not kernel.IS_LINUX:
        return False
    steps = _steps(machine, process_id=process_id, programs=programs)
    table = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    try:
        kernel.install_filter(_Program(length=len(steps), instructions=table))
    except OSError:
        return False
    return True


def _steps(
    machine: _Machine, *, process_id: int, programs: bool
) -> list[tuple[int, int, int, int]]:
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    load_number = (_LOAD_WORD, 0, 0, _AT_NUMBER)
    load_argument = (_LOAD_WORD, 0, 0, _AT_FIRST_ARGUMENT)
    steps = [
        (_LOAD_WORD, 0, 0, _AT_ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, machine.audit_number),
        (_RETURN, 0, 0, _KILL_PROCESS),
        load_number,
    ]
    if machine.foreign_from is not None:
        steps += [(_JUMP_AT_LEAST, 0, 1, machine.foreign_from), refuse]
    refused = _REFUSED if programs else _REFUSED + _REFUSED_PROGRAMS
    for row in refused:
        number = row[1 + machine.column]
        if number is not None:
            steps += [(_JUMP_EQUAL, 0, 1, int(number)), refuse]
    for row in () if programs else _ONLY_ITSELF:
        steps += [
            (_JUMP_EQUAL, 0, 4, int(row[1 + machine.column])),
            load_argument,
            (_JUMP_EQUAL, 0, 1, process_id),
            allow,
            refuse,
        ]
    for row in _ONLY_ITSELF_OR_ZERO:
        steps += [
            (_JUMP_EQUAL, 0, 5, int(row[1 + machine.column])),
            load_argument,
            (_JUMP_EQUAL, 1, 0, 0),
            (_JUMP_EQUAL, 0, 1, process_id),
            allow,
            refuse,
        ]
    if not programs:
        steps += [
            (_JUMP_EQUAL, 0, 1, _CLONE3),
            (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
            (_JUMP_EQUAL, 0, 4, _CLONE[machine.column]),
            load_argument,
            (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD),
            allow,
            refuse,
        ]
    return [*steps, allow]
