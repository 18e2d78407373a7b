"""Delivering messages in the background."""

from __future__ import annotations

from prsnl.webhooks.service import Deliverer
from prsnl.webhooks.specs import DELIVER, Delivered, DeliverWebhook
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(DELIVER)
def deliver_webhook_task(run: TaskRun, command: DeliverWebhook) -> Delivered:
    """Send one message. Repeated, its receiver gets the same id twice."""
    return run.get(Deliverer).deliver(run, command)
