"""API keys: kept as hashes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prsnl.core.db import Database, Db
from prsnl.core.errors import StartError, UnauthorizedError

FIRST_OWNER: Final = "owner"
FILE_NAME: Final = "api-key"
_PREFIX: Final = "prsnl_"
_SECRET_BYTES: Final = 32
#: A revoked key is refused after at most so long.
_REMEMBERED_S: Final = 5.0
_MOST_REMEMBERED: Final = 1000


def new_key() -> str:
    """A key of 256 random bits: `prsnl_` and 43 characters that need no quoting."""
    return _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def hash_of(key: str) -> bytes:
    """What is kept of a key. It is random, so one fast hash is enough."""
    return hashlib.sha256(key.encode()).digest()


def first_key(data_dir: Path) -> str:
    """The key in the data folder; made, readable by its user alone, if there is none.

    Two processes that start at once end with the same key: the file appears whole, and
    only once.

    Raises:
        StartError: The folder cannot be written, or the file is damaged.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _keep_first(path, new_key())
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(
            f"The key file {path} cannot be read or made: make it yours, or remove it "
            "for a new key."
        ) from error
    if not key.startswith(_PREFIX):
        raise StartError(f"The key file {path} is damaged: remove it for a new key.")
    return key


def _keep_first(path: Path, key: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path)
    except FileExistsError:
        pass  # another process was first: its key is the one
    finally:
        new.unlink()


def ensure(connection: Db, key: str, *, owner: str, name: str) -> None:
    """Let a key in, unless it is known already; a revoked one stays revoked."""
    connection.execute(
        "insert into api_keys (key_hash, owner, name) values (%s, %s, %s) "
        "on conflict do nothing",
        [hash_of(key), owner, name],
    )


def find_owner(connection: Db, key_hash: bytes) -> str | None:
    """Whose key it is; None if it is unknown or revoked."""
    row = connection.execute(
        "select key_hash, owner from api_keys "
        "where key_hash = %s and revoked_at is null",
        [key_hash],
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["key_hash"]), key_hash):
        return None
    return str(row["owner"])


@dataclass(frozen=True)
class KeyRing:
    """Who a key stands for; remembered for a moment, so that few requests ask."""

    database: Database
    _known: dict[bytes, tuple[str, float]] = field(default_factory=dict)

    def remembered(self, key: str) -> str | None:
        """The owner, if the key was seen a moment ago. Never waits."""
        owner, until = self._known.get(hash_of(key), ("", 0.0))
        return owner if time.monotonic() < until else None

    def owner(self, key: str) -> str:
        """The owner, from the table.

        Raises:
            UnauthorizedError: The key is unknown or revoked.
            UnavailableError: The database does not answer.
        """
        key_hash = hash_of(key)
        owner = self.database.run(lambda connection: find_owner(connection, key_hash))
        if owner is None:
            self._known.pop(key_hash, None)
            raise unauthorized()
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key_hash] = (owner, time.monotonic() + _REMEMBERED_S)
        return owner


def unauthorized() -> UnauthorizedError:
    """The one sentence for no key and for a wrong one."""
    return UnauthorizedError(
        "This needs a key: send the header `Authorization: Bearer KEY`. The first key "
        f"is in the file {FILE_NAME} of the server's data folder."
    )
