"""Submit: one row for one request, however often and beside whom it comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from prsnl.core.db import connect
from prsnl.core.errors import BadRequestError, ConflictError, UnavailableError
from prsnl.work.submit import Submission, Submitter, submission, submit
from tests.fakes.proxy import proxied
from tests.integration.work.conftest import JOB, OWNER, Bench, Job

T = TypeVar("T")


def wanted(word: str = "", *, key: str | None = None, owner: str = OWNER) -> Submission:
    return submission(JOB, Job(word=word), owner=owner, idempotency_key=key)


def test_the_row_and_its_first_event_are_one_transaction(bench: Bench) -> None:
    with bench.database.connection() as connection:
        with connection.transaction(force_rollback=True):
            submit(connection, [wanted()])
        submit(connection, [wanted("kept")])

    (row,) = bench.all("select * from tasks")
    assert (row["status"], row["command"], row["claim_no"]) == (
        "queued",
        {"word": "kept"},
        0,
    )
    assert bench.events(row["id"]) == ["queued"]
    assert len(bench.all("select 1 from task_progress")) == 1


def test_the_same_key_and_body_is_the_same_task(bench: Bench) -> None:
    (first,) = bench.do(lambda c: submit(c, [wanted("a", key="k")]))
    (again,) = bench.do(lambda c: submit(c, [wanted("a", key="k")]))

    assert (first.is_new, again.is_new) == (True, False)
    assert first.task_id == again.task_id


def test_the_same_key_with_another_body_is_a_conflict(bench: Bench) -> None:
    bench.do(lambda c: submit(c, [wanted("a", key="k")]))

    with pytest.raises(ConflictError, match="'k' was used for another request"):
        bench.do(lambda c: submit(c, [wanted("b", key="k")]))


def test_a_key_belongs_to_its_owner(bench: Bench) -> None:
    bench.do(lambda c: submit(c, [wanted("a", key="k")]))
    (other,) = bench.do(lambda c: submit(c, [wanted("b", key="k", owner="ben")]))

    assert other.is_new


def test_without_a_key_every_request_is_a_task(bench: Bench) -> None:
    told = bench.do(lambda c: submit(c, [wanted("a"), wanted("a")]))

    assert len({one.task_id for one in told}) == 2


def test_the_same_key_twice_in_one_batch_is_one_task(bench: Bench) -> None:
    told = bench.do(lambda c: submit(c, [wanted("a", key="k"), wanted("a", key="k")]))

    assert [one.is_new for one in told] == [True, False]
    assert told[0].task_id == told[1].task_id


def test_a_winner_that_has_not_committed_yet_is_waited_for(
    bench: Bench, database_url: str
) -> None:
    """Inside the statement that loses the race the winner cannot be seen."""
    with connect(database_url) as other:
        with other.transaction():
            (winner,) = submit(other, [wanted("a", key="k")])
            loser = bench.meanwhile(
                lambda: bench.do(lambda c: submit(c, [wanted("a", key="k")]))
            )
            bench.until(bench.somebody_waits_for_a_lock)
        (told,) = loser.result()

    assert (told.task_id, told.is_new) == (winner.task_id, False)


def test_of_many_at_once_one_wins(bench: Bench) -> None:
    barrier = threading.Barrier(6, timeout=30)

    def race(number: int) -> frozenset[UUID]:
        barrier.wait()
        keys = [f"k{(n + number) % 4}" for n in range(4)]
        told = bench.do(lambda c: submit(c, [wanted("a", key=key) for key in keys]))
        return frozenset(one.task_id for one in told)

    races = [bench.meanwhile(partial(race, number)) for number in range(6)]
    told = {one.result() for one in races}

    assert len(bench.all("select 1 from tasks")) == 4
    assert len(told) == 1


@asynccontextmanager
async def submitter(url: str, rang: Callable[[], None]) -> AsyncIterator[Submitter]:
    """A submitter as the API has it."""
    async with AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[DictRow],
        min_size=0,
        max_size=2,
        timeout=2,
        reconnect_timeout=1,
        open=False,
        kwargs={"autocommit": True, "row_factory": dict_row},
    ) as pool:
        yield Submitter(pool, rang)


def with_submitter(
    url: str,
    work: Callable[[Submitter], Awaitable[T]],
    rang: Callable[[], None] = lambda: None,
) -> T:
    async def run() -> T:
        async with submitter(url, rang) as made:
            return await asyncio.wait_for(work(made), 60)

    return asyncio.run(run())


def test_requests_that_come_together_share_a_statement(
    bench: Bench, database_url: str
) -> None:
    rings: list[int] = []

    async def work(made: Submitter) -> int:
        told = await asyncio.gather(*[made.submit(wanted()) for _ in range(50)])
        return len({one.task_id for one in told})

    count = with_submitter(database_url, work, lambda: rings.append(1))

    assert count == 50
    statements = bench.all("select distinct created_at from tasks")
    assert len(statements) < 10
    assert len(rings) == len(statements)


def test_a_row_that_conflicts_costs_its_own_request_only(
    bench: Bench, database_url: str
) -> None:
    bench.do(lambda c: submit(c, [wanted("a", key="k")]))

    async def work(made: Submitter) -> list[object]:
        rows = [wanted("x"), wanted("b", key="k"), wanted("a", key="k"), wanted("y")]
        return await asyncio.gather(
            *[made.submit(one) for one in rows], return_exceptions=True
        )

    first, conflict, known, last = with_submitter(database_url, work)

    assert isinstance(conflict, ConflictError)
    assert [getattr(one, "is_new", None) for one in (first, known, last)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "bad",
    [
        wanted("a\0b"),
        wanted("half \ud800"),
        wanted("a", key="k\0"),
        wanted("a", key="half \ud800"),
        wanted("a", key="".join(chr(0x4E00 + n * 37 % 20_000) for n in range(6000))),
    ],
    ids=["NUL", "half a character", "NUL key", "half a key", "endless key"],
)
def test_a_row_that_cannot_be_stored_costs_its_own_request_only(
    bench: Bench, database_url: str, bad: Submission
) -> None:
    """And is the sender's error, with a sentence that quotes nothing."""

    async def work(made: Submitter) -> list[object]:
        rows = [wanted(f"good {n}") for n in range(5)]
        return await asyncio.gather(
            *[made.submit(one) for one in (*rows[:3], bad, *rows[3:])],
            return_exceptions=True,
        )

    told = with_submitter(database_url, work)

    assert isinstance(told.pop(3), BadRequestError)
    assert all(getattr(one, "is_new", False) for one in told)
    assert len(bench.all("select 1 from tasks")) == 5


def test_a_client_that_leaves_takes_nobody_with_it(
    bench: Bench, database_url: str
) -> None:
    async def work(made: Submitter) -> object:
        leaving = asyncio.ensure_future(made.submit(wanted("left")))
        staying = asyncio.ensure_future(made.submit(wanted("stays")))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    told = with_submitter(database_url, work)

    assert getattr(told, "is_new", False)
    words = [row["command"]["word"] for row in bench.all("select command from tasks")]
    assert sorted(words) == ["left", "stays"]


def test_connections_that_a_restart_has_broken_cost_no_request(
    bench: Bench, database_url: str
) -> None:
    with proxied(database_url) as (proxy, url):

        async def work(made: Submitter) -> list[object]:
            await asyncio.gather(*[made.submit(wanted("warm")) for _ in range(3)])
            proxy.cut()
            proxy.mend()
            return await asyncio.gather(*[made.submit(wanted("x")) for _ in range(20)])

        assert len(with_submitter(url, work)) == 20
    assert len(bench.all("select 1 from tasks where command ->> 'word' = 'x'")) == 20


def test_while_the_database_is_away_everybody_gets_an_answer(database_url: str) -> None:
    """Together and soon, not one after another."""
    with proxied(database_url) as (proxy, url):
        proxy.cut()

        async def work(made: Submitter) -> list[object]:
            return await asyncio.wait_for(
                asyncio.gather(
                    *[made.submit(wanted()) for _ in range(30)], return_exceptions=True
                ),
                30,
            )

        told = with_submitter(url, work)

    assert {type(one) for one in told} == {UnavailableError}
