"""What a call costs, by the list that comes along."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from prsnl.engines.prices import Prices
from prsnl.engines.reach import Endpoint, Reach

OPENAI = Endpoint("openai", "api.openai.com", Reach.CLOUD, "gpt-4o-mini")
PRICES = Prices()


def price(
    endpoint: Endpoint, prices: Prices = PRICES, **what: object
) -> Decimal | None:
    told = {"tokens_in": 1_000_000, "tokens_out": 0, **what}
    return prices.price(endpoint, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "usd"),
    [
        (OPENAI, "0.15"),
        (replace(OPENAI, model="gpt-4o-mini-2024-07-18"), "0.15"),
        (replace(OPENAI, model="text-embedding-3-small"), "0.02"),
        (replace(OPENAI, provider="azure", host="us.example"), "0.15"),
        (
            Endpoint(
                "openrouter.ai", "openrouter.ai", Reach.CLOUD, "openai/gpt-4o-mini"
            ),
            "0.15",
        ),
    ],
)
def test_a_model_of_the_list_has_its_price(endpoint: Endpoint, usd: str) -> None:
    assert price(endpoint) == Decimal(usd)


def test_a_model_that_nobody_knows_has_none() -> None:
    assert price(replace(OPENAI, model="ours-7b")) is None
    assert price(replace(OPENAI, provider="ours.example", host="ours.example")) is None


def test_a_deployment_costs_what_its_model_does() -> None:
    azure = replace(OPENAI, provider="azure", model="our-deployment")

    assert price(azure) is None
    assert price(azure, model="gpt-4o-mini") == Decimal("0.15")


def test_ones_own_machine_costs_nothing() -> None:
    assert price(replace(OPENAI, reach=Reach.LOCAL)) == 0
    assert price(replace(OPENAI, reach=Reach.LAN)) == 0


def test_a_price_that_is_set_comes_before_the_lists() -> None:
    own = Prices(usd_per_million_in=Decimal(3), usd_per_million_out=Decimal(12))

    assert price(OPENAI, own, tokens_out=500_000) == Decimal(9)


def test_a_recording_costs_by_its_length() -> None:
    whisper = replace(OPENAI, model="whisper-1")

    assert price(whisper, audio_s=60.0) == Decimal("0.006")
