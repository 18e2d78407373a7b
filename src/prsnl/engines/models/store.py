"""The folder that models are kept in: one folder a model, there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from prsnl.core.errors import (
    BadRequestError,
    ConflictError,
    DiskFullError,
    SettingsError,
)
from prsnl.core.storage.copying import is_full
from prsnl.engines.models.catalogue import Model

_NAME: Final = "models"
#: Below the models' folder: what comes in, and what is about to go.
_INCOMING: Final = ".incoming"
_OUTGOING: Final = ".outgoing"
#: What is public may be read by the sandbox's other user.
_FOLDER_MODE: Final = 0o755


@dataclass(frozen=True)
class ModelStore:
    """The models of one data folder."""

    root: Path

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """The store of a data folder; nothing is made."""
        return cls(data_dir / _NAME)

    def folder(self, name: str) -> Path:
        """Where a model is, or will be."""
        return self.root / name

    def found(self, name: str) -> Path | None:
        """The folder of a model that is here, by its name alone; None if it is not."""
        folder = self.folder(name)
        return folder if _is_plain(name) and folder.is_dir() else None

    def has(self, model: Model) -> bool:
        """Whether a model is here with all of its files, as large as they should be."""
        folder = self.folder(model.name)
        with suppress(OSError):
            return all(
                (folder / file.name).stat().st_size == file.size_bytes
                for file in model.files
            )
        return False

    def names(self) -> list[str]:
        """The models that are here, and those that the user put here himself."""
        with suppress(OSError):
            return sorted(
                each.name
                for each in self.root.iterdir()
                if each.is_dir() and not each.name.startswith(".")
            )
        return []

    def size_bytes(self, name: str) -> int:
        """What a model takes on the disk."""
        files = self.folder(name).rglob("*")
        return sum(each.stat().st_size for each in files if each.is_file())

    def partial_bytes(self, name: str) -> int:
        """How much of a model an earlier, broken-off download has left."""
        if _is_plain(name):
            with suppress(OSError):
                return sum(each.stat().st_size for each in self._part(name).iterdir())
        return 0

    @contextmanager
    def incoming(self, model: Model) -> Iterator[Path]:
        """A folder to put a model's files into; one command at a time.

        What is in it stays when the block fails, for a download to go on from there;
        not where the disk is full: then all of it goes.

        Raises:
            ConflictError: Another command is at it.
            DiskFullError: There is no room.
            SettingsError: The folder cannot be written.
        """
        with self._told(model.name), self._held():
            part = self._part(model.name)
            part.mkdir(parents=True, exist_ok=True)
            try:
                yield part
            except DiskFullError:
                shutil.rmtree(part, ignore_errors=True)
                raise

    def place(self, model: Model) -> Path:
        """Make what has come in the model; at once, and in place of an older one."""
        part, folder = self._part(model.name), self.folder(model.name)
        for each in part.iterdir():
            each.chmod(0o644)
        part.chmod(_FOLDER_MODE)
        with self._moved_aside(model.name):
            part.rename(folder)
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return folder

    def remove(self, name: str) -> int:
        """Remove a model and what is left of its downloads; tell the bytes.

        It is moved aside first: nobody finds half of it.

        Raises:
            BadRequestError: It is no name of a model: it leads elsewhere.
            ConflictError: Another command is at the models.
            SettingsError: The folder cannot be written.
        """
        if not _is_plain(name):
            raise BadRequestError(f"{name} is no name of a model.")
        with self._told(name), self._held():
            freed = self.partial_bytes(name)
            shutil.rmtree(self._part(name), ignore_errors=True)
            if self.found(name) is not None:
                freed += self.size_bytes(name)
                with self._moved_aside(name):
                    pass
        return freed

    def _part(self, name: str) -> Path:
        return self.root / _INCOMING / name

    @contextmanager
    def _moved_aside(self, name: str) -> Iterator[None]:
        """Have a model out of the way in the block, and gone after it."""
        aside = self.root / _OUTGOING / name
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            self.folder(name).rename(aside)
        yield
        shutil.rmtree(aside, ignore_errors=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock_at_once(lock)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if is_full(error):
                shutil.rmtree(self._part(name), ignore_errors=True)
                raise no_room(self.root, name) from error
            raise SettingsError(
                f"{self.root} cannot be written ({error.strerror}): make it yours, or "
                "set PRSNL_DATA_DIR to a folder that is."
            ) from error


def _is_plain(name: str) -> bool:
    """Whether it is a name, and no way to somewhere else."""
    return bool(name) and name == Path(name).name and name[0] != "."


def _lock_at_once(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConflictError(
            "Another command is getting or removing a model just now: wait for it."
        ) from error


def no_room(folder: Path, name: str) -> DiskFullError:
    """The sentence for a disk that became full; what had come is gone by then."""
    return DiskFullError(
        f"The disk that holds {folder} is full: {name} was not installed, and nothing "
        "of it is left. Free some room, or set PRSNL_DATA_DIR to a folder on another "
        "disk."
    )
