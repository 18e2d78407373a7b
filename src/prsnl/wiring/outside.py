"""What lets bytes out."""

from __future__ import annotations

from decimal import Decimal

from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.engines.prices import Prices
from prsnl.work.limits import Limits
from prsnl.work.outside import Gate


def gate(settings: Settings, database: Database) -> Gate:
    """The gate of a process."""
    own, privacy = settings.llm, settings.privacy
    return Gate(
        database=database,
        limits=Limits(
            requests_per_minute=own.llm_requests_per_minute,
            tokens_per_minute=own.llm_tokens_per_minute,
            burst=own.llm_burst,
            at_once=own.llm_concurrency,
        ),
        prices=Prices(
            usd_per_million_in=_decimal(own.llm_usd_per_million_in),
            usd_per_million_out=_decimal(own.llm_usd_per_million_out),
        ),
        budget_usd=_decimal(own.llm_budget_per_day_usd),
        local_only=privacy.local_only,
        local_hosts=local_hosts(settings),
        timeout_s=own.llm_timeout_s.total_seconds(),
    )


def local_hosts(settings: Settings) -> tuple[str, ...]:
    """The private addresses that count as this machine."""
    named = settings.privacy.local_hosts or ""
    return tuple(one for part in named.split(",") if (one := part.strip()))


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
