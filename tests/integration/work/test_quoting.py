"""A quote: what a run would take, by what this machine has measured."""

from __future__ import annotations

from decimal import Decimal

import pytest

from prsnl.core.ids import new_id
from prsnl.engines.prices import Prices
from prsnl.engines.reach import Endpoint, Reach
from prsnl.wire.usage import QuoteBody
from prsnl.work import calls
from prsnl.work.calls import Ended, Intent, Outcome
from prsnl.work.limits import Limits
from prsnl.work.quoting import Planned, Quote, Quoter
from tests.integration.work.conftest import OWNER, Bench

ENDPOINT = Endpoint("openai", "api.openai.com", Reach.CLOUD, "gpt-4o-mini")
RUN = [Planned(10_000, 1_000)] * 10


def quote(bench: Bench, quoter: Quoter | None = None) -> Quote:
    quoter = quoter or Quoter(limits=Limits(), prices=Prices())
    return bench.do(lambda c: quoter.quote(c, ENDPOINT, RUN, purpose="analysis"))


def answered(bench: Bench, *, seconds: float) -> None:
    """An answer that took so long, half of the expected tokens in, a tenth out."""
    intent = Intent(
        call_id=new_id(),
        owner=OWNER,
        task_id=new_id(),
        claim_no=1,
        stage="analysis",
        unit=0,
        purpose="analysis",
        endpoint=ENDPOINT,
        item_bytes={},
        attachment_id=None,
        sent_bytes=1,
        tokens_in=1000,
        tokens_out=1000,
        usd=None,
    )
    ended = Ended(outcome=Outcome.ANSWERED, tokens_in=500, tokens_out=100)
    bench.do(lambda c: calls.intend(c, intent, wait_s=-seconds))
    bench.do(lambda c: calls.end(c, intent.call_id, ended))


def test_of_a_new_model_the_most_is_told_and_no_time(bench: Bench) -> None:
    told = quote(bench)

    assert (told.requests, told.tokens_in, told.tokens_out) == (10, 100_000, 10_000)
    assert told.usd == told.usd_at_most == Decimal("0.021")
    assert told.seconds is None
    assert QuoteBody.of(told).sentence == (
        "10 requests to openai/gpt-4o-mini at api.openai.com: about 0.021 USD; how "
        "long it takes was not measured here yet."
    )


def test_what_was_measured_makes_it_closer(bench: Bench) -> None:
    for seconds in (2.0, 2.0, 4.0):
        answered(bench, seconds=seconds)
    told = quote(bench)

    assert (told.tokens_in, told.tokens_out) == (50_000, 1_000)
    assert told.usd_at_most == Decimal("0.021")
    assert told.seconds is not None
    assert told.seconds[0] == pytest.approx(20, rel=0.1)
    assert told.seconds[1] == pytest.approx(36, rel=0.1)
    assert told.measured_answers == 3


def test_it_is_no_faster_than_the_limits(bench: Bench) -> None:
    answered(bench, seconds=0.1)
    limits = Limits(requests_per_minute=6)
    told = quote(bench, Quoter(limits=limits, prices=Prices()))

    assert told.seconds is not None
    assert told.seconds[0] == pytest.approx(9 * limits.request_every_s)


def test_it_says_whether_today_has_money_for_it(bench: Bench) -> None:
    for budget, is_within in (("0.02", False), ("0.03", True)):
        told = quote(
            bench,
            Quoter(limits=Limits(), prices=Prices(), budget_usd=Decimal(budget)),
        )
        assert told.is_within_budget is is_within


def test_a_price_that_nobody_knows_is_said(bench: Bench) -> None:
    unknown = Endpoint("ours.example", "ours.example", Reach.CLOUD, "ours-7b")
    quoter = Quoter(limits=Limits(), prices=Prices())
    told = bench.do(lambda c: quoter.quote(c, unknown, RUN, purpose="analysis"))

    assert told.usd is None
    assert "its price is not known" in QuoteBody.of(told).sentence
