"""The client's calls for webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.wire.base import Page
from prsnl.wire.tasks import Accepted
from prsnl.wire.webhooks import Event, MadeWebhook, WebhookBody

_WEBHOOKS: Final = "/api/webhooks"


class WebhookCalls(Connection):
    """Who is told when work ends."""

    def webhooks(self) -> list[WebhookBody]:
        """The caller's webhooks, each with its last message."""
        return parsed(Page[WebhookBody], self._ask("GET", _WEBHOOKS)).items

    def add_webhook(
        self, url: str, *, events: Sequence[Event] = (), secret: str | None = None
    ) -> MadeWebhook:
        """Have an address told; the same one again is changed, and turned on.

        Args:
            url: `https://...`.
            events: What it is told; by default that all work has ended.
            secret: Signs the messages; one is made if you give none.
        """
        body: dict[str, Any] = {"url": url}
        if events:
            body["events"] = [str(event) for event in events]
        if secret is not None:
            body["secret"] = secret
        return parsed(MadeWebhook, self._ask("POST", _WEBHOOKS, json=body))

    def delete_webhook(self, webhook_id: UUID | str) -> list[WebhookBody]:
        """Tell an address no more; what is left."""
        answer = self._ask("DELETE", f"{_WEBHOOKS}/{webhook_id}")
        return parsed(Page[WebhookBody], answer).items

    def test_webhook(self, webhook_id: UUID | str) -> Accepted:
        """Send it a message that tells of nothing."""
        answer = self._ask("POST", f"{_WEBHOOKS}/{webhook_id}/test")
        return parsed(Accepted, answer)
