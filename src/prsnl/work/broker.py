"""What is asked of a broker beside the carrying: what it holds, and has it forgotten.

Two kinds are known: those that speak Redis's protocol, and those that speak AMQP.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from amqp import AMQPError, NotFound
from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from prsnl.work.broker_kind import is_amqp

#: What a broker that is away, or that throws us out, is told by.
BROKER_ERRORS: Final = (KombuError, AMQPError, RedisError, OSError)

#: Its absence means that the broker forgot everything it held.
MARKER: Final = "prsnl:marker"
_ANSWERS_WITHIN_S: Final = 3.0
#: A peer that vanished without a word is noticed by TCP: a worker that is deep in a
#: task cannot answer AMQP's own heartbeats, and would be thrown out for it.
_KEEP_ALIVE: Final = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 20_000,
}


@dataclass(frozen=True)
class Held:
    """One look at a broker."""

    #: It forgot all that it held since the last look of anybody.
    is_new: bool
    #: The hints in it that nobody has taken, by queue.
    lengths: Mapping[str, int]


class Broker(Protocol):
    """A broker, by its own protocol; its methods raise BROKER_ERRORS."""

    def look(self, queues: Sequence[str]) -> Held:
        """Tell what it holds, and mark it as known."""

    def version(self) -> str:
        """Its name and version."""

    def close(self) -> None:
        """Hang up; the next question connects anew."""


def broker_at(url: str) -> Broker:
    """The broker of an address; nothing is asked of it yet.

    Raises:
        SettingsError: It is of a kind that we do not know.
    """
    return AmqpBroker(url) if is_amqp(url) else RedisBroker(url)


def celery_settings(url: str) -> dict[str, Any]:
    """How Celery carries by a broker, where the kinds differ."""
    if not is_amqp(url):
        return {
            "task_acks_late": False,
            "worker_disable_prefetch": True,
            # The row is the truth: what kombu keeps to redeliver would only run twice.
            "broker_transport_options": {
                "ack_emulation": False,
                "socket_timeout": 10,
                "socket_connect_timeout": 3,
                "health_check_interval": 10,
                "queue_order_strategy": "prsnl.work.order:SeedOrder",
                # One list a queue: the order among tasks is SQL.
                "priority_steps": [0],
            },
        }
    return {
        # The broker hands out one hint more as soon as one is acknowledged: early,
        # it would wait unseen in a busy worker while another is idle. One that is
        # delivered again changes nothing, for the rows decide.
        "task_acks_late": True,
        "worker_disable_prefetch": False,
        "broker_heartbeat": 0,
        # RabbitMQ closes the channel of a hint that is not acknowledged for half an
        # hour, as in a long task.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "write_timeout": 10,
            "socket_settings": _keep_alive(),
        },
    }


@dataclass
class RedisBroker:
    """Valkey, Redis, DragonflyDB: a list a queue."""

    url: str
    _line: Redis | None = field(default=None, repr=False)

    def look(self, queues: Sequence[str]) -> Held:
        """Tell the lists' lengths; a flush takes the marker with them."""
        asked = self._opened().pipeline(transaction=False)
        asked.set(MARKER, "1", nx=True)
        for queue in queues:
            asked.llen(queue)
        is_new, *told = asked.execute()
        lengths = dict(zip(queues, map(int, told), strict=True))
        return Held(is_new=bool(is_new), lengths=lengths)

    def version(self) -> str:
        """Its name and version."""
        info = self._opened().info("server")
        name = info.get("server_name", "redis")
        return f"{name} {info.get(f'{name}_version') or info.get('redis_version')}"

    def close(self) -> None:
        """Hang up."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _opened(self) -> Redis:
        if self._line is None:
            self._line = Redis.from_url(
                self.url,
                socket_timeout=_ANSWERS_WITHIN_S,
                socket_connect_timeout=_ANSWERS_WITHIN_S,
            )
        return self._line


@dataclass
class AmqpBroker:
    """RabbitMQ: a durable queue a queue of ours, and one more that is the marker.

    Hints and queues outlive its restart. One whose data are gone has lost the marker
    with them; of a queue that was purged its length tells.
    """

    url: str
    #: kombu has no types.
    _line: Any = field(default=None, repr=False)

    def look(self, queues: Sequence[str]) -> Held:
        """Tell the queues' lengths, and declare those that are missing.

        A hint to a queue that is not declared is dropped without a word.
        """
        line = self._opened()
        is_new = not _is_declared(line, MARKER)
        with line.channel() as channel:
            lengths = {queue: _declare(channel, queue) for queue in queues}
            _declare(channel, MARKER)
        return Held(is_new=is_new, lengths=lengths)

    def version(self) -> str:
        """Its name and version."""
        told = self._opened().connection.server_properties
        return f"{told.get('product', 'AMQP')} {told.get('version', '')}".strip()

    def close(self) -> None:
        """Hang up, without waiting for an answer."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(*BROKER_ERRORS):
                line.collect(socket_timeout=_ANSWERS_WITHIN_S)

    def _opened(self) -> Any:
        if self._line is None:
            line: Any = Connection(  # type: ignore[no-untyped-call]
                self.url,
                connect_timeout=_ANSWERS_WITHIN_S,
                transport_options={
                    "read_timeout": _ANSWERS_WITHIN_S,
                    "write_timeout": _ANSWERS_WITHIN_S,
                },
            )
            line.connect()
            self._line = line
        return self._line


def lets_guests_in(url: str) -> bool:
    """Whether RabbitMQ still has the user that everybody knows the password of."""
    parts = urlsplit(url)
    place = parts.netloc.rsplit("@", 1)[-1]
    broker = AmqpBroker(parts._replace(netloc=f"guest:guest@{place}").geturl())
    try:
        broker.version()
    except BROKER_ERRORS:
        return False
    finally:
        broker.close()
    return True


def _is_declared(line: Any, queue: str) -> bool:
    try:
        with line.channel() as channel:
            channel.queue_declare(queue=queue, passive=True)
    except NotFound:
        return False
    return True


def _declare(channel: Any, queue: str) -> int:
    """Make a queue, if it is not there, as Celery makes it; tell its length."""
    told = channel.queue_declare(queue=queue, durable=True, auto_delete=False)
    return int(told.message_count)


def _keep_alive() -> dict[int, int]:
    """What of it this system knows."""
    return {
        getattr(socket, name): value
        for name, value in _KEEP_ALIVE.items()
        if hasattr(socket, name)
    }
