"""The folder's side of a watch: which files are whole, and how each is opened.

Nothing outside the folder is read: a link is not followed, neither for a file nor for
a folder above it, also when it is put there while we look.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from prsnl.core.errors import PrsnlError
from prsnl.items.watch_store import Seen

#: Where finished files go, below the folder itself; what lies there is not taken in.
DONE: Final = "done"
DUPLICATES: Final = "duplicates"
FAILED: Final = "failed"
OWN_FOLDERS: Final = frozenset({DONE, DUPLICATES, FAILED})
#: How the names of files begin and end that something is still writing, or that an
#: editor keeps for itself.
_BEGINNINGS: Final = (".", "~$")
_ENDINGS: Final = (
    "~",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".filepart",
    ".tmp",
    ".temp",
    ".swp",
)
#: A file that is deeper than this is not found.
_DEEPEST: Final = 32
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Changed(Exception):  # noqa: N818 - no error: the file is looked at again
    """The file is no longer the one that was seen."""


@dataclass
class WatchedFolder:
    """One folder on this machine."""

    path: Path
    #: Files and folders that could not be looked at in the last walk.
    unreadable: set[bytes] = field(default_factory=set)

    def files(self) -> Iterator[Seen]:
        """Every file that may be taken in, without those that are empty.

        Raises:
            OSError: The folder itself cannot be looked at.
        """
        self.unreadable.clear()
        root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield from self._files_of(root, b"", depth=0)
        finally:
            os.close(root)

    def _files_of(self, folder: int, below: bytes, *, depth: int) -> Iterator[Seen]:
        with os.scandir(folder) as scanned:
            entries = sorted(
                ((os.fsencode(one.name), one) for one in scanned),
                key=lambda pair: pair[0],
            )
        for name, entry in entries:
            path = b"/".join([below, name]) if below else name
            if is_left_alone(name) or (not below and os.fsdecode(name) in OWN_FOLDERS):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    yield Seen(path, status.st_size, status.st_mtime_ns)
                elif stat.S_ISDIR(status.st_mode) and depth < _DEEPEST:
                    inner = os.open(name, _FOLDER, dir_fd=folder)
                    try:
                        yield from self._files_of(inner, path, depth=depth + 1)
                    finally:
                        os.close(inner)
            except FileNotFoundError:
                continue
            except OSError:
                self.unreadable.add(path)

    @contextmanager
    def opened(self, seen: Seen) -> Iterator[BinaryIO]:
        """The bytes of a file, if it is still the one that was seen, also at the end.

        Raises:
            Changed: It is another one, or it is gone.
            OSError: It cannot be read.
        """
        with self._parent(seen.path) as (folder, name):
            try:
                handle = os.open(name, _FILE, dir_fd=folder)
            except FileNotFoundError as error:
                raise Changed from error
        with os.fdopen(handle, "rb") as file:
            _require(seen, handle)
            yield file
            _require(seen, handle)

    def move(self, seen: Seen, into: str, *, why: str | None = None) -> None:
        """Move a file to a sub-folder of ours, with its own sub-folders.

        A name that is taken there gets a number. With *why* a text beside it says so.

        Raises:
            Changed: It is another one by now, or it is gone.
            OSError: It cannot be moved.
        """
        goal = b"/".join([into.encode(), seen.path])
        with (
            self._parent(seen.path) as (folder, name),
            self._parent(goal, is_made=True) as (target, _),
        ):
            self._check(seen, folder, name)
            free = _free(target, name)
            os.rename(name, free, src_dir_fd=folder, dst_dir_fd=target)
            if why is not None:
                note = os.open(
                    _free(target, free + b".why.txt"),
                    os.O_WRONLY | os.O_CREAT | os.O_EXCL,
                    mode=0o644,
                    dir_fd=target,
                )
                with os.fdopen(note, "w", encoding="utf-8") as file:
                    file.write(f"{why}\n")

    def remove(self, seen: Seen) -> None:
        """Delete a file.

        Raises:
            Changed: It is another one by now, or it is gone.
            OSError: It cannot be deleted.
        """
        with self._parent(seen.path) as (folder, name):
            self._check(seen, folder, name)
            os.unlink(name, dir_fd=folder)

    def _check(self, seen: Seen, folder: int, name: bytes) -> None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError as error:
            raise Changed from error
        if not (stat.S_ISREG(status.st_mode) and seen.is_like(status)):
            raise Changed

    @contextmanager
    def _parent(
        self, path: bytes, *, is_made: bool = False
    ) -> Iterator[tuple[int, bytes]]:
        """The folder that holds a file, reached without following a link."""
        *folders, name = path.split(b"/")
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                if is_made:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=handle)
                try:
                    inner = os.open(part, _FOLDER, dir_fd=handle)
                except FileNotFoundError as error:
                    raise Changed from error
                os.close(handle)
                handle = inner
            yield handle, name
        finally:
            os.close(handle)


def is_left_alone(name: bytes) -> bool:
    """Whether a name is hidden, or one that something is still writing."""
    told = os.fsdecode(name).casefold()
    return told.startswith(_BEGINNINGS) or told.endswith(_ENDINGS)


def trouble_of(error: OSError | PrsnlError) -> str:
    """One sentence about what is in the way, without a path."""
    if isinstance(error, PrsnlError):
        return f"The watched folder waits: {error.message}"
    return (
        f"The watched folder cannot be used ({error.strerror or error}): look at "
        "PRSNL_WATCH_DIR and at who may read and write there."
    )


def _require(seen: Seen, handle: int) -> None:
    status = os.fstat(handle)
    if not (stat.S_ISREG(status.st_mode) and seen.is_like(status)):
        raise Changed


def _free(folder: int, name: bytes) -> bytes:
    """A name that nothing in a folder has: with a number, if need be."""
    dot = name.rfind(b".", 1)
    stem, ending = (name, b"") if dot < 0 else (name[:dot], name[dot:])
    candidate, number = name, 2
    while _is_there(folder, candidate):
        candidate = b"%s (%d)%s" % (stem, number, ending)
        number += 1
    return candidate


def _is_there(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
