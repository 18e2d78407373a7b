"""What lets bytes out."""

from __future__ import annotations

from decimal import Decimal

from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.engines.prices import Prices
from prsnl.webhooks.address import AddressBook
from prsnl.webhooks.service import Deliverer
from prsnl.work.limits import Limits
from prsnl.work.outside import Gate
from prsnl.work.quoting import Quoter


def gate(settings: Settings, database: Database) -> Gate:
    """The gate of a process."""
    own, privacy = settings.llm, settings.privacy
    return Gate(
        database=database,
        limits=limits(settings),
        prices=prices(settings),
        budget_usd=_decimal(own.llm_budget_per_day_usd),
        local_only=privacy.local_only,
        local_hosts=privacy.hosts,
        timeout_s=own.llm_timeout_s.total_seconds(),
    )


def webhook_addresses(settings: Settings) -> AddressBook:
    """Where webhooks may lead."""
    return AddressBook(settings.webhooks.hosts, settings.privacy.hosts)


def deliverer(settings: Settings, database: Database) -> Deliverer:
    """What sends the messages of webhooks."""
    return Deliverer(
        database, webhook_addresses(settings), local_only=settings.privacy.local_only
    )


def limits(settings: Settings) -> Limits:
    """What a model of a provider may be asked."""
    own = settings.llm
    return Limits(
        requests_per_minute=own.llm_requests_per_minute,
        tokens_per_minute=own.llm_tokens_per_minute,
        burst=own.llm_burst,
        at_once=own.llm_concurrency,
    )


def prices(settings: Settings) -> Prices:
    """What it costs."""
    own = settings.llm
    return Prices(
        usd_per_million_in=_decimal(own.llm_usd_per_million_in),
        usd_per_million_out=_decimal(own.llm_usd_per_million_out),
    )


def quoter(settings: Settings) -> Quoter:
    """What tells the price of a run before it is made."""
    return Quoter(
        limits=limits(settings),
        prices=prices(settings),
        budget_usd=_decimal(settings.llm.llm_budget_per_day_usd),
    )


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
