"""A day's budget: a task stops before it is passed, and goes on the next day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from prsnl.work import limits
from tests.fakes.asking import Asking
from tests.integration.work.conftest import Bench
from tests.integration.work.test_gate import does

#: What one request is expected to cost at the most: 1,000 tokens each way.
EXPECTED = Decimal("0.00075")


def with_budget(asking: Asking, usd: str) -> Asking:
    """The same with so much a day."""
    return asking.through(replace(asking.gate, budget_usd=Decimal(usd)))


def ask(bench: Bench, asking: Asking) -> dict[str, Any]:
    return bench.run(does(asking.task(tokens_in=1000, tokens_out=1000)))


def test_what_would_pass_the_budget_waits_for_tomorrow(
    bench: Bench, asking: Asking
) -> None:
    bench.all(
        "insert into spending values ((now() at time zone 'utc')::date, 0.0095) "
        "returning 1"
    )
    row = ask(bench, with_budget(asking, "0.01"))
    (due,) = bench.all(
        "select date_trunc('minute', due_at) = date_trunc('day', now(), 'UTC') "
        "+ interval '1 day' as is_so from tasks"
    )

    assert (row["status"], row["waits_for"], row["retries"]) == ("parked", "budget", 0)
    assert row["message"].startswith("Waits for tomorrow (UTC): today has cost 0.0095")
    assert due["is_so"]
    assert asking.server.connections == 0
    assert bench.do(limits.wake) == 0


def test_it_goes_on_when_the_day_has_come(bench: Bench, asking: Asking) -> None:
    bench.all(
        "insert into spending values ((now() at time zone 'utc')::date, 0.0095) "
        "returning 1"
    )
    row = ask(bench, with_budget(asking, "0.01"))
    bench.do(lambda c: limits.release(c, limits.BUDGET))
    bench.all("delete from spending returning 1")
    assert bench.do(limits.wake) == 1
    bench.runner.execute(row["id"])

    assert bench.status(row["id"]) == "success"


def test_many_at_once_do_not_pass_it_together(bench: Bench, asking: Asking) -> None:
    """Each looks at what the others are about to spend, not only at what is spent."""
    asking.server.latency_s = 0.2
    asking = with_budget(asking, str(EXPECTED * 3))
    handler = does(asking.task(tokens_in=1000, tokens_out=1000))
    ids = [bench.job(handler) for _ in range(8)]
    doing = [bench.meanwhile(partial(bench.runner.execute, one)) for one in ids]
    for one in doing:
        one.result(timeout=30)
    (spent,) = bench.all("select usd from spending")

    assert 1 <= len(asking.server.calls) < 8
    assert spent["usd"] <= EXPECTED * 3
    assert {bench.status(one) for one in ids} == {"success", "parked"}


def test_what_is_larger_than_a_days_budget_fails_with_the_reason(
    bench: Bench, asking: Asking
) -> None:
    row = ask(bench, with_budget(asking, "0.0001"))

    assert (row["status"], row["error_code"]) == ("failure", "budget")
    assert "PRSNL_LLM_BUDGET_PER_DAY_USD" in row["error_message"]
    assert asking.server.connections == 0


def test_an_unknown_price_keeps_no_budget_and_is_not_paid(
    bench: Bench, asking: Asking
) -> None:
    unknown = replace(asking, endpoint=replace(asking.endpoint, model="ours-7b"))
    row = ask(bench, with_budget(unknown, "1"))

    assert (row["status"], row["error_code"]) == ("failure", "budget")
    assert "PRSNL_LLM_USD_PER_MILLION_IN" in row["error_message"]
    assert asking.server.connections == 0


def test_an_unknown_price_without_a_budget_stays_unknown(
    bench: Bench, asking: Asking
) -> None:
    unknown = replace(asking, endpoint=replace(asking.endpoint, provider="ours"))
    unknown = replace(unknown, endpoint=replace(unknown.endpoint, model="ours-7b"))
    asking.server.models = ["ours-7b"]
    bench.run(does(unknown.task()))
    (told,) = bench.all("select outcome, usd, usd_estimate from calls")

    assert told["outcome"] == "answered"
    assert told["usd_estimate"] is None


def test_of_a_crash_in_the_midst_what_was_expected_is_spent(
    bench: Bench, asking: Asking
) -> None:
    """Nobody knows whether the provider has done the work: it is rather counted."""

    class Died(BaseException):
        """A worker that ends without another word."""

    def send(_key: str) -> Any:
        raise Died

    claimed = bench.claim(bench.job())
    run = bench.task_run(claimed)
    going = asking.outgoing(tokens_in=1000, tokens_out=1000)
    silent = replace(asking.gate)
    with pytest.raises(Died):
        silent.call(run, going, send)
    (spent,) = bench.all("select usd from spending")

    assert spent["usd"] == EXPECTED
