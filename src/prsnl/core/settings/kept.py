"""The settings file of the data folder: written for the user, readable by him alone.

It is the last of the sources: whatever the environment, `PRSNL_CONFIG` or `.env` say
goes before it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from prsnl.core.errors import BadRequestError, DiskFullError, SettingsError
from prsnl.core.settings.sources import KEPT_NAME
from prsnl.core.storage.copying import is_full

_HEAD: Final = (
    "# Written by ./prsnl engines use and ./prsnl models get; yours to change.\n"
    "# The environment, PRSNL_CONFIG and .env go before it.\n"
)
_ASSIGNED: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")


@dataclass(frozen=True)
class KeptSettings:
    """The file `settings.env` of one data folder."""

    data_dir: Path

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return self.data_dir / KEPT_NAME

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Set variables, or remove those that are None; the other lines stay.

        The file is replaced whole, with mode 0600: a crash leaves the old or the new.

        Raises:
            BadRequestError: A value cannot stand in the file.
            DiskFullError: There is no room for it.
            SettingsError: The folder or the file cannot be written.
        """
        added = [
            f"{name}={_quoted(name, value)}\n"
            for name, value in changes.items()
            if value is not None
        ]
        with _told(self.path), self._held():
            lines = self._lines()
            kept = [line for line in lines if _name_of(line) not in changes]
            if kept and not kept[-1].endswith("\n"):
                kept[-1] += "\n"
            self._write("".join([*(kept or [_HEAD]), *added]))

    def values(self, names: Iterable[str]) -> dict[str, str | None]:
        """What the file sets these variables to; None for those that it does not."""
        with _told(self.path):
            told = dotenv_values(self.path, encoding="utf8")
        return {name: told.get(name) for name in names}

    def _lines(self) -> list[str]:
        with suppress(FileNotFoundError):
            return self.path.read_text(encoding="utf8").splitlines(keepends=True)
        return []

    def _write(self, text: str) -> None:
        new = self.path.with_name(f"{KEPT_NAME}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.chmod(0o600)
            new.replace(self.path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Of two commands at once the second waits: neither loses its change."""
        self.data_dir.mkdir(mode=_folder_mode(), parents=True, exist_ok=True)
        lock = os.open(
            self.path.with_name(f"{KEPT_NAME}.lock"), os.O_RDWR | os.O_CREAT, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _folder_mode() -> int:
    """As root the database's own user passes through the folder."""
    return 0o711 if os.geteuid() == 0 else 0o700


def _name_of(line: str) -> str | None:
    found = _ASSIGNED.match(line)
    return found[1].upper() if found else None


def _quoted(name: str, value: str) -> str:
    """A value as the file's readers take it literally.

    Raises:
        BadRequestError: It has a line break, or begins what they would fill in.
    """
    if not value.isprintable() or "${" in value:
        raise BadRequestError(
            f"What is given for {name} cannot be kept: it has a line break, a control "
            "character or `${` in it. Correct it, or set the variable itself."
        )
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is no text: remove it, and set what it held again."
        ) from error
    except OSError as error:
        if is_full(error):
            raise DiskFullError(
                f"The disk that holds {path} is full: nothing was changed. Free some "
                "room, and try again."
            ) from error
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}): make it and its folder "
            "yours, or set PRSNL_DATA_DIR to a folder that is."
        ) from error
