"""Makes the folder of installed packages that `./prsnl` runs from.

Run by `./prsnl` with any Python from 3.11 and the standard library alone:
`python set_up.py REPOSITORY VENV LOCK...`. The folder is made beside its place and
renamed when it is whole, so an interrupted set-up leaves nothing half done; one
set-up runs at a time.
"""

# ruff: noqa: INP001 - a script, and no package
from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

# What an install of each lock moves: megabytes to download and on disk, measured on
# Linux x86-64 with Python 3.11 (`pip download`, then `du -sm`; `du -sm .venv`).
SIZES_MB: Final = {
    "requirements.lock": (529, 1314),
    "requirements-test.lock": (123, 396),
}
_FOREIGN: Final = ("sys_platform == 'win32'", "sys_platform == 'emscripten'")
UNFINISHED: Final = "unfinished"
PYTHON_VERSION: Final = "python-version"
_UV_VENV: Final = ("venv", "--no-project", "--python", sys.executable)
_TAIL_LINES: Final = 15
_FAILED: Final = 1
_INTERRUPTED: Final = 130


class SetUpError(Exception):
    """What is in the way, in one sentence."""


def main(arguments: list[str]) -> int:
    """Set up, and return the exit status."""
    repository, venv, *names = arguments
    locks = [Path(repository) / name for name in names]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _set_up(Path(venv).absolute(), locks)
    except KeyboardInterrupt:
        _say("\nStopped. Nothing is broken; the next start goes on from here.")
        return _INTERRUPTED
    except SetUpError as error:
        _say(str(error))
        return _FAILED
    except OSError as error:
        _say(_told(error, Path(venv)))
        return _FAILED
    return 0


def package_count(lock: Path) -> int:
    """How many packages a lock names, without those of other platforms."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    names = {
        line.partition("==")[0]
        for line in lines
        if "==" in line and not line.startswith((" ", "#"))
        if not any(foreign in line for foreign in _FOREIGN)
    }
    return len(names)


def _set_up(venv: Path, locks: list[Path]) -> None:
    venv.parent.mkdir(parents=True, exist_ok=True)
    guard = _hold(venv.with_name(venv.name + ".lock"))
    missing = [lock for lock in locks if not _is_installed(lock, venv)]
    first = locks[0]
    if first in missing or not _is_sound(venv):
        _announce(venv, locks)
        _make(venv, locks, guard)
    elif missing:
        _announce(venv, missing)
        _extend(venv, missing, guard)
    else:
        return  # by the start that we waited for
    _say("Set up. From now on it works without a network.")


def _make(venv: Path, locks: list[Path], guard: int) -> None:
    """Make the folder beside its place, and move it there when it is whole."""
    new = venv.with_name(venv.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    Installer(new, guard).make(locks)
    (new / PYTHON_VERSION).write_text(_own_version(), encoding="ascii")
    for lock in locks:
        shutil.copyfile(lock, new / lock.name)
    _rewrite_paths(new, venv)
    old = venv.with_name(venv.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if venv.exists():
        venv.rename(old)
    new.rename(venv)
    shutil.rmtree(old, ignore_errors=True)


def _extend(venv: Path, locks: list[Path], guard: int) -> None:
    """Add packages to a whole folder; a mark says so until they are all there."""
    mark = venv / UNFINISHED
    mark.touch()
    Installer(venv, guard).add(locks)
    for lock in locks:
        shutil.copyfile(lock, venv / lock.name)
    mark.unlink()


class Installer:
    """Fills a new folder with uv, or with venv and pip.

    The lock's descriptor goes down to the programs: should we be killed, the next
    start waits until the last of them has let go of the folder.
    """

    def __init__(self, venv: Path, guard: int) -> None:
        self._venv = venv
        self._guard = guard
        self._uv = shutil.which("uv")

    def make(self, locks: list[Path]) -> None:
        """Make the folder and install every lock, with uv if there is one that can."""
        if self._uv and self._did([self._uv, *_UV_VENV, str(self._venv)]):
            with suppress(SetUpError):
                self.add(locks)
                return
        if self._uv:
            _say("uv could not; trying with pip.")
            self._uv = None
        self._run([sys.executable, "-m", "venv", "--clear", str(self._venv)])
        self.add(locks)

    def add(self, locks: list[Path]) -> None:
        """Install every lock into a folder that is there."""
        python = str(self._venv / "bin/python")
        for lock in locks:
            if self._uv:
                command = [self._uv, "pip", "install", "--python", python]
                command += ["--compile-bytecode"]
            else:
                command = [python, "-m", "pip", "install", "--no-input"]
                command += ["--disable-pip-version-check"]
            command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
            self._run([*command, "-r", str(lock)], total=package_count(lock))

    def _did(self, command: list[str]) -> bool:
        try:
            self._run(command)
        except SetUpError:
            return False
        return True

    def _run(self, command: list[str], *, total: int = 0) -> None:
        """Run one program; show how far pip is, and its last words if it fails."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(self._guard,),
        ) as child:
            try:
                tail = _follow(child, total)
                status = child.wait()
            except BaseException:
                child.terminate()
                raise
        if status:
            raise SetUpError(
                "\n".join(tail) + f"\nThe set-up failed in `{' '.join(command[:4])}`: "
                "see the lines above; the next start tries again."
            )


def _follow(child: subprocess.Popen[str], total: int) -> deque[str]:
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    assert child.stdout is not None
    done = 0
    for line in child.stdout:
        tail.append(line.rstrip())
        if line.startswith("Collecting "):
            done += 1
            _progress(f"{done} of {total}  {line.split()[1].partition('==')[0]}")
        elif line.startswith("Installing "):
            _progress("unpacking")
    _progress("")
    return tail


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K  {text}" if text else "\r\x1b[K")
        sys.stderr.flush()


def _announce(venv: Path, locks: list[Path]) -> None:
    packages = sum(package_count(lock) for lock in locks)
    download_mb = sum(SIZES_MB[lock.name][0] for lock in locks)
    disk_mb = sum(SIZES_MB[lock.name][1] for lock in locks)
    free_mb = shutil.disk_usage(venv.parent).free // 10**6
    if free_mb < disk_mb:
        raise SetUpError(
            f"The set-up needs {disk_mb} MB, and the disk of {venv.parent} has "
            f"{free_mb} MB: free some, or set PRSNL_VENV to a folder elsewhere."
        )
    _say(
        f"Setting up, once: {packages} packages, about {download_mb} MB to download "
        f"(less what a cache has), {disk_mb} MB on disk in {venv}. It works without "
        "a network afterwards."
    )


def _hold(folder: Path) -> int:
    """Lock the set-up; wait, and say so, while another start has it."""
    folder.mkdir(exist_ok=True)
    guard = os.open(folder, os.O_RDONLY)
    entry = folder / "pid"
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = entry.read_text(encoding="ascii") if entry.exists() else "?"
        _say(f"Another start (pid {pid}) is setting up; waiting for it.")
        fcntl.flock(guard, fcntl.LOCK_EX)
    entry.write_text(str(os.getpid()), encoding="ascii")
    return guard


def _is_installed(lock: Path, venv: Path) -> bool:
    kept = venv / lock.name
    return kept.is_file() and kept.read_bytes() == lock.read_bytes()


def _is_sound(venv: Path) -> bool:
    try:
        version = (venv / PYTHON_VERSION).read_text(encoding="ascii")
    except OSError:
        return False
    is_whole = (venv / "bin/python").exists() and not (venv / UNFINISHED).exists()
    return is_whole and version == _own_version()


def _own_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}\n"


def _rewrite_paths(new: Path, venv: Path) -> None:
    """Let the scripts of the folder name the place that it is about to have."""
    for path in (*(new / "bin").iterdir(), new / "pyvenv.cfg"):
        if path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes()
        if os.fsencode(new) in text and b"\0" not in text:
            path.write_bytes(text.replace(os.fsencode(new), os.fsencode(venv)))


def _told(error: OSError, venv: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk of {venv.parent} is full: free some room and start again."
    return (
        f"{venv.parent} cannot be written ({error.strerror}): start as its owner, or "
        "set PRSNL_VENV to a folder of yours."
    )


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
