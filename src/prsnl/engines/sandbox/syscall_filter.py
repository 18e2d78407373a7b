"""A seccomp filter: the system calls that no parser needs and every attack wants.

Landlock does not reach them all: the mode, owner, times and attributes of a file that
it keeps closed, a connection to a socket *file*, a new process, a signal where the
kernel has no scopes. Numbers are those of the kernel's tables for x86-64 and for arm64.
"""

from __future__ import annotations

import ctypes
import errno
import platform
from collections.abc import Collection
from typing import Final, NamedTuple, TypeAlias

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
    # Landlock binds opening and making, not changing what a file is, nor watching it.
    ("chmod", 90, None),
    ("fchmod", 91, 52),
    ("fchmodat", 268, 53),
    ("fchmodat2", 452, 452),
    ("chown", 92, None),
    ("fchown", 93, 55),
    ("lchown", 94, None),
    ("fchownat", 260, 54),
    ("utime", 132, None),
    ("utimes", 235, None),
    ("futimesat", 261, None),
    ("utimensat", 280, 88),
    ("setxattr", 188, 5),
    ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7),
    ("getxattr", 191, 8),
    ("lgetxattr", 192, 9),
    ("fgetxattr", 193, 10),
    ("listxattr", 194, 11),
    ("llistxattr", 195, 12),
    ("flistxattr", 196, 13),
    ("removexattr", 197, 14),
    ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16),
    ("setxattrat", 463, 463),
    ("getxattrat", 464, 464),
    ("listxattrat", 465, 465),
    ("removexattrat", 466, 466),
    ("file_getattr", 468, 468),
    ("file_setattr", 469, 469),
    ("truncate", 76, 45),
    ("link", 86, None),
    ("linkat", 265, 37),
    ("symlink", 88, None),
    ("symlinkat", 266, 36),
    ("inotify_init", 253, None),
    ("inotify_init1", 294, 26),
    ("inotify_add_watch", 254, 27),
    # A pair of datagram sockets can be pointed at a socket file.
    ("socket", 41, 198),
    ("socketpair", 53, 199),
    ("connect", 42, 203),
    ("bind", 49, 200),
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("process_madvise", 440, 440),
    ("process_mrelease", 448, 448),
    ("migrate_pages", 256, 238),
    ("move_pages", 279, 239),
    ("setpriority", 141, 140),
    ("ioprio_set", 251, 30),
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
    ("statmount", 457, 457),
    ("listmount", 458, 458),
    ("open_tree_attr", 467, 467),
    ("name_to_handle_at", 303, 264),
    ("open_by_handle_at", 304, 265),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("keyctl", 250, 219),
    ("shmget", 29, 194),
    ("shmat", 30, 196),
    ("shmctl", 31, 195),
    ("msgget", 68, 186),
    ("msgsnd", 69, 189),
    ("msgrcv", 70, 188),
    ("msgctl", 71, 187),
    ("semget", 64, 190),
    ("semop", 65, 193),
    ("semtimedop", 220, 192),
    ("semctl", 66, 191),
    ("mq_open", 240, 180),
    ("mq_unlink", 241, 181),
    ("mknod", 133, None),
    ("mknodat", 259, 33),
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("swapon", 167, 224),
    ("swapoff", 168, 225),
    ("reboot", 169, 142),
    ("acct", 163, 89),
    ("syslog", 103, 116),
    ("quotactl", 179, 60),
    ("quotactl_fd", 443, 443),
    ("fanotify_init", 300, 262),
    ("fanotify_mark", 301, 263),
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
_OPENS: Final[tuple[tuple[str, int | None, int | None, int], ...]] = (
    # The last number tells which argument holds the flags, counted from 0.
    ("open", 2, None, 1),
    ("openat", 257, 56, 2),
)
#: Empties a file that is opened for reading alone: Landlock before ABI 3 lets that
#: pass, and the kernel asks only the file's mode.
_O_TRUNC: Final = 0o1000
_O_TRUNC_OR_WRITE: Final = 0o1003
#: Its flags lie in memory, where no filter sees them.
_OPENAT2: Final = 437
_IOCTL: Final = (16, 29)
#: What is asked of files and terminals; the rest changes a file's flags, or worse.
_IOCTL_ALLOWED: Final = {
    "TCGETS": 0x5401,
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450,
    "FIOCLEX": 0x5451,
    "TCGETS2": 0x802C542A,
}
_FCNTL: Final = (72, 25)
#: Have the kernel signal another process, or hold up who opens a file.
_FCNTL_REFUSED: Final = {
    "F_SETOWN": 8,
    "F_SETSIG": 10,
    "F_SETOWN_EX": 15,
    "F_SETLEASE": 1024,
    "F_NOTIFY": 1026,
}
_CLONE: Final = (56, 220)
_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x00010000

_LOAD_WORD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_AT_NUMBER: Final = 0
_AT_ARCHITECTURE: Final = 4
#: The low half of each argument, on a little-endian machine.
_AT_ARGUMENTS: Final = (16, 24, 32, 40, 48, 56)


_Step: TypeAlias = tuple[int, int, int, int]


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


def _steps(machine: _Machine, *, process_id: int, programs: bool) -> list[_Step]:
    refuse = _answer(errno.EPERM)
    absent = _answer(errno.ENOSYS)
    allow = (_RETURN, 0, 0, _ALLOW)
    load_number = (_LOAD_WORD, 0, 0, _AT_NUMBER)
    load_argument = (_LOAD_WORD, 0, 0, _AT_ARGUMENTS[0])
    steps: list[_Step] = [
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
    steps += [(_JUMP_EQUAL, 0, 1, _OPENAT2), absent]
    steps += _file_steps(machine)
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
            absent,
            (_JUMP_EQUAL, 0, 4, _CLONE[machine.column]),
            load_argument,
            (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD),
            allow,
            refuse,
        ]
    return [*steps, allow]


def _file_steps(machine: _Machine) -> list[_Step]:
    """The calls on files that are refused for what they ask."""
    allow = (_RETURN, 0, 0, _ALLOW)
    steps: list[_Step] = []
    for row in _OPENS:
        number = row[1 + machine.column]
        if number is not None:
            steps += [
                (_JUMP_EQUAL, 0, 5, int(number)),
                (_LOAD_WORD, 0, 0, _AT_ARGUMENTS[row[3]]),
                (_AND, 0, 0, _O_TRUNC_OR_WRITE),
                (_JUMP_EQUAL, 0, 1, _O_TRUNC),
                _answer(errno.EPERM),
                allow,
            ]
    steps += _by_second_argument(
        _IOCTL[machine.column], _IOCTL_ALLOWED.values(), allow, _answer(errno.ENOTTY)
    )
    steps += _by_second_argument(
        _FCNTL[machine.column], _FCNTL_REFUSED.values(), _answer(errno.EPERM), allow
    )
    return steps


def _by_second_argument(
    number: int, values: Collection[int], if_among: _Step, otherwise: _Step
) -> list[_Step]:
    """Answer a call by whether its second argument is among `values`."""
    steps = [(_LOAD_WORD, 0, 0, _AT_ARGUMENTS[1])]
    for value in values:
        steps += [(_JUMP_EQUAL, 0, 1, value), if_among]
    steps.append(otherwise)
    return [(_JUMP_EQUAL, 0, len(steps), number), *steps]


def _answer(error: int) -> _Step:
    return (_RETURN, 0, 0, _ERRNO | error)
