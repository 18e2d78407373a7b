"""One-use links, and the sessions that they become."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError, UnauthorizedError
from prsnl.core.ids import new_id
from prsnl.web.identity import Identity, hash_of
from prsnl.wire.access import SessionBody

_SECRET_BYTES: Final = 32
_DEVICE_CHARACTERS: Final = 200
_ANOTHER: Final = "Make a new one with ./prsnl link (or ./prsnl open)."

# What is long over goes when a new link is made; nothing else makes more of either.
_FORGET: Final = (
    "delete from sign_in_links where expires_at < now() - interval '1 day'",
    "delete from sessions where expires_at < now() - interval '1 day'",
)
_MAKE: Final = """
insert into sign_in_links (token_hash, key_id, expires_at)
values (%s, %s, now() + %s) on conflict do nothing
"""
_USE: Final = """
update sign_in_links l set used_at = now(), session_id = %(session)s
from api_keys k
where l.token_hash = %(token)s and k.id = l.key_id and l.expires_at > now()
  and (l.used_at is null or l.session_id = %(session)s)
  and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
returning l.key_id
"""
_OPEN: Final = """
insert into sessions (id, token_hash, key_id, device, expires_at)
values (%s, %s, %s, %s, now() + %s) on conflict do nothing
"""
_LISTED: Final = """
select s.id, s.key_id, s.device, s.created_at, s.last_used_at, s.expires_at
from sessions s join api_keys k on k.id = s.key_id
where k.owner = %(owner)s and s.revoked_at is null and s.expires_at > now()
  and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  and (%(before)s::uuid is null or s.id < %(before)s)
order by s.id desc limit %(limit)s
"""
_END: Final = """
update sessions s set revoked_at = coalesce(s.revoked_at, now())
from api_keys k
where s.id = %s and k.id = s.key_id and k.owner = %s
returning s.id, s.key_id, s.device, s.created_at, s.last_used_at, s.expires_at
"""

_END_ALL: Final = """
with links as (
    update sign_in_links l set expires_at = least(l.expires_at, now())
    from api_keys k where k.id = l.key_id and k.owner = %(owner)s and l.used_at is null
)
update sessions s set revoked_at = now()
from api_keys k
where k.id = s.key_id and k.owner = %(owner)s and s.revoked_at is null
  and s.expires_at > now()
returning s.id
"""


def new_token() -> str:
    """256 random bits, as 43 characters that need no quoting."""
    return secrets.token_urlsafe(_SECRET_BYTES)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """One browser's try; its id makes a try whose answer was lost the same one."""

    device: str
    lifetime: timedelta
    session_id: UUID = field(default_factory=new_id)
    token: str = field(default_factory=new_token, repr=False)


def make_link(
    connection: Db, token: str, *, key_id: UUID, lifetime: timedelta
) -> datetime:
    """Let a link in once; tell until when."""
    for statement in _FORGET:
        connection.execute(statement)
    connection.execute(_MAKE, [hash_of(token), key_id, lifetime])
    row = connection.execute(
        "select expires_at from sign_in_links where token_hash = %s", [hash_of(token)]
    ).fetchone()
    assert row is not None
    expires_at: datetime = row["expires_at"]
    return expires_at


def use_link(connection: Db, link: str, sign_in: SignIn) -> None:
    """Turn a link into a session.

    Raises:
        UnauthorizedError: It was used, is over, or nobody made it; the message says
            which, and what to do.
    """
    with connection.transaction():
        row = connection.execute(
            _USE, {"token": hash_of(link), "session": sign_in.session_id}
        ).fetchone()
        if row is None:
            raise _refused(connection, link)
        connection.execute(
            _OPEN,
            [
                sign_in.session_id,
                hash_of(sign_in.token),
                row["key_id"],
                _printable(sign_in.device),
                sign_in.lifetime,
            ],
        )


def is_session_of(connection: Db, link: str, session_id: UUID | None) -> bool:
    """Whether this very session came by that link: a form that was sent twice."""
    row = connection.execute(
        "select 1 from sign_in_links where token_hash = %s and session_id = %s",
        [hash_of(link), session_id],
    ).fetchone()
    return row is not None


def listed(
    connection: Db, who: Identity, *, before: UUID | None, limit: int
) -> list[SessionBody]:
    """The signed-in browsers of an owner, the newest first."""
    rows = connection.execute(
        _LISTED, {"owner": who.owner, "before": before, "limit": limit}
    ).fetchall()
    return [_body(row, who) for row in rows]


def end(connection: Db, session_id: UUID, who: Identity) -> SessionBody:
    """Sign a browser of the owner out.

    Raises:
        NotFoundError: There is no such session, or not of this owner.
    """
    row = connection.execute(_END, [session_id, who.owner]).fetchone()
    if row is None:
        raise NotFoundError(
            "There is no such session: GET /api/sessions lists those that there are."
        )
    return _body(row, who)


def end_all(connection: Db, who: Identity) -> int:
    """Sign every browser of the owner out; links that nobody has used end too."""
    return len(connection.execute(_END_ALL, {"owner": who.owner}).fetchall())


def _body(row: Row, who: Identity) -> SessionBody:
    return SessionBody(**row, is_this=row["id"] == who.session_id)


def _printable(device: str) -> str:
    kept = "".join(letter for letter in device if letter.isprintable())
    return kept[:_DEVICE_CHARACTERS]


def _refused(connection: Db, link: str) -> UnauthorizedError:
    row = connection.execute(
        "select l.used_at, l.expires_at <= now() as is_over from sign_in_links l "
        "where l.token_hash = %s",
        [hash_of(link)],
    ).fetchone()
    if row is None:
        return UnauthorizedError(
            "This sign-in link is not known here: it is not whole, another server's, "
            f"or long over. {_ANOTHER}"
        )
    if row["used_at"] is not None:
        return UnauthorizedError(
            "This sign-in link was used already, and each works once. If it was not "
            "you, revoke its key (./prsnl keys list): that signs out whoever it was. "
            + _ANOTHER
        )
    if row["is_over"]:
        return UnauthorizedError(f"This sign-in link is too old. {_ANOTHER}")
    return UnauthorizedError(
        f"The key that this sign-in link was made with has ended. {_ANOTHER}"
    )
