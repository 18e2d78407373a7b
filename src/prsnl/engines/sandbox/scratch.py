"""Scratch folders: made, watched, and removed whatever a child has left there."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from prsnl.core.errors import DiskFullError

#: What an entry takes at the least, in bytes: empty files fill a disk too.
_LEAST_BYTES: Final = 4096
_LOCK: Final = "lock"
_PREFIX: Final = "pool-"
#: No link is followed, and no pipe waited for.
_OPEN_UNTRUSTED: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_COPY_BYTES: Final = 2**20


class ScratchRoot:
    """One pool's folder among those of other processes, which it clears up after."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        with (root / _LOCK).open("w", encoding="ascii") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _remove_abandoned(root)
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root)).resolve()
            self._lock = (self.folder / _LOCK).open("w", encoding="ascii")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.folder.chmod(0o711)
        self._numbers = itertools.count(1)

    def log(self) -> IO[bytes]:
        """A nameless file for what a child prints; no child can open it again."""
        log = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 (the caller's)
        fcntl.fcntl(log, fcntl.F_SETFL, os.O_APPEND)
        return log

    def new(self, *, user_id: int | None) -> Scratch:
        """A folder for one child; writable to `user_id` where it is another's."""
        return Scratch(self.folder / f"child-{next(self._numbers)}", user_id=user_id)

    def close(self) -> None:
        """Remove it all."""
        remove_tree(self.folder)
        self._lock.close()


class Scratch:
    """The folders of one child.

    Attributes:
        inputs: The parent places files here; the child may read them.
        outputs: The child may write here.
    """

    def __init__(self, folder: Path, *, user_id: int | None) -> None:
        self.folder = folder
        self.inputs = folder / "inputs"
        self.outputs = folder / "outputs"
        self._temporary = folder / "temporary"
        self._kept = folder / "kept"
        self._user_id = user_id
        folder.mkdir()
        folder.chmod(0o711)
        for part in (self.inputs, self.outputs, self._temporary, self._kept):
            part.mkdir(mode=0o700)
        if user_id is not None:
            self.inputs.chmod(0o755)
            os.chown(self.outputs, user_id, user_id)
            os.chown(self._temporary, user_id, user_id)

    def open_inputs(self) -> None:
        """Let the child's own user read what was placed in `inputs`.

        A hard link is replaced by a copy first: the rights of the original stay.
        """
        if self._user_id is None:
            return
        for path in self.inputs.iterdir():
            told = path.lstat()
            if not stat.S_ISREG(told.st_mode) or told.st_mode & stat.S_IROTH:
                continue
            if told.st_nlink > 1:
                copy = path.with_name(f".{path.name}.copy")
                shutil.copyfile(path, copy)
                copy.replace(path)
            path.chmod(0o444)

    def used_bytes(self, *, enough: int) -> int:
        """What the child has written, in bytes; counting ends once it is `enough`.

        A hole in a file counts as if it were written: who reads it gets its bytes.
        """
        used = 0
        waiting = [self.outputs, self._temporary]
        while waiting and used < enough:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        told = entry.stat(follow_symlinks=False)
                        used += max(told.st_size, told.st_blocks * 512, _LEAST_BYTES)
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(Path(entry.path))
                        if used >= enough:
                            break
            except FileNotFoundError:
                continue
            except OSError:
                return enough  # nested beyond what a path can name
        return used

    def output(self, name: str, *, max_bytes: int) -> Path | None:
        """A file of the child's, taken out of its reach; None if there is none.

        Only a regular file with one name counts: no link, no folder, no device. It is
        copied, since the child may still hold it open.

        Raises:
            DiskFullError: It is larger than `max_bytes`.
        """
        kept = self._kept / name
        if kept.exists():
            return kept
        try:
            opened = os.open(self.outputs / name, _OPEN_UNTRUSTED)
        except OSError:
            return None
        told = os.fstat(opened)
        if not stat.S_ISREG(told.st_mode) or told.st_nlink != 1:
            os.close(opened)
            return None
        with os.fdopen(opened, "rb") as file:
            _copy(file, kept, max_bytes=max_bytes)
        with contextlib.suppress(OSError):
            (self.outputs / name).unlink()
        return kept

    def clear(self) -> None:
        """Empty the folders for the next use of the same child."""
        for folder in (self.inputs, self.outputs, self._temporary, self._kept):
            _empty(folder)

    def remove(self) -> None:
        """Remove the folder, whatever is in it."""
        remove_tree(self.folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder that may be nested deeper than a path or a stack allows.

    Folders are moved up to the top and emptied there, one after another.
    """
    _empty(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _copy(source: IO[bytes], target: Path, *, max_bytes: int) -> None:
    left = max_bytes
    with target.open("xb") as file:
        while part := source.read(min(left + 1, _COPY_BYTES)):
            left -= len(part)
            if left < 0:
                target.unlink()
                raise DiskFullError(
                    f"A sandbox child left a file of more than {max_bytes} bytes where "
                    "a smaller one was asked for. Try a smaller file."
                )
            file.write(part)


def _empty(folder: Path) -> None:
    moved = itertools.count()
    while folders := list(_without_files(folder)):
        for child in folders:
            for deeper in _without_files(child):
                with contextlib.suppress(OSError):
                    deeper.rename(folder / f"\n{next(moved)}")
            with contextlib.suppress(OSError):
                child.rmdir()
        if folders == list(_without_files(folder)):
            return  # nothing gives way: another's folder, or a read-only disk


def _without_files(folder: Path) -> Iterator[Path]:
    """The folders in `folder`; all else in it is removed."""
    try:
        entries = list(os.scandir(folder))
    except PermissionError:
        with contextlib.suppress(OSError):
            folder.chmod(0o700)
        entries = []
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)
        else:
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()


def _remove_abandoned(root: Path) -> None:
    """Remove the folders of pools whose process is gone."""
    for folder in root.glob(f"{_PREFIX}*"):
        try:
            lock = (folder / _LOCK).open("w", encoding="ascii")
        except OSError:
            continue
        with lock, contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(folder)
