"""The rows of keys: made, listed, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.core.ids import new_id
from prsnl.web.identity import hash_of
from prsnl.web.keys import new_key
from prsnl.wire.access import KeyBody, MadeKey, Scope

_COLUMNS: Final = (
    "id, owner, name, scopes, created_at, last_used_at, expires_at, revoked_at"
)
_NOT_THERE: Final = "There is no such key: ./prsnl keys list shows all."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A key that is to be made; the id makes a repeated try the same key."""

    id: UUID
    owner: str
    name: str
    scopes: frozenset[Scope]
    lifetime: timedelta | None
    key: str

    @classmethod
    def of(
        cls,
        *,
        owner: str,
        name: str,
        scopes: Sequence[Scope],
        days: int | None,
    ) -> Wanted:
        """With an id and a secret of its own.

        Args:
            owner: Whose documents it is for.
            name: What it is for.
            scopes: What it may do.
            days: It ends after so many; None for never.
        """
        return cls(
            id=new_id(),
            owner=owner,
            name=name,
            scopes=frozenset(scopes),
            lifetime=None if days is None else timedelta(days=days),
            key=new_key(),
        )


def create(connection: Db, wanted: Wanted) -> MadeKey:
    """Make a key; its hash alone is kept."""
    connection.execute(
        "insert into api_keys (id, key_hash, owner, name, scopes, expires_at) "
        "values (%s, %s, %s, %s, %s, now() + %s::interval) on conflict do nothing",
        [
            wanted.id,
            hash_of(wanted.key),
            wanted.owner,
            wanted.name,
            sorted(wanted.scopes),
            wanted.lifetime,
        ],
    )
    return MadeKey(**_key(connection, wanted.id).model_dump(), key=wanted.key)


def listed(connection: Db, *, before: UUID | None, limit: int) -> list[KeyBody]:
    """Every owner's keys, the newest first; revoked ones too."""
    rows = connection.execute(
        f"select {_COLUMNS} from api_keys "
        "where %(before)s::uuid is null or (created_at, id) < "
        "(select created_at, id from api_keys where id = %(before)s) "
        "order by created_at desc, id desc limit %(limit)s",
        {"before": before, "limit": limit},
    ).fetchall()
    return [_body(row) for row in rows]


def revoke(connection: Db, key_id: UUID) -> KeyBody:
    """Let a key in no more, nor the browsers that came by it.

    Raises:
        NotFoundError: There is no such key.
    """
    connection.execute(
        "update api_keys set revoked_at = coalesce(revoked_at, now()) where id = %s",
        [key_id],
    )
    return _key(connection, key_id)


def _key(connection: Db, key_id: UUID) -> KeyBody:
    row = connection.execute(
        f"select {_COLUMNS} from api_keys where id = %s", [key_id]
    ).fetchone()
    if row is None:
        raise NotFoundError(_NOT_THERE)
    return _body(row)


def _body(row: Row) -> KeyBody:
    scopes = [scope for scope in Scope if scope in row["scopes"]]
    return KeyBody(**{**row, "scopes": scopes})
