"""Which protocol a broker speaks, without a client of either."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from prsnl.core.errors import SettingsError

_REDIS: Final = ("redis", "rediss")
_AMQP: Final = ("amqp", "amqps")


def is_amqp(url: str) -> bool:
    """Whether a broker speaks AMQP, as RabbitMQ does.

    Raises:
        SettingsError: It is of a kind that we do not know.
    """
    scheme = urlsplit(url).scheme
    if scheme not in _REDIS + _AMQP:
        raise SettingsError(
            "PRSNL_BROKER_URL has to begin with redis://, rediss://, amqp:// or "
            "amqps://."
        )
    return scheme in _AMQP
