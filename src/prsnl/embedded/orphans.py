"""Servers of ours that outlived their supervisor: found by pid file, then stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import structlog

from prsnl.core.errors import StartError

_LOOK_EVERY_S: Final = 0.02

_log = structlog.get_logger(__name__)


def orphan(pid_file: Path, *, program: str) -> psutil.Process | None:
    """The living server that a pid file names, if it really is that server.

    A pid is used again by others, and a folder may be a copy of one that is in use:
    the process must have the program's name and work in the pid file's folder.
    """
    try:
        first_line = pid_file.read_text(encoding="utf-8").partition("\n")[0]
        process = psutil.Process(int(first_line))
        is_ours = process.name() == program and Path(process.cwd()).samefile(
            pid_file.parent
        )
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_ours else None


def stop_orphan(
    pid_file: Path,
    *,
    program: str,
    steps: Sequence[tuple[signal.Signals, float]],
) -> bool:
    """Stop the server that a pid file names, and remove a file that names none.

    Args:
        pid_file: The server's own, in the folder that it works in.
        program: The name of its process.
        steps: Signals in turn, each with the seconds it is given.

    Returns:
        Whether there was one.

    Raises:
        StartError: It does not end, or is not ours to stop.
    """
    process = orphan(pid_file, program=program)
    if process is None:
        # A stale file may name a process of somebody else by now; the server would
        # take that one for itself. Who may not read or remove it is told at start.
        with suppress(OSError):
            pid_file.unlink(missing_ok=True)
        return False
    _log.info("embedded.orphan_stopped", program=program, pid=process.pid)
    for number, wait_s in steps:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied as error:
            raise StartError(
                f"{program} (pid {process.pid}) of {process.username()} still runs on "
                f"{pid_file.parent}: stop it as that user."
            ) from error
        if _ends_within(process, wait_s):
            return True
    raise StartError(
        f"{program} (pid {process.pid}) still runs on {pid_file.parent} and does not "
        f"end: wait for it, or stop it with `kill {process.pid}`."
    )


def _ends_within(process: psutil.Process, wait_s: float) -> bool:
    """Wait for a process that is no child of ours; a zombie has ended.

    In a container nobody may reap orphans, and `psutil`'s own wait is for the reaper.
    """
    deadline_s = time.monotonic() + wait_s
    while time.monotonic() < deadline_s:
        with suppress(psutil.AccessDenied):
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                return True
        time.sleep(_LOOK_EVERY_S)
    return False
