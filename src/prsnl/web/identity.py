"""Who asks: a key or a browser's session, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.wire.access import Scope


class CredentialKind(StrEnum):
    """Where a secret is looked up."""

    KEY = "key"
    SESSION = "session"


@dataclass(frozen=True)
class Credential:
    """What a request brings, as the hash that is kept of it."""

    kind: CredentialKind
    secret_hash: bytes

    @classmethod
    def of_key(cls, key: str) -> Credential:
        """What `Authorization: Bearer` carries."""
        return cls(CredentialKind.KEY, hash_of(key))

    @classmethod
    def of_session(cls, token: str) -> Credential:
        """What a browser's cookie carries."""
        return cls(CredentialKind.SESSION, hash_of(token))


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who asks."""

    owner: str
    scopes: frozenset[Scope]
    key_id: UUID
    #: Of a browser that signed in by a link of that key.
    session_id: UUID | None = None


_VALID_KEY: Final = (
    "k.revoked_at is null and (k.expires_at is null or k.expires_at > now())"
)
_FIND: Final = {
    CredentialKind.KEY: f"""
select k.key_hash as secret_hash, k.id as key_id, k.owner, k.scopes,
       null::uuid as session_id
from api_keys k
where k.key_hash = any(%s) and {_VALID_KEY}
""",
    CredentialKind.SESSION: f"""
select s.token_hash as secret_hash, k.id as key_id, k.owner, k.scopes,
       s.id as session_id
from sessions s join api_keys k on k.id = s.key_id
where s.token_hash = any(%s) and s.revoked_at is null and s.expires_at > now()
  and {_VALID_KEY}
""",
}
# Once a minute is enough for "last used", and keeps a busy key's row still.
_TOUCH: Final = {
    CredentialKind.KEY: """
update api_keys set last_used_at = now()
where key_hash = %s
  and (last_used_at is null or last_used_at < now() - interval '1 minute')
""",
    CredentialKind.SESSION: """
update sessions set last_used_at = now()
where token_hash = %s and last_used_at < now() - interval '1 minute'
""",
}


def hash_of(secret: str) -> bytes:
    """What is kept of a secret. It is random, so one fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def find(connection: Db, credential: Credential) -> Identity | None:
    """Whose it is; None if it is unknown, revoked or over. Notes that it was used."""
    given = credential.secret_hash
    row = connection.execute(_FIND[credential.kind], [[given]]).fetchone()
    if row is None or not hmac.compare_digest(bytes(row["secret_hash"]), given):
        return None
    connection.execute(_TOUCH[credential.kind], [given])
    return Identity(
        owner=row["owner"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        key_id=row["key_id"],
        session_id=row["session_id"],
    )


def still_valid(connection: Db, credentials: set[Credential]) -> set[Credential]:
    """Those of the given that would be let in now."""
    found: set[Credential] = set()
    for kind in CredentialKind:
        asked = [each.secret_hash for each in credentials if each.kind is kind]
        if asked:
            rows = connection.execute(_FIND[kind], [asked]).fetchall()
            found.update(Credential(kind, bytes(row["secret_hash"])) for row in rows)
    return found
