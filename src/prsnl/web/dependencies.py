"""What endpoints ask for: the caller, the database, the submitter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.core.db import Database
from prsnl.core.errors import ForbiddenError, UnauthorizedError
from prsnl.core.settings.service import Access as AccessSettings
from prsnl.core.settings.service import Server as ServerSettings
from prsnl.core.settings.service import Storage as StorageSettings
from prsnl.core.storage import Storage
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.engines.taxonomy.reading import parsed, shipped
from prsnl.web.guard import note
from prsnl.web.identity import Credential, Identity
from prsnl.web.keys import KeyRing, unauthorized
from prsnl.web.origins import (
    SESSION_COOKIE,
    client_of,
    cookie_name,
    is_own_page,
    is_safe,
)
from prsnl.web.throttle import Throttle
from prsnl.wire.access import Scope
from prsnl.wire.tasks import Accepted
from prsnl.work import secrets
from prsnl.work.caps import KnownCaps
from prsnl.work.eta import History
from prsnl.work.ring import Channel, Ring
from prsnl.work.specs import C, R, TaskSpec
from prsnl.work.submit import Submitter, submission

MONITOR_URL = "/api/background/status/{}"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the requests of one API process share."""

    database: Database
    submitter: Submitter
    ring: Ring
    keys: KeyRing
    storage: Storage
    limits: StorageSettings
    #: How tries of unknown keys are slowed down.
    wrong_keys: Throttle = field(default_factory=lambda: Throttle(60))
    access: AccessSettings = field(default_factory=AccessSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    #: What `--insecure` let pass, one sentence each.
    insecurities: tuple[str, ...] = ()
    #: What tasks took on this machine, for when others may have ended.
    history: History = field(default_factory=History)
    #: What the documents of those are sorted by who have set nothing.
    taxonomy: Taxonomy = field(default_factory=lambda: parsed(shipped()))

    @cached_property
    def caps(self) -> KnownCaps:
        """How many tasks may wait."""
        return KnownCaps(self.database)

    def rang(self) -> None:
        """Tell the relay and the listeners that there is something new."""
        self.ring.ring(Channel.DUE, Channel.PROGRESS)


# These dependencies are `async` though they wait for nothing: FastAPI sends a plain
# function through a thread, and each of those costs as much as the whole validation.
async def shared(connection: HTTPConnection) -> Shared:
    """What this process shares."""
    found = connection.app.state.shared
    assert isinstance(found, Shared)
    return found


class _Bearer(SecurityBase):
    """A key in the header `Authorization: Bearer`, of a request or a WebSocket."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(description="A key of this server.")
        self.scheme_name = "Key"

    async def __call__(self, connection: HTTPConnection) -> str | None:
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None


class _Session(SecurityBase):
    """A signed-in browser's cookie."""

    def __init__(self) -> None:
        self.model = APIKey.model_validate(
            {
                "in": APIKeyIn.cookie,
                "name": SESSION_COOKIE,
                "description": "A signed-in browser; where the server's address has a "
                f"port, the cookie is {SESSION_COOKIE}_PORT.",
            }
        )
        self.scheme_name = "Session"

    async def __call__(self, connection: HTTPConnection) -> str | None:
        return connection.cookies.get(cookie_name(connection))


async def identity(
    connection: HTTPConnection,
    parts: Annotated[Shared, Depends(shared)],
    key: Annotated[str | None, Depends(_Bearer())],
    session: Annotated[str | None, Depends(_Session())],
) -> Identity:
    """Who sends a request, opens a WebSocket or follows a stream.

    Raises:
        ForbiddenError: A page of another site sends it.
        TooManyRequestsError: Too many unknown keys came from there.
        UnauthorizedError: There is no key and no session, or it is unknown, revoked
            or over.
    """
    if key is not None:
        credential = Credential.of_key(key)
    elif session is not None:
        credential = Credential.of_session(session)
        # A cookie comes along by itself, whoever's page it is that asks.
        if not is_safe(connection):
            require_own_page(connection, parts.server.public_url)
    else:
        raise unauthorized()
    found = parts.keys.remembered(credential)
    if found is None:
        found = await _looked_up(connection, parts, credential)
    note(connection, credential)
    return found


async def _looked_up(
    connection: HTTPConnection, parts: Shared, credential: Credential
) -> Identity:
    client = client_of(connection)
    if not parts.keys.was_let_in(credential):
        parts.wrong_keys.check(client)
    try:
        return await run_in_threadpool(parts.keys.identity, credential)
    except UnauthorizedError:
        parts.wrong_keys.count(client)
        raise


def require_own_page(connection: HTTPConnection, public_url: str | None) -> None:
    """Make sure that a page of this server sends the request.

    Raises:
        ForbiddenError: Another site's does, or none that says where it is from.
    """
    if not is_own_page(connection, public_url):
        raise ForbiddenError(
            "With a signed-in browser's cookie only this server's own page may do "
            "this: reload it. If the page is this server's, set PRSNL_PUBLIC_URL to "
            "the address in the browser; a program sends a key instead."
        )


def require_scope(who: Identity, scope: Scope) -> None:
    """Make sure that somebody may do something.

    Raises:
        ForbiddenError: The key lacks the scope.
    """
    if scope not in who.scopes:
        raise ForbiddenError(
            f"This key has not the scope `{scope}`: make one that has it with "
            f"./prsnl keys create --scope {scope}."
        )


async def caller(
    connection: HTTPConnection, who: Annotated[Identity, Depends(identity)]
) -> str:
    """The owner that a request is for; to change anything its key has `write`.

    For a WebSocket and a stream of events as for an ordinary route: they read.

    Raises:
        ForbiddenError: The key lacks the scope.
    """
    is_reading = connection.scope["type"] == "websocket" or is_safe(connection)
    require_scope(who, Scope.READ if is_reading else Scope.WRITE)
    return who.owner


async def admin(who: Annotated[Identity, Depends(identity)]) -> Identity:
    """Who asks, with the scope `admin`.

    Raises:
        ForbiddenError: The key lacks it.
    """
    require_scope(who, Scope.ADMIN)
    return who


class Paging(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200, description="Most entries in one answer.")
    before: UUID | None = Field(None, description="`next` of the page before.")


def next_page(ids: list[UUID], paging: Paging) -> str | None:
    """Where the next page begins; None when this one was not full."""
    return str(ids[-1]) if len(ids) == paging.limit else None


Parts = Annotated[Shared, Depends(shared)]
Caller = Annotated[str, Depends(caller)]
Visitor = Annotated[Identity, Depends(identity)]
Admin = Annotated[Identity, Depends(admin)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="The same key and body is the same task; another body is a 409.",
    ),
]


@dataclass(frozen=True)
class Dispatcher:
    """Submits the commands of one request."""

    parts: Shared
    owner: str
    idempotency_key: str | None

    async def submit(
        self,
        spec: TaskSpec[C, R],
        command: C,
        *,
        attachment_id: UUID | None = None,
        password: SecretStr | None = None,
        priority: int | None = None,
    ) -> Accepted:
        """Insert the task, ring, and tell where to follow it.

        A password goes beside the row, sealed, until the task has ended.

        Raises:
            ConflictError: The idempotency key stands for another command already.
            TooManyTasksError: As many wait as may.
        """
        await self.require_room(spec.queue)
        wanted = submission(
            spec,
            command,
            owner=self.owner,
            idempotency_key=self.idempotency_key,
            attachment_id=attachment_id,
            priority=priority,
        )
        if password is not None:
            await run_in_threadpool(self._seal, wanted.id, password)
        told = await self.parts.submitter.submit(wanted)
        return Accepted(
            task_id=told.task_id,
            message=(
                "The task is queued; monitor_url shows its progress and its result."
                if told.is_new
                else "This idempotency key was used before: it is the same task."
            ),
            monitor_url=MONITOR_URL.format(told.task_id),
        )

    async def require_room(self, queue: str) -> None:
        """Make sure that one more task may wait in a queue.

        Raises:
            TooManyTasksError: As many wait as may.
        """
        if not self.parts.caps.is_open:
            await run_in_threadpool(
                self.parts.caps.require_room,
                owner=self.owner,
                queue=queue,
                key=self.idempotency_key,
            )

    def _seal(self, task_id: UUID, password: SecretStr) -> None:
        plain = password.get_secret_value()
        self.parts.database.run(
            lambda connection: secrets.seal(
                connection, self.parts.storage, task_id, plain
            )
        )


async def dispatcher(
    parts: Parts, owner: Caller, idempotency_key: IdempotencyKey = None
) -> Dispatcher:
    """What submits for this request."""
    return Dispatcher(parts, owner, idempotency_key)


Dispatch = Annotated[Dispatcher, Depends(dispatcher)]
