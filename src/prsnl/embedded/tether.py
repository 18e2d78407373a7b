"""A tiny program that ties itself to its parent, then becomes the given one.

It runs as a script of its own (`python -I -S tether.py SIGNAL PARENT NICE ARGV...`)
and imports nothing of ours: what it sets is inherited over `exec`, and no code of
the parent runs between fork and exec.
"""

import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent(death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the thread that started us ends."""
    import ctypes  # noqa: PLC0415 - only Linux has use for it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def main(arguments: list[str]) -> None:
    """Set the tether and the niceness, then become the program."""
    death_signal, parent, niceness = (int(argument) for argument in arguments[:3])
    if sys.platform == "linux":
        _die_with_parent(death_signal)
    if os.getppid() != parent:  # it ended before the tether held
        raise SystemExit(1)
    os.nice(niceness)
    program = arguments[3:]
    os.execvp(program[0], program)  # noqa: S606 - a list of arguments, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
