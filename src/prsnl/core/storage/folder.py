"""Bytes by their hash, in a folder of this machine."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from prsnl.core.errors import NotFoundError, UnavailableError
from prsnl.core.storage.copying import disk_full_is_named


@dataclass(frozen=True)
class FolderStorage:
    """A folder on this machine; two levels, so that no folder grows too large."""

    root: Path

    def prepare(self) -> None:
        """Make the folders."""
        for part in ("blobs", "incoming"):
            (self.root / part).mkdir(mode=0o700, parents=True, exist_ok=True)

    def bring(self, source: Path, sha256: str) -> None:
        """Nothing: to move a file takes no time."""

    def put_file(self, source: Path, sha256: str) -> None:
        """Keep *source* under its hash; moved, when it lies in `incoming`."""
        target = self._path(sha256)
        with disk_full_is_named():
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._touch(target):
                source.unlink(missing_ok=True)
            else:
                self._move(source, target)
            self._make_durable(target)

    def _move(self, source: Path, target: Path) -> None:
        try:
            source.replace(target)
        except FileNotFoundError as error:
            raise UnavailableError(
                "The file's bytes were removed while they were kept: send it again."
            ) from error
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with self.incoming() as path:  # from another disk
                shutil.copyfile(source, path)
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                path.replace(target)
            source.unlink(missing_ok=True)

    def put_bytes(self, content: bytes) -> str:
        """Keep *content* and tell its name."""
        sha256 = hashlib.sha256(content).hexdigest()
        if self._touch(self._path(sha256)):
            self._make_durable(self._path(sha256))
        else:
            with self.incoming() as path:
                with disk_full_is_named(), path.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                self.put_file(path, sha256)
        return sha256

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Path]:
        """A path for bytes on their way in, removed if they were not kept."""
        path = self.root / "incoming" / os.urandom(16).hex()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def clear_incoming(self, *, older_than: timedelta) -> None:
        """Remove what processes left behind that were killed while they received."""
        oldest = time.time() - older_than.total_seconds()
        for path in (self.root / "incoming").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def fetch(self, name: str, target: Path) -> None:
        """Copy the bytes of *name* to *target*; a copy, so that no reader can harm."""
        with self._known(name), disk_full_is_named():
            shutil.copyfile(self._path(name), target)

    def open(self, name: str, start: int = 0) -> BinaryIO:
        """Read the bytes of *name* as a stream, from offset *start* on."""
        with self._known(name):
            file = self._path(name).open("rb")
        file.seek(start)
        return file

    def delete(self, name: str) -> None:
        """Forget *name*; no error if it is not there."""
        self._path(name).unlink(missing_ok=True)

    def renew(self, name: str) -> bool:
        """Let *name* count as put now; tell whether it is there."""
        return self._touch(self._path(name))

    def touched_at(self, name: str) -> datetime | None:
        """When *name* was last put, again too; None if it is not there."""
        try:
            return datetime.fromtimestamp(self._path(name).stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def names(self, part: int) -> list[str]:
        """What is kept in one of the `PARTS` parts."""
        folder = self.root / "blobs" / f"{part:02x}"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def free_bytes(self) -> int:
        """Room left on the disk."""
        return shutil.disk_usage(self.root).free

    def _make_durable(self, target: Path) -> None:
        """Let a name outlive a power cut, before a row points to it.

        Also a name that was there: who made it may not have come so far yet.
        """
        _sync_folder(target.parent)
        _sync_folder(target.parent.parent)

    def _touch(self, path: Path) -> bool:
        """Renew the time of bytes that are put again; tell whether they are there."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _path(self, name: str) -> Path:
        assert len(name) == hashlib.sha256().digest_size * 2
        assert name.isalnum()
        return self.root / "blobs" / name[:2] / name

    @contextlib.contextmanager
    def _known(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if self._path(name).exists():
                raise
            raise NotFoundError(
                "The file's bytes are no longer in the storage: upload it again."
            ) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
