"""Bytes by their hash, in an S3-compatible bucket that hosts share."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from typing_extensions import Buffer

from prsnl.core.errors import NotFoundError, SettingsError, UnavailableError
from prsnl.core.storage.copying import disk_full_is_named
from prsnl.core.storage.folder import FolderStorage

if TYPE_CHECKING:
    from obstore import GetOptions

_TIMEOUT: Final = timedelta(seconds=60)
_CONNECT_TIMEOUT: Final = timedelta(seconds=5)
_RETRY_TIMEOUT: Final = timedelta(seconds=20)
_RETRIES: Final = 4
_PROBE: Final = "prepared"


@dataclass(frozen=True)
class BucketStorage:
    """A bucket, and a folder of this machine for bytes on their way in.

    An object has no time that can be renewed: a small object beside it, put anew, has.
    """

    store: S3Store = field(repr=False)
    spool: FolderStorage

    @classmethod
    def of(cls, url: str, folder: Path) -> Self:
        """The bucket of an address; its keys and its server are AWS's own variables.

        Args:
            url: "s3://bucket" or "s3://bucket/prefix".
            folder: For bytes on their way in.

        Raises:
            SettingsError: The address is none of a bucket.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.query:
            raise SettingsError(
                "PRSNL_STORAGE_URL is no address of a bucket: it is s3://BUCKET or "
                "s3://BUCKET/PREFIX."
            )
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": True,  # a server of one's own, in one's own network
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
        )
        return cls(store, FolderStorage(folder))

    def prepare(self) -> None:
        """Make the folder, and see that the bucket takes bytes.

        Raises:
            SettingsError: It does not; the message says why.
        """
        self.spool.prepare()
        try:
            obstore.put(self.store, _PROBE, b"")
        except (BaseError, OSError) as error:
            raise SettingsError(
                "The bucket of PRSNL_STORAGE_URL cannot be written to: look at its "
                "name, at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and at "
                "AWS_ENDPOINT_URL where the server is not Amazon's."
            ) from error

    def bring(self, source: Path, sha256: str) -> None:
        """Send the bytes of *source*, if they are not there."""
        if not self.renew(sha256):
            with _opened(source) as file, _outages_are_named():
                obstore.put(self.store, _path(sha256), file)

    def put_file(self, source: Path, sha256: str) -> None:
        """Keep *source* under its hash; one that lies in `incoming` goes."""
        self.bring(source, sha256)
        if source.parent == self.spool.root / "incoming":
            source.unlink(missing_ok=True)

    def put_bytes(self, content: bytes) -> str:
        """Keep *content* and tell its name."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.renew(sha256):
            with _outages_are_named():
                obstore.put(self.store, _path(sha256), content)
        return sha256

    def incoming(self) -> AbstractContextManager[Path]:
        """A path for bytes on their way in, removed if they were not kept."""
        return self.spool.incoming()

    def clear_incoming(self, *, older_than: timedelta) -> None:
        """Remove what processes of this host left behind."""
        self.spool.clear_incoming(older_than=older_than)

    def fetch(self, name: str, target: Path) -> None:
        """Copy the bytes of *name* to *target*, piece by piece."""
        with _outages_are_named(), disk_full_is_named():
            told = obstore.get(self.store, _path(name))
            with target.open("wb") as file:
                for piece in told.stream():
                    file.write(piece)

    def open(self, name: str, start: int = 0) -> BinaryIO:
        """Read the bytes of *name* as a stream, from offset *start* on."""
        part: GetOptions | None = {"range": {"offset": start}} if start else None
        with _outages_are_named():
            told = obstore.get(self.store, _path(name), options=part)
            pieces = iter(told.stream())
        return io.BufferedReader(_Pieces(pieces))

    def delete(self, name: str) -> None:
        """Forget *name*; no error if it is not there."""
        with _outages_are_named(), contextlib.suppress(NotFoundError):
            obstore.delete(self.store, [_path(name), _renewal(name)])

    def renew(self, name: str) -> bool:
        """Let *name* count as put now; tell whether it is there."""
        if self._time_of(_path(name)) is None:
            return False
        with _outages_are_named():
            obstore.put(self.store, _renewal(name), b"")
        return True

    def touched_at(self, name: str) -> datetime | None:
        """When *name* was last put, again too; None if it is not there."""
        put_at = self._time_of(_path(name))
        if put_at is None:
            return None
        return max(put_at, self._time_of(_renewal(name)) or put_at)

    def names(self, part: int) -> list[str]:
        """What is kept in one of the parts."""
        with _outages_are_named():
            listed = obstore.list(self.store, f"blobs/{part:02x}/", chunk_size=1000)
            return sorted(
                str(one["path"]).rsplit("/", 1)[-1] for page in listed for one in page
            )

    def free_bytes(self) -> int:
        """Room left on this machine, where bytes come in."""
        return self.spool.free_bytes()

    def _time_of(self, path: str) -> datetime | None:
        try:
            with _outages_are_named():
                return obstore.head(self.store, path)["last_modified"]
        except NotFoundError:
            return None


class _Pieces(io.RawIOBase):
    """A stream of pieces as a file that can be read once, from its start."""

    def __init__(self, pieces: Iterator[Buffer]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, room: Buffer) -> int:
        """Fill *room* as far as one piece goes; 0 at the end."""
        if not self._rest:
            with _outages_are_named():
                self._rest = memoryview(next(self._pieces, b""))
        target = memoryview(room).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except FileNotFoundError as error:
        raise UnavailableError(
            "The file's bytes were removed while they were kept: send it again."
        ) from error


def _path(name: str) -> str:
    assert len(name) == hashlib.sha256().digest_size * 2
    assert name.isalnum()
    return f"blobs/{name[:2]}/{name}"


def _renewal(name: str) -> str:
    return f"renewed/{name[:2]}/{name}"


@contextlib.contextmanager
def _outages_are_named() -> Iterator[None]:
    """Turn the library's words into ours.

    Raises:
        NotFoundError: No such bytes.
        UnavailableError: The bucket does not answer, or refuses.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(
            "The file's bytes are no longer in the storage: upload it again."
        ) from error
    except BaseError as error:
        raise UnavailableError(
            "The bucket of PRSNL_STORAGE_URL does not answer as it should: see that "
            "its server runs and that its keys are valid."
        ) from error
