"""/api/webhooks."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from fastapi import APIRouter, status
from starlette.requests import Request

from prsnl.core.db import Db
from prsnl.core.errors import ProviderFailedError
from prsnl.web.dependencies import Caller, Parts
from prsnl.webhooks import gathering, store
from prsnl.webhooks.address import AddressBook
from prsnl.webhooks.specs import DELIVER
from prsnl.wire.base import Page
from prsnl.wire.tasks import Accepted
from prsnl.wire.webhooks import MadeWebhook, NewWebhook, WebhookBody

router = APIRouter(prefix="/api/webhooks", tags=["Webhooks"])


@router.get("")
def webhooks(parts: Parts, owner: Caller) -> Page[WebhookBody]:
    """The caller's webhooks, the newest first, each with its last message."""
    return Page(items=parts.database.run(partial(store.webhooks, owner=owner)))


@router.post("", status_code=status.HTTP_201_CREATED)
def add_webhook(
    wanted: NewWebhook, request: Request, parts: Parts, owner: Caller
) -> MadeWebhook:
    """Have an address told when work ends; its secret is in the answer, once.

    The same address again changes its events and its secret, and turns it on again.
    """
    _check(request.app.state.webhook_addresses, wanted.url)
    return parts.database.run(partial(store.keep, wanted=wanted, owner=owner))


@router.delete("/{webhook_id}")
def delete_webhook(webhook_id: UUID, parts: Parts, owner: Caller) -> Page[WebhookBody]:
    """Tell an address no more; answers what is left."""

    def work(connection: Db) -> list[WebhookBody]:
        store.delete(connection, webhook_id, owner=owner)
        return store.webhooks(connection, owner=owner)

    return Page(items=parts.database.run(work))


@router.post("/{webhook_id}/test", status_code=status.HTTP_202_ACCEPTED)
def test_webhook(webhook_id: UUID, parts: Parts, owner: Caller) -> Accepted:
    """Queue a message that tells of nothing, `ping`, also to one that is off."""
    parts.caps.require_room(owner=owner, queue=DELIVER.queue, key=None)

    def work(connection: Db) -> UUID:
        store.webhook(connection, webhook_id, owner=owner)
        return gathering.ping(connection, webhook_id, owner=owner)

    task_id = parts.database.run(work)
    parts.rang()
    return Accepted(
        task_id=task_id,
        message="A message is on its way; the webhook's `last_delivery` tells of it.",
        monitor_url=f"/api/background/status/{task_id}",
    )


def _check(addresses: AddressBook, url: str) -> None:
    """Refuse what may not be reached; a name that nobody knows yet may be good later.

    Raises:
        BadRequestError, ForbiddenError: It says why.
    """
    try:
        addresses.target(url)
    except ProviderFailedError:
        return
