"""ZIP: a folder of files; what it lists, and each of them, never by a path."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from prsnl.core.errors import CorruptError, EncryptedError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import without_controls
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.package import UNREADABLE, check_directory
from prsnl.engines.documents.parts import Block, document, table_block

ENGINE: Final = "zip"
_LISTED: Final = 2000
_BLOCK_BYTES: Final = 2**18
#: What systems put into archives beside a person's files.
_SERVICE: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_UNREADABLE: Final = (*UNREADABLE, RuntimeError)


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the list of the files in the archive; each is an item of its own.

    Raises:
        CorruptError: It is damaged.
        TooLargeError: Its table of contents is larger than is read.
    """
    with _opened(files.inputs / params["path"]) as archive:
        entries = [one for one in archive.infolist() if not one.is_dir()]
    warnings: tuple[str, ...] = ()
    if len(entries) > _LISTED:
        warnings = (
            f"The archive holds {len(entries)} files: {_LISTED} of them are listed.",
        )
    rows = [
        [shown(one.filename), str(one.file_size), _day(one)]
        for one in entries[:_LISTED]
    ]
    blocks: list[Block] = []
    if rows:
        blocks = [table_block([["File", "Bytes", "Changed"], *rows])]
    yield from document(
        blocks,
        metadata={},
        warnings=warnings,
        engine=ENGINE,
        reason="the file is a ZIP archive",
        skip_parts=params.get("skip_pages") or (),
    )


@dataclass(frozen=True)
class Entry:
    """One file of an open archive."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """What it is called."""
        return shown(self.info.filename)

    def write(self, target: Path, *, at_most: int) -> int:
        """Write it to a target of ours; tell its size.

        Raises:
            CorruptError: It is damaged.
            EncryptedError: It needs a password.
            TooLargeError: It unpacks to more, or to many times its size, as a bomb.
        """
        if self.info.flag_bits & 1:
            raise EncryptedError("it is protected by a password")
        try:
            with self.archive.open(self.info) as file, target.open("wb") as out:
                return self._copy(file, out, at_most)
        except _UNREADABLE as error:
            raise CorruptError("it is damaged within the archive") from error

    def _copy(self, file: IO[bytes], out: IO[bytes], at_most: int) -> int:
        written = 0
        bomb = limits.MEMBER_RATIO * max(self.info.compress_size, 1)
        while block := file.read(_BLOCK_BYTES):
            written += len(block)
            if written > limits.MEMBER_RATIO_FROM_BYTES and written > bomb:
                raise TooLargeError(
                    "it unpacks to many times its size, as a decompression bomb does"
                )
            if written > at_most:
                raise TooLargeError(
                    f"it unpacks to more than {at_most // limits.MIB} MiB"
                )
            out.write(block)
        return written


def members(path: Path) -> Iterator[Entry]:
    """The files in an archive, to be used while it is open.

    Raises:
        CorruptError: It is damaged.
        TooLargeError: Its table of contents is larger than is read.
    """
    with _opened(path) as archive:
        for one in archive.infolist():
            if not one.is_dir() and not any(word in one.filename for word in _SERVICE):
                yield Entry(archive, one)


def shown(name: str) -> str:
    """What a member is called: no way up, no root, no drive, one line."""
    parts = PurePosixPath(without_controls(name).replace("\\", "/")).parts
    kept = [part.strip() for part in parts if part not in {"/", "..", "."}]
    return "/".join(part for part in kept if part) or "unnamed"


def _day(entry: zipfile.ZipInfo) -> str:
    year, month, day = entry.date_time[:3]
    return f"{year:04}-{month:02}-{day:02}"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        check_directory(file)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _UNREADABLE as error:
        raise CorruptError(
            "The archive is damaged: its list of files cannot be read."
        ) from error
