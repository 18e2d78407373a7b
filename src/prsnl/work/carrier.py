"""Celery's Redis transport, which drops what is no hint instead of ending the worker.

kombu lets the error of one message that it cannot read end the loop of its worker, and
the broker's list may hold anything: of another program, another version, or a forger.
A dropped message loses nothing, for the rows decide.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

_SCHEMES: Final = ("redis", "rediss")

log = structlog.get_logger()


def drop_what_is_no_hint() -> None:
    """Use this transport for the broker, in this process."""
    for scheme in _SCHEMES:
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"


def is_hint(message: Any) -> bool:
    """Whether a decoded message has the shape of a task's name and id by Celery."""
    match message:
        case {
            "body": str(body),
            "headers": {"task": str(), "id": str(task_id)},
            "properties": {"delivery_info": dict(), "delivery_tag": str()},
        }:
            with suppress(ValueError):
                UUID(task_id)
                base64.b64decode(body, validate=True)
                return True
    return False


def hinted(headers: Mapping[str, Any]) -> UUID | None:
    """The task that a message hints at; None if it hints at none of ours."""
    try:
        return UUID(headers["id"])
    except (KeyError, ValueError, AttributeError, TypeError):
        log.warning("broker.message_dropped", reason="it is no hint")
        return None


class Channel(redis.Channel):
    """Reads one message, whatever it is."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError):
            if self.connection.is_delivering:
                raise
            log.warning("broker.message_dropped", reason="it is no JSON")
            return True


class Transport(redis.Transport):
    """Delivers hints, and nothing else."""

    Channel = Channel
    #: An error is that of a task now, not of the message.
    is_delivering = False

    def _deliver(self, message: Any, queue: str) -> None:
        if not is_hint(message):
            log.warning("broker.message_dropped", reason="it is no hint", queue=queue)
            return
        self.is_delivering = True
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        finally:
            self.is_delivering = False
