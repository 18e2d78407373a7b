"""A file on its way in, however it comes: its limits and its name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import DiskFullError, TooLargeError
from prsnl.core.storage import Spooled

#: Longest kept name, in characters; file systems stop at 255 bytes.
NAME_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """What an upload may take."""

    max_bytes: int
    free_disk_floor_bytes: int

    def check_size(self, size_bytes: int) -> None:
        """Refuse what is too large.

        Raises:
            TooLargeError: It is.
        """
        if size_bytes > self.max_bytes:
            raise TooLargeError(
                f"The file is larger than the limit of {told_bytes(self.max_bytes)}: "
                "raise PRSNL_UPLOAD_MAX_BYTES on the server, or split the file."
            )

    def check_disk(self, free_bytes: int, wanted_bytes: int) -> None:
        """Keep some of the disk free.

        Raises:
            DiskFullError: The rest would be less than the floor.
        """
        if free_bytes - wanted_bytes < self.free_disk_floor_bytes:
            raise DiskFullError(
                "The server's disk is nearly full, and uploads would fill it: free "
                "some space there. PRSNL_FREE_DISK_FLOOR_BYTES is what stays free."
            )


@dataclass(frozen=True)
class Incoming:
    """A whole upload on disk, durable, not yet kept."""

    file_name: str
    spooled: Spooled


def cleaned_name(given: str) -> str:
    """The last part of a path, without control characters, not too long.

    Otherwise the name stays as it was given. Of one that is too long the end goes,
    not the extension.
    """
    last = given.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cs"))
    shown = shown.strip()
    if shown in ("", ".", ".."):
        return "unnamed"
    if len(shown) > NAME_CHARACTERS:
        stem, dot, extension = shown.rpartition(".")
        ending = f"{dot}{extension}" if stem and len(extension) <= 16 else ""  # noqa: PLR2004 - longer ones are no extensions
        shown = shown[: NAME_CHARACTERS - len(ending)] + ending
    return shown


def told_bytes(size_bytes: int) -> str:
    """A size as a person reads it: "2.0 GiB"."""
    size, unit = float(size_bytes), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:  # noqa: PLR2004 - the next unit
            break
        size, unit = size / 1024, larger
    return f"{size_bytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
