"""Bytes by their hash: uploads, pictures, large results."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, Protocol

#: The storage is looked through part by part.
PARTS: Final = 256


class Storage(Protocol):
    """Where bytes are kept; a name is the sha256 of the content, in hex."""

    def prepare(self) -> None:
        """Make what is needed to begin.

        Raises:
            SettingsError: It cannot be used as it is set.
        """

    def incoming(self) -> AbstractContextManager[Path]:
        """A path on this machine's disk for bytes on their way in."""

    def clear_incoming(self, *, older_than: timedelta) -> None:
        """Remove what processes left behind that were killed while they received."""

    def free_bytes(self) -> int:
        """Room left where bytes come in."""

    def bring(self, source: Path, sha256: str) -> None:
        """Do what takes time of `put_file`, before a transaction is open."""

    def put_file(self, source: Path, sha256: str) -> None:
        """Keep *source* under its hash; a name that is there already is left."""

    def put_bytes(self, content: bytes) -> str:
        """Keep *content* and tell its name."""

    def fetch(self, name: str, target: Path) -> None:
        """Copy the bytes of *name* to *target*, a path that does not exist yet."""

    def open(self, name: str, start: int = 0) -> BinaryIO:
        """Read the bytes of *name* as a stream, from offset *start* on."""

    def delete(self, name: str) -> None:
        """Forget *name*; no error if it is not there."""

    def renew(self, name: str) -> bool:
        """Let *name* count as put now; tell whether it is there."""

    def touched_at(self, name: str) -> datetime | None:
        """When *name* was last put, again too; None if it is not there."""

    def names(self, part: int) -> list[str]:
        """What is kept in one of the `PARTS` parts."""


@dataclass(frozen=True)
class Spooled:
    """An upload on its way in: complete on disk, not yet kept."""

    path: Path
    size_bytes: int
    sha256: str
