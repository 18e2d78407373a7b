"""What endpoints ask for: the caller, the database, the submitter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Database
from prsnl.core.settings import Storage as StorageSettings
from prsnl.core.storage import FolderStorage
from prsnl.web.keys import KeyRing, unauthorized
from prsnl.wire import Accepted
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
    storage: FolderStorage
    limits: StorageSettings
    #: What tasks took on this machine, for when others may have ended.
    history: History = field(default_factory=History)

    def rang(self) -> None:
        """Tell the relay and the listeners that there is something new."""
        self.ring.ring(Channel.DUE, Channel.PROGRESS)


def shared(request: Request) -> Shared:
    """What this process shares."""
    found = request.app.state.shared
    assert isinstance(found, Shared)
    return found


async def caller(
    parts: Annotated[Shared, Depends(shared)],
    given: Annotated[
        HTTPAuthorizationCredentials | None,
        Depends(HTTPBearer(auto_error=False, description="A key of this server.")),
    ],
) -> str:
    """The owner whose key the request carries.

    Raises:
        UnauthorizedError: There is no key, or it is unknown or revoked.
    """
    if given is None:
        raise unauthorized()
    key = given.credentials
    owner = parts.keys.remembered(key)
    if owner is None:
        owner = await run_in_threadpool(parts.keys.owner, key)
    return owner


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
        self, spec: TaskSpec[C, R], command: C, *, attachment_id: UUID | None = None
    ) -> Accepted:
        """Insert the task, ring, and tell where to follow it.

        Raises:
            ConflictError: The idempotency key stands for another command already.
        """
        told = await self.parts.submitter.submit(
            submission(
                spec,
                command,
                owner=self.owner,
                idempotency_key=self.idempotency_key,
                attachment_id=attachment_id,
            )
        )
        return Accepted(
            task_id=told.task_id,
            message=(
                "The task is queued; monitor_url shows its progress and its result."
                if told.is_new
                else "This idempotency key was used before: it is the same task."
            ),
            monitor_url=MONITOR_URL.format(told.task_id),
        )


def dispatcher(
    parts: Parts, owner: Caller, idempotency_key: IdempotencyKey = None
) -> Dispatcher:
    """What submits for this request."""
    return Dispatcher(parts, owner, idempotency_key)


Dispatch = Annotated[Dispatcher, Depends(dispatcher)]
