"""What silent workers hold is taken back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.work.reaper import give_back, reap
from prsnl.work.specs import Status
from tests.integration.work.conftest import Bench, Made, nothing, stage


def die(bench: Bench, task_id: object) -> None:
    """Claim it, and fall silent."""
    claimed = bench.claim(task_id)  # type: ignore[arg-type]
    bench.expire(claimed.id)
    assert bench.do(reap) == 1


def test_an_expired_lease_goes_back_to_the_queue_at_once(bench: Bench) -> None:
    task_id = bench.job()
    die(bench, task_id)

    row = bench.row(task_id)
    assert (row["status"], row["crashes"], row["retries"]) == ("queued", 1, 0)
    assert row["due_at"] <= row["updated_at"]
    assert row["lease_until"] is None
    assert "fell silent" in row["message"]
    assert bench.log(task_id) == ["queued"]


def test_a_lease_that_holds_is_left_alone(bench: Bench) -> None:
    bench.claim(bench.job())

    assert bench.do(reap) == 0


def test_the_third_silence_in_a_row_is_death_with_advice(bench: Bench) -> None:
    task_id = bench.job()
    for _ in range(3):
        die(bench, task_id)

    row = bench.row(task_id)
    assert (row["status"], row["crashes"]) == ("dead", 3)
    assert "three workers in a row" in row["error_message"]
    assert row["finished_at"] is not None
    assert bench.log(task_id) == ["queued", "queued", "dead"]


def test_a_commit_between_them_counts(bench: Bench) -> None:
    task_id = bench.job()
    die(bench, task_id)
    die(bench, task_id)
    claimed = bench.claim(task_id)
    bench.task_run(claimed).stage(stage(), inputs=[], work=Made, store=nothing)
    bench.expire(task_id)
    bench.do(reap)

    assert (bench.status(task_id), bench.row(task_id)["crashes"]) == ("queued", 1)


def test_what_was_only_found_again_does_not_count(bench: Bench) -> None:
    """A task whose second stage kills every worker dies, whatever its first did."""
    task_id = bench.job()
    claims = 0
    while bench.status(task_id) == "queued" and claims < 8:
        claims += 1
        run = bench.task_run(bench.claim(task_id))
        run.stage(stage(), inputs=[], work=Made, store=nothing)
        bench.expire(task_id)
        bench.do(reap)

    assert (bench.status(task_id), claims) == ("dead", 3)


def test_what_was_cancelled_meanwhile_is_revoked(bench: Bench) -> None:
    claimed = bench.claim(bench.job())
    bench.set(claimed.id, "cancel_requested_at = now()")
    bench.expire(claimed.id)
    bench.do(reap)

    row = bench.row(claimed.id)
    assert (row["status"], row["crashes"]) == ("revoked", 0)
    assert row["finished_at"] is not None


def test_the_last_child_that_dies_queues_its_parent(bench: Bench) -> None:
    parent = bench.submit(
        SPREAD, Spread(children=1, at_once=1, child=Count(stages=1, work_ms=0))
    )
    bench.runner.execute(parent)
    (child,) = bench.all("select id from tasks where parent_id = %s", parent)
    for _ in range(3):
        die(bench, child["id"])

    assert bench.status(child["id"]) == "dead"
    assert bench.status(parent) == "queued"
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["failed"] == 1


def test_a_child_that_is_tried_again_is_not_counted(bench: Bench) -> None:
    parent = bench.submit(SPREAD, Spread(children=1, at_once=1))
    bench.runner.execute(parent)
    (child,) = bench.all("select id from tasks where parent_id = %s", parent)
    die(bench, child["id"])

    assert bench.row(parent)["children_open"] == 1
    assert bench.status(parent) == "waiting"


def test_two_reapers_take_each_task_back_once(bench: Bench) -> None:
    ids = [bench.job() for _ in range(20)]
    for task_id in ids:
        bench.claim(task_id)
        bench.expire(task_id)
    reapers = [bench.meanwhile(lambda: bench.do(reap)) for _ in range(4)]

    assert sum(one.result() for one in reapers) == 20
    assert {bench.row(task_id)["crashes"] for task_id in ids} == {1}


def test_a_row_that_its_worker_is_just_committing_is_left_to_it(bench: Bench) -> None:
    """Late, but first: its commit holds the row."""
    claimed = bench.claim(bench.job())
    bench.expire(claimed.id)
    with bench.database.transaction() as connection:
        bench.task_run(claimed).stages.fence(connection)
        assert bench.do(reap) == 0
    assert bench.end(claimed, Status.SUCCESS).name == "HELD"
    assert bench.do(reap) == 0


def test_a_crash_does_not_forget_the_provider(bench: Bench) -> None:
    """Else the answer it gets later would free nobody who waits for the same."""
    task_id = bench.job()
    bench.set(task_id, "provider = 'p'")
    die(bench, task_id)

    assert bench.row(task_id)["provider"] == "p"


def test_a_silence_that_was_the_database_is_counted_no_more(bench: Bench) -> None:
    """Whoever took the task since keeps what happened to him."""
    task_id = bench.job()
    first = bench.claim(task_id)
    bench.expire(task_id)
    bench.do(reap)
    die(bench, task_id)
    second = bench.claim(task_id)
    for _ in range(2):  # the answer to the first may be lost
        bench.do(partial(give_back, claimed=first))

    row = bench.row(task_id)
    assert (row["status"], row["claim_no"], row["crashes"]) == ("running", 3, 1)
    bench.do(partial(give_back, claimed=second))
    assert (bench.status(task_id), bench.row(task_id)["crashes"]) == ("queued", 1)


def test_a_task_that_cuts_each_of_its_workers_off_is_not_given_back_for_ever(
    bench: Bench,
) -> None:
    claimed = bench.claim(bench.job())
    bench.set(claimed.id, "claim_no = 21")
    bench.do(partial(give_back, claimed=replace(claimed, claim_no=21)))

    assert bench.status(claimed.id) == "running"
