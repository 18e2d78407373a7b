"""API keys: made, the first one kept in a file, and remembered by who they are."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prsnl.core.db import Database, Db
from prsnl.core.errors import StartError, UnauthorizedError
from prsnl.core.ids import new_id
from prsnl.web.identity import (
    Credential,
    Identity,
    find,
    hash_of,
    still_valid,
)
from prsnl.wire.access import Scope

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


def ensure(
    connection: Db,
    key: str,
    *,
    owner: str,
    name: str,
    scopes: frozenset[Scope] = frozenset(Scope),
) -> None:
    """Let a key in, unless it is known already; a revoked one stays revoked."""
    connection.execute(
        "insert into api_keys (id, key_hash, owner, name, scopes) "
        "values (%s, %s, %s, %s, %s) on conflict (key_hash) do nothing",
        [new_id(), hash_of(key), owner, name, sorted(scopes)],
    )


@dataclass(frozen=True)
class KeyRing:
    """Who a credential stands for; remembered a moment, so that few requests ask."""

    database: Database
    _known: dict[Credential, tuple[Identity, float]] = field(default_factory=dict)

    def remembered(self, credential: Credential) -> Identity | None:
        """Who it was a moment ago. Never waits."""
        known = self._known.get(credential)
        if known is None or time.monotonic() >= known[1]:
            return None
        return known[0]

    def was_let_in(self, credential: Credential) -> bool:
        """Whether it has been good before: then it is nobody's guess."""
        return credential in self._known

    def identity(self, credential: Credential) -> Identity:
        """Who it is, from the table.

        Raises:
            UnauthorizedError: It is unknown, revoked or over.
            UnavailableError: The database does not answer.
        """
        found = self.database.run(lambda connection: find(connection, credential))
        if found is None:
            self.forget(credential)
            raise unauthorized(is_unknown=True)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[credential] = (found, time.monotonic() + _REMEMBERED_S)
        return found

    def forget(self, credential: Credential) -> None:
        """Ask the table the next time."""
        self._known.pop(credential, None)

    def forget_all(self) -> None:
        """Ask the table about everybody: something was revoked."""
        self._known.clear()

    def refused(self, credentials: set[Credential]) -> set[Credential]:
        """Those of the given that would no longer be let in.

        Raises:
            UnavailableError: The database does not answer.
        """
        valid = self.database.run(
            lambda connection: still_valid(connection, credentials)
        )
        gone = credentials - valid
        for credential in gone:
            self.forget(credential)
        return gone


def unauthorized(*, is_unknown: bool = False) -> UnauthorizedError:
    """The sentence for no key, and for one that is not known (any more)."""
    happened = (
        "What this was sent with is no key or session of this server, or it was "
        "revoked or has ended: send another"
        if is_unknown
        else "This needs a key: send one"
    )
    return UnauthorizedError(
        f"{happened} (`Authorization: Bearer KEY`; for ./prsnl set PRSNL_API_KEY). The "
        f"first key is in the file {FILE_NAME} of the server's data folder; ./prsnl "
        "open signs a browser in."
    )
