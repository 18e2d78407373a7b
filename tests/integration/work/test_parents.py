"""Parents hold no worker while their children work."""

from __future__ import annotations

import threading
from functools import partial
from uuid import UUID

import pytest

from prsnl.core.errors import ConflictError
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.work import control
from prsnl.work.claim import Claim, child_ended
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from tests.integration.work.conftest import Bench, Job, Made

CHILD = Count(stages=1, work_ms=0)


def spread(bench: Bench, children: int, at_once: int) -> tuple[UUID, list[UUID]]:
    """A parent that waits, and its children in their order."""
    parent = bench.submit(
        SPREAD, Spread(children=children, at_once=at_once, child=CHILD)
    )
    bench.runner.execute(parent)
    rows = bench.all("select id from tasks where parent_id = %s order by id", parent)
    return parent, [row["id"] for row in rows]


def held(bench: Bench, parent: UUID) -> int:
    rows = bench.all(
        "select 1 from tasks where parent_id = %s and held and status = 'queued'",
        parent,
    )
    return len(rows)


def test_a_parent_waits_without_a_worker(bench: Bench) -> None:
    parent, children = spread(bench, 3, 2)

    row = bench.row(parent)
    assert (row["status"], row["children_open"]) == ("waiting", 3)
    assert row["lease_until"] is None
    assert bench.log(parent) == ["waiting"]
    assert [bench.row(child)["held"] for child in children] == [False, False, True]


def test_the_last_child_queues_the_parent_for_its_closing_stage(bench: Bench) -> None:
    parent, (first, second) = spread(bench, 2, 2)
    bench.runner.execute(first)
    bench.runner.execute(parent)
    assert bench.status(parent) == "waiting"
    bench.runner.execute(second)
    assert bench.status(parent) == "queued"
    bench.runner.execute(parent)

    row = bench.row(parent)
    assert row["status"] == "success"
    assert row["result"]["succeeded"] == 2
    assert row["claim_no"] == 2


def test_the_end_of_a_child_is_seen_by_whoever_watches_the_parent(bench: Bench) -> None:
    """A watcher looks again when `seq` has risen."""
    parent, (first, _) = spread(bench, 2, 2)
    before = bench.row(parent)["seq"]
    bench.runner.execute(first)

    assert bench.row(parent)["seq"] > before


def test_held_siblings_are_freed_one_by_one(bench: Bench) -> None:
    parent, children = spread(bench, 5, 2)
    counts = []
    for child in children:
        counts.append(held(bench, parent))
        bench.runner.execute(child)

    assert counts == [3, 2, 1, 0, 0]
    assert bench.status(parent) == "queued"


def test_a_held_child_is_not_run(bench: Bench) -> None:
    _, children = spread(bench, 2, 1)
    bench.runner.execute(children[1])

    assert bench.status(children[1]) == "queued"


@pytest.mark.parametrize("status", [Status.FAILURE, Status.DEAD, Status.REVOKED])
def test_a_child_that_ends_badly_counts_as_ended(bench: Bench, status: Status) -> None:
    parent, (child,) = spread(bench, 1, 1)
    bench.end(bench.claim(child), status)
    bench.runner.execute(parent)

    assert bench.row(parent)["result"] == {
        "succeeded": 0,
        "failed": 1,
        "children": [str(child)],
    }


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PARKED])
def test_a_child_that_goes_on_later_has_not_ended(bench: Bench, status: Status) -> None:
    parent, (child,) = spread(bench, 1, 1)
    bench.end(bench.claim(child), status)

    assert bench.row(parent)["children_open"] == 1


def test_the_last_two_children_may_end_at_once(bench: Bench) -> None:
    """Each must see that the other has ended, or the parent would wait for ever."""
    barrier = threading.Barrier(2, timeout=30)

    def finish(claimed: Claim) -> None:
        barrier.wait()
        bench.end(claimed, Status.SUCCESS)

    for _ in range(5):
        parent, children = spread(bench, 2, 2)
        claims = [bench.claim(child) for child in children]
        both = [bench.meanwhile(partial(finish, one)) for one in claims]
        for one in both:
            one.result()

        row = bench.row(parent)
        assert (row["status"], row["children_open"]) == ("queued", 0)


def test_two_that_end_at_once_free_two(bench: Bench) -> None:
    parent, (first, second, *_) = spread(bench, 6, 2)
    claims = [bench.claim(first), bench.claim(second)]
    both = [bench.meanwhile(partial(bench.end, one, Status.SUCCESS)) for one in claims]
    for one in both:
        one.result()

    assert held(bench, parent) == 2


def test_a_person_who_looks_at_a_held_child_does_not_keep_it_held(bench: Bench) -> None:
    """`try now` and `retry` are refused for it, but the row must stay free to take."""
    _, (first, second) = spread(bench, 2, 1)
    claimed = bench.claim(first)
    with bench.database.transaction() as connection:
        with pytest.raises(ConflictError):
            control.try_now(connection, second, owner="ada")
        bench.end(claimed, Status.SUCCESS)

    assert not bench.row(second)["held"]


def test_a_parent_that_wants_no_children_goes_on_at_once(bench: Bench) -> None:
    """Nobody would ever wake it."""

    def work(run: TaskRun, _: Job) -> Made:
        return Made(word=str(run.children([], at_once=3)))

    assert bench.run(work)["result"] == {"word": "[]"}


def test_a_thousand_children_are_one_statement(bench: Bench) -> None:
    parent, children = spread(bench, 1000, 4)

    assert bench.row(parent)["children_open"] == len(children) == 1000
    assert held(bench, parent) == 996


def test_an_end_that_is_rolled_back_is_not_counted(bench: Bench) -> None:
    parent, _ = spread(bench, 2, 2)
    with (
        bench.database.connection() as connection,
        connection.transaction(force_rollback=True),
    ):
        child_ended(connection, parent)

    assert bench.row(parent)["children_open"] == 2
