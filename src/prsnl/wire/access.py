"""Keys, links and sessions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from prsnl.wire.base import Body


class Scope(StrEnum):
    """What a key may do; none includes another."""

    #: See: every GET, and the live streams.
    READ = "read"
    #: Change what is one's own: upload, submit, cancel, retry, delete.
    WRITE = "write"
    #: Keys of every owner, and the queues. Never another owner's documents.
    ADMIN = "admin"


class KeyBody(Body):
    """One key, without its secret: nobody keeps that."""

    id: UUID
    owner: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    #: To the minute.
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeKey(KeyBody):
    """A new key, and its secret: told here, and never again."""

    key: str


class LinkBody(Body):
    """A one-use link that signs a browser in."""

    #: For a browser of the server's own machine, or of whoever asked.
    url: str
    #: For a phone; null where none can reach this server.
    phone_url: str | None
    #: Why none can, and what to set.
    unreachable_because: str | None
    expires_at: datetime


class SessionBody(Body):
    """One signed-in browser."""

    id: UUID
    #: The key that its link was made with; it ends with it.
    key_id: UUID
    #: As the browser calls itself.
    device: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    #: It is the one that asks.
    is_this: bool


class SignedOut(Body):
    """What was signed out."""

    #: Browsers, the one that asked among them.
    sessions: int


class MeBody(Body):
    """Who asks."""

    owner: str
    scopes: list[Scope]
    key_id: UUID
    #: Null for a program with a key.
    session_id: UUID | None
