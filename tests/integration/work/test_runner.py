"""One hint, one claim, one end."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from structlog.testing import capture_logs

from prsnl.core.db import Database, Db
from prsnl.core.errors import (
    BadRequestError,
    ChildCrashedError,
    CorruptError,
    DiskFullError,
    OutOfMemoryError,
    ProviderDownError,
    PrsnlError,
    UnavailableError,
)
from prsnl.proving.specs import COUNT, TICK, Count, Tick
from prsnl.work.run import TaskRun
from prsnl.work.runner import Runner
from tests.integration.work.conftest import OWNER, Bench, Job, Made, nothing, stage
from tests.saboteurs.losing_pool import losing


def test_a_task_runs_once_however_often_its_hint_comes(bench: Bench) -> None:
    task_id = bench.submit(COUNT, Count(stages=2, units=3, work_ms=0))

    for _ in range(3):
        bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["claim_no"], row["current"]) == ("success", 1, 6)
    effects = bench.all("select n from proving_effects where task_id = %s", task_id)
    assert [effect["n"] for effect in effects] == [1] * 6


def test_a_short_task_leaves_its_log_and_its_events(bench: Bench) -> None:
    task_id = bench.submit(TICK, Tick(events=5))

    bench.runner.execute(task_id)

    log = bench.all("select * from celery_task_results where task_id = %s", task_id)
    assert [(row["status"], row["claim_no"]) for row in log] == [("success", 1)]
    events = bench.all(
        "select status, current from task_progress where task_id = %s order by seq",
        task_id,
    )
    assert [tuple(event.values()) for event in events] == [
        ("queued", 0),
        ("running", 0),
        ("success", 5),
    ]


def test_a_hint_for_no_task_changes_nothing(bench: Bench) -> None:
    """Anybody who reaches the broker can forge one."""
    bench.runner.execute(uuid4())

    assert bench.all("select id from tasks") == []


@pytest.mark.parametrize("who", ["two workers", "two threads of one"])
def test_a_hint_that_comes_twice_at_once_is_one_run(bench: Bench, who: str) -> None:
    began: list[int] = []
    barrier = threading.Barrier(2, timeout=30)

    def work(run: TaskRun, _: Job) -> Made:
        began.append(run.attempt)
        return Made()

    def race(runner: Runner) -> None:
        barrier.wait()
        runner.execute(task_id)

    task_id = bench.job(work)
    second = bench.another() if who == "two workers" else bench.runner
    both = [bench.meanwhile(partial(race, one)) for one in (bench.runner, second)]
    for one in both:
        one.result()

    assert began == [1]
    assert bench.status(task_id) == "success"


def test_a_second_delivery_does_not_take_the_first_ones_claim_for_its_own(
    bench: Bench,
) -> None:
    """The answer to its claim is lost, and the row says that this worker has it."""
    began: list[int] = []
    is_in, goes_on = threading.Event(), threading.Event()

    def work(run: TaskRun, _: Job) -> Made:
        began.append(run.attempt)
        is_in.set()
        assert goes_on.wait(30)
        return Made()

    task_id = bench.job(work)
    runner = bench.another(losing(bench.database, at=1, is_done=True))
    first = bench.meanwhile(lambda: runner.execute(task_id))
    assert is_in.wait(30)
    runner.execute(task_id)
    goes_on.set()
    first.result()

    assert began == [1]


@pytest.mark.parametrize(
    ("error", "status", "counters", "waits_s"),
    [
        (CorruptError("It is torn."), "failure", (0, 0), None),
        (UnavailableError("Later."), "queued", (1, 0), (0.54, 0.66)),
        (UnavailableError("Later.", retry_after_s=30), "queued", (1, 0), (30, 30)),
        (OutOfMemoryError("Too large."), "queued", (1, 0), (0.018, 0.022)),
        (PrsnlError("A defect."), "queued", (1, 0), (0.045, 0.055)),
        (ChildCrashedError("It died."), "queued", (0, 1), None),
        (ProviderDownError("Away.", provider="p"), "parked", (0, 0), None),
        (DiskFullError("Full.", retry_after_s=30), "queued", (0, 0), (0.3, 0.3)),
    ],
)
def test_an_error_ends_the_claim_as_its_category_says(
    bench: Bench,
    error: PrsnlError,
    status: str,
    counters: tuple[int, int],
    waits_s: tuple[float, float] | None,
) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        raise error

    row = bench.run(work)

    assert row["status"] == status
    assert (row["retries"], row["crashes"]) == counters
    assert (row["error_code"], row["error_message"]) == (error.code, error.message)
    assert (row["finished_at"] is not None) == (status == "failure")
    assert row["lease_until"] is None
    waited_s = (row["due_at"] - row["updated_at"]).total_seconds()
    if waits_s is None:
        assert waited_s <= 0
    else:
        assert waits_s[0] - 0.001 <= waited_s <= waits_s[1] + 0.001


def test_a_full_disk_is_no_defect_and_costs_no_try(bench: Bench) -> None:
    """Every task in the queue would meet it, and be given up."""

    def work(_run: TaskRun, _: Job) -> Made:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    row = bench.run(work)

    assert (row["status"], row["retries"], row["error_code"]) == (
        "queued",
        0,
        "disk_full",
    )


def full(database: Database) -> Database:
    """The same database, when its disk has no room."""

    @contextmanager
    def lend(timeout: float | None = None) -> Iterator[Db]:
        with database.pool.connection(timeout) as connection:
            connection.execute(
                "do $$ begin raise exception 'full' using errcode = '53100'; end $$"
            )
            yield connection

    pool = SimpleNamespace(connection=lend)
    return Database(cast("ConnectionPool[Db]", pool), patience_s=0.2)


def test_a_claim_that_the_full_database_refuses_leaves_the_worker_alive(
    bench: Bench,
) -> None:
    task_id = bench.submit(TICK, Tick())

    assert bench.another(full(bench.database)).execute(task_id) is None
    assert bench.status(task_id) == "queued"

    bench.runner.execute(task_id)
    assert bench.status(task_id) == "success"


def test_a_foreign_exception_is_a_bug_with_its_trace_in_the_log(bench: Bench) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        return Made(word=str(1 // 0))

    row = bench.run(work)

    assert (row["status"], row["error_category"]) == ("queued", "bug")
    assert "ZeroDivisionError" in row["error_message"]
    (log,) = bench.all("select * from celery_task_results")
    assert "in work" in log["traceback"]


def test_a_database_that_went_away_under_the_task_is_no_bug(bench: Bench) -> None:
    """A passing outage must not use up the two tries of a defect."""

    def work(_run: TaskRun, _: Job) -> Made:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    row = bench.run(work)

    assert (row["status"], row["error_category"]) == ("queued", "transient")


def test_a_task_is_dead_when_its_retries_are_used_up(bench: Bench) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        raise UnavailableError("Later.")

    task_id = bench.job(work)
    for _ in range(3):
        bench.hurry(task_id)
        bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["retries"]) == ("dead", 2)
    assert row["finished_at"] is not None
    assert bench.log(task_id) == ["queued", "queued", "dead"]


def test_a_task_with_more_room_knows_it(bench: Bench) -> None:
    """After a resource error the next try asks for twice the memory."""
    rooms: list[int] = []

    def work(run: TaskRun, _: Job) -> Made:
        rooms.append(run.room)
        raise OutOfMemoryError("Too large.")

    task_id = bench.job(work)
    for _ in range(2):
        bench.hurry(task_id)
        bench.runner.execute(task_id)

    assert rooms == [1, 2]
    assert bench.status(task_id) == "dead"


def test_three_crashes_in_a_row_are_death(bench: Bench) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        raise ChildCrashedError("It died.")

    task_id = bench.job(work)
    for _ in range(5):
        bench.runner.execute(task_id)

    assert (bench.status(task_id), bench.row(task_id)["claim_no"]) == ("dead", 3)


def test_a_commit_between_them_ends_a_row_of_crashes(bench: Bench) -> None:
    """Each claim gets one stage further, so the fourth crash is still no death."""

    def work(run: TaskRun, _: Job) -> Made:
        for number in range(run.attempt):
            run.stage(
                stage(f"step {number}"),
                inputs=[run.task_id.bytes],
                work=Made,
                store=nothing,
            )
        raise ChildCrashedError("It died.")

    task_id = bench.job(work)
    for _ in range(4):
        bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["crashes"], row["claim_no"]) == ("queued", 1, 4)


def test_a_poison_task_dies_although_its_first_stage_is_done(bench: Bench) -> None:
    """What was only found again is no progress, or it would kill workers for ever."""

    def work(run: TaskRun, _: Job) -> Made:
        run.stage(stage(), inputs=[run.task_id.bytes], work=Made, store=nothing)
        raise ChildCrashedError("It died.")

    task_id = bench.job(work)
    for _ in range(8):
        bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["claim_no"]) == ("dead", 3)


def test_arguments_of_another_version_fail_at_once(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "command = '{\"sound\": 1}'")

    bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["error_code"]) == ("failure", BadRequestError.code)


def test_a_name_that_this_worker_does_not_know_fails_with_a_sentence(
    bench: Bench,
) -> None:
    task_id = bench.job()
    bench.set(task_id, "name = 'task_of_tomorrow'")

    bench.runner.execute(task_id)

    assert "update the workers" in bench.row(task_id)["error_message"]


@pytest.mark.parametrize("text", ["a\0b", "half \ud800"])
def test_a_result_that_cannot_be_stored_ends_the_claim_all_the_same(
    bench: Bench, text: str
) -> None:
    """Else the row would run on without a worker, and count as a crash."""
    row = bench.run(lambda *_: Made(word=text))

    assert (row["status"], row["error_category"]) == ("queued", "bug")
    assert row["lease_until"] is None


def test_what_the_server_quotes_of_a_text_gets_into_no_log(bench: Bench) -> None:
    """A refused value is quoted in the error: it is the user's document."""

    def work(run: TaskRun, _: Job) -> Made:
        run.stage(
            stage(),
            inputs=[],
            work=lambda: Made(word="very private \0"),
            store=nothing,
        )
        return Made()

    row = bench.run(work)

    (log,) = bench.all("select * from celery_task_results")
    assert row["error_category"] == "bug"
    assert "private" not in f"{row} {log}"


def test_an_error_message_that_cannot_be_stored_ends_the_claim(bench: Bench) -> None:
    """A file's name may hold anything."""

    def work(_run: TaskRun, _: Job) -> Made:
        raise CorruptError("bad\0name.pdf is torn.")

    assert bench.run(work)["lease_until"] is None


def test_warnings_and_the_peak_of_memory_stay_with_the_result(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        run.warnings.append("Page 3 was left out.")
        run.peak_memory_bytes = 7_000_000_000
        return Made(word="done")

    row = bench.run(work)

    assert (row["result"], row["warnings"]) == (
        {"word": "done"},
        ["Page 3 was left out."],
    )
    (log,) = bench.all("select * from celery_task_results")
    assert log["peak_memory_bytes"] == 7_000_000_000
    assert row["owner"] == log["owner"] == OWNER


def test_a_task_that_succeeds_after_a_retry_shows_no_error(bench: Bench) -> None:
    def work(run: TaskRun, _: Job) -> Made:
        if run.attempt == 1:
            raise UnavailableError("Later.")
        return Made()

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    bench.hurry(task_id)
    bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["error_code"], row["error_message"]) == (
        "success",
        None,
        None,
    )


def test_the_log_of_a_defect_quotes_no_text(bench: Bench) -> None:
    """Foreign errors quote what they refuse: here a document's words."""
    words = "eoD nhoJ tneitaP"[::-1]  # no line of this file may quote them

    def work(_run: TaskRun, _: Job) -> Made:
        try:
            int(words)
        except ValueError as error:
            raise RuntimeError(words) from error
        return Made()

    row = bench.run(work)

    (log,) = bench.all(
        "select traceback from celery_task_results where task_id = %s", row["id"]
    )
    assert "John Doe" not in log["traceback"]
    assert "builtins.ValueError" in log["traceback"]
    assert "builtins.RuntimeError" in log["traceback"]


def test_a_provider_that_is_away_is_one_line_of_the_log(bench: Bench) -> None:
    """It is asked again and again, and each time would tell a hundred lines."""

    def work(_run: TaskRun, _: Job) -> Made:
        try:
            raise ConnectionRefusedError(111, "secret-host:443")
        except OSError as error:
            raise ProviderDownError("It is away.", provider="compatible") from error

    with capture_logs() as lines:
        row = bench.run(work)

    assert row["status"] == "parked"
    (told,) = [line for line in lines if line["event"] == "task.failed"]
    assert told["provider"] == "compatible"
    assert told["cause"].endswith("It is away. from builtins.ConnectionRefusedError")
    assert not any("\n" in str(value) for value in told.values())
    assert "secret-host" not in str(told)
