"""The gate: what leaves is written down before, and what came of it after."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from prsnl.core.errors import ProviderSilentError, TooManyRequestsError
from prsnl.core.ids import new_id
from prsnl.engines.reach import Reach
from prsnl.items import egress
from prsnl.work import control
from prsnl.work.outside import Answered, Visitor
from prsnl.work.run import TaskRun
from prsnl.work.stages import Cancelled
from tests.fakes.asking import Asking
from tests.fakes.llm_server import (
    Cuts,
    Fails,
    Hangs,
    rate_limited,
    unauthorized,
)
from tests.integration.work.conftest import OWNER, Bench, Made


def item(bench: Bench, *, local_only: bool = False) -> UUID:
    """An item of the tasks' owner."""
    item_id = new_id()
    bench.all(
        "insert into items (id, owner, title, title_source, local_only) "
        "values (%s, %s, 'A letter', 'name', %s) returning 1",
        item_id,
        OWNER,
        local_only,
    )
    return item_id


def does(work: Callable[[TaskRun, Any], None]) -> Callable[[TaskRun, Any], Made]:
    """A handler of it."""

    def handler(run: TaskRun, command: Any) -> Made:
        work(run, command)
        return Made()

    return handler


def call(bench: Bench) -> dict[str, Any]:
    """The one call that is in the book."""
    (row,) = bench.all("select * from calls")
    return row


def receipt(bench: Bench, item_id: UUID) -> str:
    return bench.do(lambda c: egress.receipt(c, item_id, owner=OWNER)).sentence


def test_an_answer_is_counted_with_its_tokens_and_its_price(
    bench: Bench, asking: Asking
) -> None:
    row = bench.run(does(asking.task()))

    told = call(bench)
    assert row["status"] == "success"
    assert told["outcome"] == "answered"
    assert told["tokens_in"] > 0
    expected = Decimal("0.15") * told["tokens_in"] + Decimal("0.6") * told["tokens_out"]
    assert told["usd"] == expected / 1_000_000
    (spent,) = bench.all("select usd from spending")
    assert spent["usd"] == told["usd"]


def test_what_is_about_to_leave_stands_on_the_receipt_before_it_does(
    bench: Bench, asking: Asking
) -> None:
    """What was sent cannot be called back, whatever happens to us in between."""
    item_id = item(bench)
    seen: list[str] = []

    def send(key: str) -> Answered[str]:
        seen.append(receipt(bench, item_id))
        assert call(bench)["outcome"] is None
        return asking.send(key)

    going = asking.outgoing(item_ids=[item_id])
    bench.run(does(lambda run, _: asking.gate.call(run, going, send) and None))

    assert "400 bytes to 127.0.0.1" in seen[0]
    assert seen == [receipt(bench, item_id)]


def test_nothing_is_on_the_receipt_when_nobody_was_reached(
    bench: Bench, asking: Asking
) -> None:
    asking.server.go()
    item_id = item(bench)
    row = bench.run(does(asking.task(item_ids=[item_id])))

    assert row["status"] == "parked"
    assert receipt(bench, item_id) == "Nothing left this machine."
    assert (call(bench)["outcome"], call(bench)["usd"]) == ("unreachable", None)
    assert bench.all("select usd from spending")[0]["usd"] == 0


def test_of_a_cut_nobody_knows_what_it_costs_so_it_costs_what_was_expected(
    bench: Bench, asking: Asking
) -> None:
    asking.server.script(Cuts())
    row = bench.run(does(asking.task()))

    told = call(bench)
    assert (row["status"], row["error_code"]) == ("queued", "provider_silent")
    assert (told["outcome"], told["usd"]) == ("silent", told["usd_estimate"])


def test_the_key_of_a_call_stays_until_something_is_known_of_it(
    bench: Bench, asking: Asking
) -> None:
    """A provider that keeps keys does the work of a lost answer once."""
    asking.server.script(Cuts(), Cuts(), Fails(500))
    task_id = bench.job(does(asking.task()))
    for _ in range(4):
        bench.set(task_id, "due_at = now(), retries = 0")
        bench.runner.execute(task_id)

    keys = [str(r["key"]) for r in bench.all("select key from calls order by id")]
    assert bench.status(task_id) == "success"
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [c.headers["idempotency-key"] for c in asking.server.calls] == keys


def test_a_hang_ends_with_its_time_and_is_tried_again(
    bench: Bench, asking: Asking
) -> None:
    """A server that sends a byte now and then would never be timed out by reads."""
    asking.server.script(Hangs(20))
    quick = asking.through(replace(asking.gate, timeout_s=0.3))
    started = time.monotonic()
    row = bench.run(does(quick.task()))

    assert time.monotonic() - started < 5
    assert (row["status"], row["retries"]) == ("queued", 1)
    assert row["error_code"] == ProviderSilentError.code


def test_a_cancelled_call_is_cut_at_once(bench: Bench, asking: Asking) -> None:
    asking.server.script(Hangs(20))
    task_id = bench.job(does(asking.task()))
    doing = bench.meanwhile(lambda: bench.runner.execute(task_id))
    bench.until(lambda: asking.server.calls)
    started = time.monotonic()
    bench.do(lambda c: control.cancel(c, task_id, owner=OWNER))
    doing.result(timeout=10)

    assert time.monotonic() - started < 5
    assert bench.status(task_id) == "revoked"
    assert call(bench)["outcome"] == "cancelled"


def test_a_worker_that_lost_its_task_sends_nothing(
    bench: Bench, asking: Asking
) -> None:
    task_id = bench.job()
    run = bench.task_run(bench.claim(task_id))
    run.stop(Cancelled())

    with pytest.raises(Cancelled):
        asking.ask(run)
    assert asking.server.connections == 0


def test_a_no_of_the_provider_fails_the_task_and_costs_nothing(
    bench: Bench, asking: Asking
) -> None:
    asking.server.script(unauthorized())
    row = bench.run(does(asking.task()))

    assert row["status"] == "failure"
    assert (call(bench)["outcome"], call(bench)["usd"]) == ("refused", None)


def test_a_provider_of_ones_own_costs_nothing(bench: Bench, asking: Asking) -> None:
    bench.run(does(asking.at(Reach.LOCAL).task()))

    assert call(bench)["usd"] == 0


def test_who_waits_for_the_answer_is_told_to_come_back(asking: Asking) -> None:
    """A search has no task that could be parked."""
    asking.server.script(rate_limited("30"))
    for _ in range(2):
        with pytest.raises(TooManyRequestsError):
            asking.gate.visit(Visitor(owner=OWNER), asking.outgoing(), asking.send)

    assert len(asking.server.calls) == 1
