"""Which files the paths of a command name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath


@dataclass(frozen=True)
class InputFile:
    """One file to process."""

    path: Path
    #: Its place below the output folder, and what the user reads: the name, below the
    #: sub-folders of the folder that was given.
    name: PurePath
    #: What the server is to call it, if not as here.
    upload_as: str | None = None
    #: No byte of it may leave the server's machine, whatever the command says.
    local_only: bool = False

    @property
    def shown(self) -> str:
        """The name for people and for JSON: a byte that is no UTF-8 is a mark."""
        return os.fsencode(self.name).decode(errors="replace")


@dataclass
class Inputs:
    """What was found; lists keep the order of the paths."""

    files: list[InputFile] = field(default_factory=list)
    #: Given by name, and not to be had: the sentence that says why.
    missing: dict[str, str] = field(default_factory=dict)
    #: Met in a folder and left out: one sentence each.
    skipped: list[str] = field(default_factory=list)
    #: Hidden files and folders that were left out.
    hidden: int = 0


def collect(paths: Sequence[Path], *, leave_out: Iterable[Path] = ()) -> Inputs:
    """Walk the paths: files as they are, folders sorted, each file once.

    Args:
        paths: As the user gave them.
        leave_out: Folders that are not walked: what a run writes is no input of the
            next, and the data folder holds keys.
    """
    walk = _Walk(Inputs(), frozenset(folder.resolve() for folder in leave_out))
    for path in paths:
        walk.take(path)
    return walk.found


@dataclass
class _Walk:
    found: Inputs
    leave_out: frozenset[Path]
    _folders: set[tuple[int, int]] = field(default_factory=set)
    _files: set[tuple[int, int]] = field(default_factory=set)
    _names: set[PurePath] = field(default_factory=set)

    def take(self, path: Path) -> None:
        """One path of the command."""
        try:
            status = path.stat()
        except OSError as error:
            self.found.missing[str(path)] = f"{error.strerror}."
            return
        if stat.S_ISDIR(status.st_mode):
            for file in self._files_of(path):
                self._add(file, file.relative_to(path))
        elif stat.S_ISREG(status.st_mode):
            self._add(path, PurePath(path.name))
        else:
            self.found.missing[str(path)] = "It is neither a file nor a folder."

    def _files_of(self, folder: Path) -> Iterator[Path]:
        """The files of a folder and of those below it, by name."""
        try:
            status = folder.stat()
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            self.found.skipped.append(f"{folder}: {error.strerror}.")
            return
        if folder.resolve() in self.leave_out:
            self.found.skipped.append(f"{folder}: it holds what PRSNL itself writes.")
            return
        if (status.st_dev, status.st_ino) in self._folders:
            self.found.skipped.append(f"{folder}: the same folder again, by a link.")
            return
        self._folders.add((status.st_dev, status.st_ino))
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):
                self.found.hidden += 1
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError as error:  # such as a link to itself
                self.found.skipped.append(f"{path}: {error.strerror}.")
                continue
            if is_folder:
                yield from self._files_of(path)
            elif is_file:
                yield path
            else:
                self.found.skipped.append(f"{path}: neither a file nor a folder.")

    def _add(self, path: Path, name: PurePath) -> None:
        try:
            status = path.stat()
        except OSError as error:  # it was there a moment ago
            self.found.skipped.append(f"{path}: {error.strerror}.")
            return
        if (status.st_dev, status.st_ino) in self._files:
            return
        self._files.add((status.st_dev, status.st_ino))
        name = self._free(path, name)
        self._names.add(name)
        self.found.files.append(InputFile(path, name))

    def _free(self, path: Path, name: PurePath) -> PurePath:
        """A name that no other file has: with its folder, else with a number."""
        if name not in self._names:
            return name
        candidate = PurePath(path.resolve().parent.name) / name
        number = 2
        while candidate in self._names:
            candidate = name.with_name(f"{name.stem} ({number}){name.suffix}")
            number += 1
        return candidate
