"""The task that delivers a message."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import Field

from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec


class DeliverWebhook(Command):
    """Send one message that stands ready."""

    delivery_id: UUID = Field(description="Which.")


class Delivered(Result):
    """What came of it."""

    #: "delivered", or "dropped" where the webhook has gone or is off.
    outcome: str
    http_status: int | None


#: In the queue whose workers wait for networks; before what waits for a model.
DELIVER: Final = TaskSpec(
    name="deliver_webhook_task",
    queue=Queue.AI_PROCESSING,
    command=DeliverWebhook,
    result=Delivered,
    retry_waits_s=(10, 60, 300, 1800, 7200),
    time_limit_s=120,
    priority=100,
)
