"""Delivers a message: what is about to happen is written down, then what came of it.

A receiver may get a message twice, where nobody knows whether it arrived; its id is
the same then.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import structlog

from prsnl.core.db import Database, Db
from prsnl.core.errors import (
    BadRequestError,
    Category,
    ForbiddenError,
    LocalOnlyError,
    PrsnlError,
)
from prsnl.core.ids import new_id
from prsnl.engines.reach import Reach
from prsnl.items import egress
from prsnl.webhooks import signing, store
from prsnl.webhooks.address import AddressBook, Target
from prsnl.webhooks.sending import GONE, Post
from prsnl.webhooks.specs import DELIVER, Delivered, DeliverWebhook
from prsnl.webhooks.store import Ready
from prsnl.wire.webhooks import Event, Message
from prsnl.work.run import TaskRun

T = TypeVar("T")

_STAGE: Final = "webhook"
#: Where it leads is no place for a message.
_NEVER: Final = (BadRequestError, ForbiddenError)
_DROPPED: Final = Delivered(outcome="dropped", http_status=None)


log = structlog.get_logger()


@dataclass(frozen=True)
class Deliverer:
    """Sends messages, one a task."""

    database: Database
    addresses: AddressBook
    #: The setting: nothing may leave this machine.
    local_only: bool = False

    def deliver(self, run: TaskRun, command: DeliverWebhook) -> Delivered:
        """Send a message, unless it has arrived or nobody wants it any more.

        Raises:
            PrsnlError: It did not arrive; the row and the webhook's say so.
        """
        message = self.database.run(
            partial(store.ready, delivery_id=command.delivery_id)
        )
        if message is None:
            return _DROPPED
        if message.outcome == "delivered":  # whose end was lost
            return Delivered(outcome="delivered", http_status=None)
        if message.is_off and message.event != Event.PING:
            self._write(run, partial(store.dropped, delivery_id=message.id))
            return _DROPPED
        run.progress.expect(1)
        return self._deliver(run, message)

    def _deliver(self, run: TaskRun, message: Ready) -> Delivered:
        post: Post | None = None
        call_id = new_id()
        try:
            target = self.addresses.target(message.url, is_operators=message.of_setting)
            self._require_may_leave(target)
            told = self._told(message, target)
            body = json.dumps(told, separators=(",", ":")).encode()
            self._write(
                run,
                partial(
                    _begin,
                    run=run,
                    message=message,
                    target=target,
                    told=told,
                    size=len(body),
                    call_id=call_id,
                ),
            )
            post = Post(target)
            with run.killing(post.stop):
                status = post.send(body, _headers(message, body))
        except PrsnlError as error:
            run.check()
            if post is not None and not post.is_begun:
                self._write(run, partial(egress.forget, call_id=call_id))
            self._missed(run, message, error, None if post is None else post.status)
            raise
        self._write(run, partial(store.arrived, message=message, http_status=status))
        run.step(f"Told {target.host}")
        return Delivered(outcome="delivered", http_status=status)

    def _require_may_leave(self, target: Target) -> None:
        if self.local_only and target.reach is not Reach.LOCAL:
            raise LocalOnlyError(
                f"Nothing was sent: PRSNL_LOCAL_ONLY is set, and {target.host} is not "
                "this machine. Remove the webhook, or name its address in "
                "PRSNL_LOCAL_HOSTS if it is a machine of your own."
            )

    def _told(self, message: Ready, target: Target) -> dict[str, object]:
        """The message without the items that may not leave, and those that are gone."""
        whole = Message.model_validate(message.body)
        ids = [one.item_id for one in whole.tasks if one.item_id is not None]
        items = self.database.run(partial(store.items_of, ids=ids))
        is_away = target.reach is not Reach.LOCAL
        named = [
            one
            for one in whole.tasks
            if one.item_id is None
            or (one.item_id in items and not (is_away and items[one.item_id]))
        ]
        not_named = whole.not_named + len(whole.tasks) - len(named)
        told = whole.model_copy(update={"tasks": named, "not_named": not_named})
        return told.model_dump(mode="json")

    def _missed(
        self, run: TaskRun, message: Ready, error: PrsnlError, status: int | None
    ) -> None:
        tries_left = run.claimed.retries < len(DELIVER.retry_waits_s)
        if error.category is Category.TRANSIENT and tries_left:
            self._write(
                run,
                partial(
                    store.missed,
                    delivery_id=message.id,
                    problem=error.message,
                    http_status=status,
                ),
            )
            return
        is_off = self._write(
            run,
            partial(
                store.failed,
                message=message,
                problem=error.message,
                http_status=status,
                turns_off=status == GONE or isinstance(error, _NEVER),
            ),
        )
        if is_off:
            log.warning("webhook.turned_off", webhook=str(message.webhook_id))

    def _write(self, run: TaskRun, work: Callable[[Db], T]) -> T:
        def fenced(connection: Db) -> T:
            with connection.transaction():
                run.stages.fence(connection)
                return work(connection)

        return self.database.run(fenced)


def _begin(
    connection: Db,
    *,
    run: TaskRun,
    message: Ready,
    target: Target,
    told: dict[str, object],
    size: int,
    call_id: UUID,
) -> None:
    """The intent, and the receipt of each item that the message names."""
    store.begin(connection, message.id)
    named = Message.model_validate(told).tasks
    items = Counter(one.item_id for one in named if one.item_id is not None)
    for item_id, count in items.items():
        egress.note(
            connection,
            egress.Sent(
                item_id=item_id,
                attachment_id=None,
                task_id=run.task_id,
                claim_no=run.attempt,
                stage=_STAGE,
                unit=0,
                host=target.netloc,
                reach=target.reach,
                sent_bytes=max(1, size * count // max(1, len(named))),
                call_id=call_id,
            ),
        )


def _headers(message: Ready, body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    told = {
        "Content-Type": "application/json",
        "User-Agent": "PRSNL",
        signing.ID_HEADER: str(message.id),
        signing.TIMESTAMP_HEADER: str(timestamp),
    }
    if message.secret is not None:
        signed = signing.signature(message.secret, timestamp, body)
        told[signing.SIGNATURE_HEADER] = signed
    return told
