"""What goes over HTTP of webhooks, and what a webhook's message says."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prsnl.core.texts import StorableText
from prsnl.wire.base import Body

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3})"
_NAME = rf"{_LABEL}(\.{_LABEL}){{0,8}}"
_GROUP = "[0-9A-Fa-f]{1,4}"
#: All eight groups, or a gap: in the midst, at the end, at the beginning.
_IPV6 = "|".join(
    [
        f"({_GROUP}:){{7}}{_GROUP}",
        *(f"({_GROUP}:){{1,{7 - n}}}(:{_GROUP}){{1,{n}}}" for n in range(1, 7)),
        f"({_GROUP}:){{1,7}}:",
        f":((:{_GROUP}){{1,7}}|:)",
    ]
)
_URL = rf"^https?://({_NAME}|\[({_IPV6})\])(:{_PORT})?(/[!-~]*)?$"
#: Tasks that one message names; it counts all.
MOST_TASKS = 100


class Event(StrEnum):
    """What a webhook may be told."""

    #: Nothing is under way any more: one message for all that has ended since the last.
    WORK_ENDED = "work.ended"
    #: Tasks that ended in the last two seconds or so, each once.
    TASK_SUCCEEDED = "task.succeeded"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    #: To try it.
    PING = "ping"


def _address(url: str) -> str:
    """The address, if it is one for a webhook.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(_URL, url):
        raise ValueError(
            "give https://HOST/PATH or http://HOST/PATH, in ASCII, without a user or "
            "a password"
        )
    return url


class NewWebhook(BaseModel):
    """An address that is to be told."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"url": "https://example.org/prsnl", "events": ["work.ended"]}]
        },
    )

    url: Annotated[
        str,
        Field(
            max_length=2000,
            json_schema_extra={"pattern": _URL},
            description="`https://...` or `http://...`: a name, an IPv4 address or an "
            "IPv6 address in brackets, without a user or password.",
        ),
        AfterValidator(_address),
    ]
    events: list[Event] = Field(
        default_factory=lambda: [Event.WORK_ENDED],
        min_length=1,
        max_length=len(Event),
        description="What it is told.",
    )
    secret: Annotated[StorableText, Field(min_length=16, max_length=200)] | None = (
        Field(None, description="Signs the messages; one is made if you give none.")
    )

    @model_validator(mode="after")
    def _no_ping(self) -> Self:
        if Event.PING in self.events:
            raise ValueError("`ping` is sent by .../test alone")
        return self


class LastDelivery(Body):
    """The newest message of a webhook."""

    id: UUID
    event: Event
    created_at: datetime
    attempts: int
    #: "delivered", "failed", "dropped"; null while it is tried.
    outcome: str | None
    http_status: int | None
    #: One sentence, when the last try did not arrive.
    problem: str | None


class WebhookBody(Body):
    """One webhook; its secret is told once, when it is made."""

    id: UUID
    url: str
    events: list[Event]
    created_at: datetime
    is_signed: bool
    #: It is the setting PRSNL_NOTIFY_URL.
    of_setting: bool
    disabled_at: datetime | None
    disabled_because: str | None
    last_delivery: LastDelivery | None


class MadeWebhook(WebhookBody):
    """The same when it has just been made or changed."""

    secret: str


class EndedTask(Body):
    """A task that has ended, as a message names it."""

    task_id: UUID
    task: str
    queue: str
    status: str
    error_code: str | None
    item_id: UUID | None
    attachment_id: UUID | None
    finished_at: datetime


class Message(Body):
    """What is sent: ids, states and counts."""

    #: The same at every try of one message.
    id: UUID
    event: Event
    created_at: datetime
    #: How many ended, by status: success, failure, dead, revoked.
    counts: dict[str, int]
    #: The failed first; at most 100.
    tasks: list[EndedTask]
    #: Tasks that are counted and not named: too many, or of items that may not leave.
    not_named: int
