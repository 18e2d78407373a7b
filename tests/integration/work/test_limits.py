"""Limits that all workers share: never more than allowed, and little less."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from prsnl.core.db import Database, Db
from prsnl.engines.reach import Endpoint, Reach
from prsnl.work import control, limits
from prsnl.work.limits import Full, Holder, Limits
from tests.fakes.asking import MODEL, Asking
from tests.fakes.llm_server import Slow, rate_limited
from tests.integration.work.conftest import OWNER, Bench
from tests.integration.work.test_gate import does

NAME = f"openai/{MODEL}"


def limited(asking: Asking, **told: Any) -> Asking:
    """The same with other limits."""
    return asking.through(replace(asking.gate, limits=Limits(**told)))


def wake(bench: Bench) -> list[Any]:
    """What the scheduler does each second."""
    bench.do(limits.wake)
    return [r["id"] for r in bench.all("select id from tasks where status = 'queued'")]


def most_within(times: list[float], seconds: float) -> int:
    """The most that fall into any stretch of time of that length."""
    return max(
        sum(start <= at < start + seconds for at in times[place:])
        for place, start in enumerate(times)
    )


def test_the_count_within_a_stretch_sees_one_too_many() -> None:
    assert most_within([0.0, 0.4, 0.9, 1.2], 1.0) == 3


def test_twenty_workers_take_what_a_minute_allows_and_nearly_all_of_it(
    database_url: str,
) -> None:
    """A minute of a second; each worker has a connection of its own.

    The times are the database's: what a busy machine makes of them is measured by
    `./prsnl bench limits`, at the server that is asked.
    """
    limit, minute_s, minutes = 30, 1.0, 3
    allowed = Limits(requests_per_minute=limit, minute_s=minute_s)
    endpoint = Endpoint("openai", "host", Reach.CLOUD, MODEL)
    times: list[float] = []
    stop = threading.Event()

    def take(connection: Db) -> float:
        with connection.transaction():
            told = limits.take(connection, endpoint, allowed, tokens=1)
            assert not isinstance(told, Full)
            row = connection.execute(
                "select extract(epoch from taken_at)::float8 as at from limits"
            ).fetchone()
            assert row is not None
            times.append(row["at"])
            return told

    def work(database: Database) -> None:
        while not stop.is_set():
            stop.wait(database.run(take))

    with ExitStack() as opened:
        workers = [
            opened.enter_context(Database.open(database_url, size=1, name="worker"))
            for _ in range(20)
        ]
        workers[0].run(partial(limits.know, endpoint=endpoint, limits=allowed))
        threads = [threading.Thread(target=work, args=[one]) for one in workers]
        for thread in threads:
            thread.start()
        time.sleep(minutes * minute_s + 0.5)
        stop.set()
        for thread in threads:
            thread.join()

    times.sort()
    assert most_within(times, minute_s) <= limit
    assert len(times) >= 0.9 * limit * minutes


def test_a_burst_is_as_large_as_configured(bench: Bench) -> None:
    allowed = Limits(requests_per_minute=6, burst=3)
    endpoint = Endpoint("openai", "host", Reach.CLOUD, MODEL)
    bench.do(lambda c: limits.know(c, endpoint, allowed))
    told = [
        bench.do(lambda c: limits.take(c, endpoint, allowed, tokens=1))
        for _ in range(4)
    ]

    assert told[:3] == [0, 0, 0]
    assert isinstance(told[3], Full)


def test_tokens_are_paid_back_when_fewer_were_taken(
    bench: Bench, asking: Asking
) -> None:
    asking = limited(asking, tokens_per_minute=1000)
    bench.run(does(asking.task(tokens_in=900, tokens_out=900)))
    (row,) = bench.all(
        "select extract(epoch from tokens_free_at - now()) as s from limits"
    )

    assert row["s"] < 30  # of two minutes that were reserved


def test_a_long_wait_releases_the_worker_and_spends_nothing(
    bench: Bench, asking: Asking
) -> None:
    asking = limited(asking, requests_per_minute=1)
    bench.run(does(asking.task()))
    row = bench.run(does(asking.task()))

    assert (row["status"], row["retries"], row["crashes"]) == ("parked", 0, 0)
    assert row["message"] == f"Waits for the limit of 1 request a minute of {NAME}."
    assert len(asking.server.calls) == 1
    assert wake(bench) == []


def test_what_waits_goes_on_when_there_is_room_a_few_at_a_time(
    bench: Bench, asking: Asking
) -> None:
    asking = limited(asking, requests_per_minute=60)
    handler = does(asking.task())
    block(bench, "1 hour")
    ids = [bench.job(handler) for _ in range(8)]
    for task_id in ids:
        bench.runner.execute(task_id)
    assert {bench.status(task_id) for task_id in ids} == {"parked"}
    block(bench, "0 s")
    freed = wake(bench)

    assert 1 <= len(freed) <= 3  # those that may go within two seconds
    assert wake(bench) == freed  # and nobody more while they are on their way
    for task_id in freed:
        bench.runner.execute(task_id)
    assert {bench.status(task_id) for task_id in freed} == {"success"}


def block(bench: Bench, until: str) -> None:
    """What a Retry-After does."""
    bench.do(
        lambda c: limits.know(
            c,
            Endpoint("openai", "host", Reach.CLOUD, MODEL),
            Limits(requests_per_minute=60),
        )
    )
    bench.all(
        "update limits set blocked_until = now() + %s::interval returning 1", until
    )


def test_the_owners_are_freed_in_turn(bench: Bench, asking: Asking) -> None:
    """Who has a thousand tasks does not keep another's one from its turn."""
    handler = does(asking.task())
    block(bench, "1 hour")
    many = [bench.job(handler) for _ in range(5)]
    one = bench.job(handler, owner="ben")
    for task_id in [*many, one]:
        bench.runner.execute(task_id)
    block(bench, "0 s")

    assert one in wake(bench)[:2]


def test_who_comes_new_stands_behind_those_who_wait(
    bench: Bench, asking: Asking
) -> None:
    handler = does(asking.task())
    block(bench, "1 hour")
    first = bench.job(handler)
    bench.runner.execute(first)
    block(bench, "0 s")
    second = bench.job(handler)
    bench.runner.execute(second)

    assert bench.status(second) == "parked"
    assert wake(bench) == [first, second]


def test_a_person_may_try_at_once_what_waits(bench: Bench, asking: Asking) -> None:
    handler = does(asking.task())
    block(bench, "1 hour")
    task_id = bench.job(handler)
    bench.runner.execute(task_id)
    block(bench, "0 s")
    bench.do(lambda c: control.try_now(c, task_id, owner=OWNER))
    bench.runner.execute(task_id)

    assert bench.status(task_id) == "success"


def test_a_word_to_wait_keeps_everybody_from_asking(
    bench: Bench, asking: Asking
) -> None:
    asking.server.script(rate_limited("30"))
    told = bench.run(does(asking.task()))
    other = bench.run(does(asking.task()))

    assert (told["status"], told["retries"]) == ("queued", 1)
    assert (other["status"], other["retries"]) == ("parked", 0)
    assert other["message"] == f"Waits for {NAME}, which has asked for a pause."
    assert len(asking.server.calls) == 1


def test_a_limit_that_an_answer_says_is_used_up_is_kept(
    bench: Bench, asking: Asking
) -> None:
    """The next request would only be told so, and counts against us."""
    asking.server.headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "30s",
    }
    bench.run(does(asking.task()))

    assert bench.run(does(asking.task()))["status"] == "parked"


def test_no_more_ask_at_once_than_are_allowed(bench: Bench, asking: Asking) -> None:
    asking.server.latency_s = 0.1
    asking = limited(asking, at_once=2)
    ids = [bench.job(does(asking.task())) for _ in range(5)]
    doing = [bench.meanwhile(partial(bench.runner.execute, one)) for one in ids]
    for one in doing:
        one.result(timeout=20)

    assert {bench.status(one) for one in ids} == {"success"}
    assert asking.server.most_at_once == 2


def test_the_place_of_a_dead_worker_is_free_when_its_claim_has_ended(
    bench: Bench,
) -> None:
    allowed = Limits(at_once=1)
    endpoint = Endpoint("openai", "host", Reach.CLOUD, MODEL)
    task_id = bench.job()
    claimed = bench.claim(task_id)

    def place() -> Full | None:
        holder = Holder(claimed.id, claimed.id, claimed.claim_no, timedelta(minutes=10))
        return bench.do(lambda c: limits.place(c, endpoint, allowed, holder))

    assert place() is None
    assert place() is not None
    bench.set(task_id, "status = 'queued'")  # what the reaper does
    assert place() is None


def test_a_place_is_waited_for_where_it_is_if_it_is_soon_free(
    bench: Bench, asking: Asking
) -> None:
    asking.server.script(Slow(0.5))
    asking = limited(asking, at_once=1)
    ids = [bench.job(does(asking.task())) for _ in range(2)]
    doing = [bench.meanwhile(partial(bench.runner.execute, one)) for one in ids]
    for one in doing:
        one.result(timeout=20)

    assert [bench.log(one) for one in ids] == [["success"], ["success"]]


def test_who_waits_for_a_model_that_never_answered_is_woken(
    bench: Bench, asking: Asking
) -> None:
    """All places of its provider were taken by another model when it first came."""
    asking = limited(asking, at_once=1)
    other = replace(asking, endpoint=replace(asking.endpoint, model="other"))
    asking.server.script(Slow(2.8))
    first, second = bench.job(does(asking.task())), bench.job(does(asking.task()))
    doing = bench.meanwhile(partial(bench.runner.execute, first))
    bench.until(lambda: asking.server.calls)
    bench.handle(does(other.task()))
    bench.runner.execute(second)
    assert bench.row(second)["waits_for"] == "openai/other"
    doing.result(timeout=20)

    assert wake(bench) == [second]


def test_who_waits_for_a_limit_that_nobody_knows_is_woken(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "status = 'parked', waits_for = 'gone/model'")

    assert wake(bench) == [task_id]


def test_two_steps_stay_apart_for_one_request_at_a_time(
    bench: Bench, asking: Asking
) -> None:
    """One task's many requests are paced where it is, while they are close."""
    asking = limited(asking, requests_per_minute=300)
    row = bench.run(does(asking.task(times=4)))

    assert row["status"] == "success"
    first, *_, last = asking.server.calls
    assert last.at - first.at > 0.4  # three times 0.21 s, and the first may be late
