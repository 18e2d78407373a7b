"""Compound files, of older Office and Outlook: the only module that knows olefile."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import olefile

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import without_controls

VERSION: Final = f"olefile {olefile.__version__}"
_PROPERTIES: Final = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "comments": "description",
    "create_time": "created_at",
    "last_saved_time": "modified_at",
}


@dataclass(frozen=True)
class Compound:
    """An open compound file: streams by their names."""

    file: olefile.OleFileIO
    what: str

    def stream(self, *path: str) -> bytes | None:
        """A stream's bytes; None if there is no such one."""
        if not self.file.exists(list(path)):
            return None
        if self.file.get_size(list(path)) > limits.PACKAGE_XML_BYTES:
            raise TooLargeError(
                f"The {self.what} has a stream of more than "
                f"{limits.PACKAGE_XML_BYTES // limits.MIB} MiB: it is not read."
            )
        data: bytes = self.file.openstream(list(path)).read()
        return data

    def folders(self, *path: str) -> list[str]:
        """The names of the storages and streams directly below one."""
        depth = len(path)
        below = [
            one
            for one in self.file.listdir(streams=True, storages=True)
            if len(one) == depth + 1 and tuple(one[:depth]) == path
        ]
        return [str(one[depth]) for one in below]

    def metadata(self) -> dict[str, str]:
        """What the document says of itself, with our plain keys."""
        if not self.file.exists("\x05SummaryInformation"):
            return {}
        told = self.file.get_metadata()
        encoding = _encoding(told.codepage)
        found = {}
        for name, key in _PROPERTIES.items():
            if text := _plain(getattr(told, name, None), encoding):
                found[key] = text
        return found


def _encoding(codepage: int | None) -> str:
    named = {65001: "utf-8", 1200: "utf-16-le", 10000: "mac_roman"}
    encoding = named.get(codepage or 1252, f"cp{codepage or 1252}")
    try:
        "".encode(encoding)
    except LookupError:
        return "cp1252"
    return encoding


def _plain(value: object, encoding: str) -> str:
    if isinstance(value, datetime):
        return value.isoformat() if value.year > 1980 else ""  # noqa: PLR2004 - never set
    if isinstance(value, bytes):
        value = value.decode(encoding, errors="replace")
    if not isinstance(value, str):
        return ""
    return " ".join(without_controls(value.split("\x00")[0]).split())


@contextmanager
def opened(path: Path, *, what: str) -> Iterator[Compound]:
    """Open a compound file; whatever is wrong with it within the block gets a name.

    Raises:
        CorruptError: It is damaged.
    """
    try:
        # Wrong sectors are told by an exception, whatever this level of its repairs.
        with olefile.OleFileIO(str(path)) as file:
            yield Compound(file, what)
    except (
        OSError,
        struct.error,
        IndexError,
        KeyError,
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise CorruptError(
            f"The {what} is damaged: its inner files cannot be read."
        ) from error
