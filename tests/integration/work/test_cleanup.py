"""What is old goes, and only what has ended."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest

from prsnl import scheduler
from prsnl.core.db import Db, connect
from prsnl.core.errors import NotFoundError
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.scheduler import Chore, Housekeeping, cleanup, work_together
from prsnl.work.run import TaskRun
from tests.integration.work.conftest import Bench, Job, Made, nothing, stage


def ended(bench: Bench, days: int, status: str = "success") -> object:
    """A task that was done so many days ago, with all that belongs to it."""

    def work(run: TaskRun, _: Job) -> Made:
        key = str(run.task_id).encode()
        run.stage(stage(), inputs=[key], work=Made, store=nothing)
        return Made()

    row = bench.run(work)
    age(bench, row["id"], days)
    bench.set(row["id"], "status = %s", status)
    return row["id"]


def age(bench: Bench, task_id: object, days: int) -> None:
    """Make everything of a task older."""

    def work(connection: Db) -> None:
        values = {"age": timedelta(days=days), "id": task_id}
        connection.execute(
            "update tasks set finished_at = finished_at - %(age)s where id = %(id)s",
            values,
        )
        connection.execute(
            "update task_progress set created_at = created_at - %(age)s "
            "where task_id = %(id)s",
            values,
        )
        connection.execute(
            "update task_checkpoints set created_at = created_at - %(age)s where key "
            "in (select checkpoint_key from task_stages where task_id = %(id)s)",
            values,
        )

    bench.do(work)


def clean(bench: Bench) -> int:
    """Clean until nothing is left to clean; tell how often it was done."""
    times = 1
    while bench.do(partial(cleanup, storage=bench.runner.storage)):
        times += 1
    return times


def left(bench: Bench, task_id: object) -> dict[str, int]:
    """How much of a task is there."""
    counted = {}
    for table, column in (
        ("tasks", "id"),
        ("task_progress", "task_id"),
        ("task_stages", "task_id"),
        ("celery_task_results", "task_id"),
    ):
        (row,) = bench.all(
            f"select count(*) as n from {table} where {column} = %s", task_id
        )
        counted[table] = row["n"]
    return counted


def test_events_go_after_a_week(bench: Bench) -> None:
    task_id = ended(bench, 8)
    clean(bench)

    assert left(bench, task_id) == {
        "tasks": 1,
        "task_progress": 0,
        "task_stages": 1,
        "celery_task_results": 1,
    }


def test_tasks_go_after_a_month_with_all_that_belongs_to_them(bench: Bench) -> None:
    task_id = ended(bench, 31)
    clean(bench)

    assert set(left(bench, task_id).values()) == {0}
    assert bench.all("select 1 from task_checkpoints") == []


@pytest.mark.parametrize("days", [6, 29])
def test_what_is_young_stays(bench: Bench, days: int) -> None:
    task_id = ended(bench, days)
    clean(bench)

    assert left(bench, task_id)["tasks"] == 1
    assert (left(bench, task_id)["task_progress"] > 0) == (days == 6)
    assert len(bench.all("select 1 from task_checkpoints")) == 1


@pytest.mark.parametrize("status", ["queued", "running", "parked", "waiting"])
def test_what_has_not_ended_stays_however_old(bench: Bench, status: str) -> None:
    task_id = ended(bench, 400)
    bench.set(task_id, "status = %s, finished_at = null", status)  # type: ignore[arg-type]
    before = left(bench, task_id)
    clean(bench)

    assert left(bench, task_id) == before
    assert len(bench.all("select 1 from task_checkpoints")) == 1


@pytest.mark.parametrize("status", ["failure", "dead", "revoked"])
def test_what_ended_badly_goes_too(bench: Bench, status: str) -> None:
    task_id = ended(bench, 31, status)
    clean(bench)

    assert left(bench, task_id)["tasks"] == 0


def test_a_child_goes_with_its_parent_and_not_before(bench: Bench) -> None:
    parent = bench.submit(
        SPREAD, Spread(children=1, at_once=1, child=Count(stages=1, work_ms=0))
    )
    bench.runner.execute(parent)
    (child,) = bench.all("select id from tasks where parent_id = %s", parent)
    bench.runner.execute(child["id"])
    age(bench, child["id"], 60)
    clean(bench)
    assert left(bench, child["id"])["tasks"] == 1

    bench.runner.execute(parent)
    age(bench, parent, 60)
    clean(bench)
    assert left(bench, child["id"])["tasks"] == 0


def test_there_is_no_end_before_all_that_is_old_is_gone(bench: Bench) -> None:
    """A batch an hour would fall behind for ever."""
    bench.do(
        lambda c: c.execute(
            "insert into tasks (id, owner, name, queue, command, command_hash, "
            "status, finished_at) select gen_random_uuid(), 'ada', 'x', 'insights', "
            "'{}', '', 'success', now() - interval '40 days' "
            "from generate_series(1, 12000)"
        )
    )

    assert clean(bench) == 4
    assert bench.all("select 1 from tasks") == []


def test_another_scheduler_that_cleans_is_left_to_it(
    bench: Bench, database_url: str
) -> None:
    task_id = ended(bench, 31)
    with connect(database_url) as other, other.transaction():
        other.execute("select pg_advisory_xact_lock(%s)", [scheduler._CLEANUP_LOCK])
        assert bench.do(partial(cleanup, storage=bench.runner.storage)) is False
    assert left(bench, task_id)["tasks"] == 1


def test_chores_are_done_when_they_are_due_and_again_soon_when_there_is_more(
    bench: Bench,
) -> None:
    stop = threading.Event()
    done: list[str] = []

    def often(_: Db) -> bool:
        done.append("often")
        return False

    def rarely(_: Db) -> bool:
        done.append("rarely")
        if done.count("rarely") == 4:
            stop.set()
        return True

    chores = [Chore("often", 0.01, often), Chore("rarely", 3600, rarely)]
    Housekeeping(bench.database, chores).run(stop)

    assert done.count("rarely") == 4
    assert done.count("often") >= 4


def test_a_chore_that_finds_the_database_away_is_done_later(bench: Bench) -> None:
    stop = threading.Event()
    tries: list[int] = []

    def work(connection: Db) -> bool:
        tries.append(1)
        if len(tries) == 1:
            connection.close()
            connection.execute("select 1")
        stop.set()
        return False

    Housekeeping(bench.database, [Chore("x", 0.01, work)]).run(stop)

    assert len(tries) == 2


def test_a_chore_that_fails_ends_no_scheduler(bench: Bench) -> None:
    """A storage that cannot be read would stop the relay, and with it every queue."""
    stop = threading.Event()
    done: list[str] = []

    def broken(_: Db) -> bool:
        raise PermissionError(13, "not yours")

    def whole(_: Db) -> bool:
        done.append("whole")
        if len(done) == 2:
            stop.set()
        return False

    chores = [Chore("broken", 0.01, broken), Chore("whole", 0.01, whole)]
    Housekeeping(bench.database, chores).run(stop)

    assert done == ["whole", "whole"]


@pytest.mark.parametrize("which", ["relay", "chores"])
def test_half_a_scheduler_ends_as_a_whole(which: str) -> None:
    """It would be seen, send no hint, and every task would be next in line."""
    stop = threading.Event()

    def fail() -> None:
        raise LookupError(which)

    def go_on() -> None:
        assert stop.wait(30)

    relay, chores = (fail, go_on) if which == "relay" else (go_on, fail)
    with pytest.raises(LookupError, match=which):
        work_together(stop, relay, chores)


def test_a_large_result_goes_with_its_checkpoint_unless_another_names_it(
    bench: Bench,
) -> None:
    kept = bench.runner.storage.put_bytes(b"young")
    gone = bench.runner.storage.put_bytes(b"old")
    for key, blob, days in ((b"1", kept, 60), (b"2", gone, 60), (b"3", kept, 0)):
        bench.all(
            "insert into task_checkpoints (owner, key, blob, created_at) "
            "values ('ada', %s, %s, now() - %s) returning owner",
            key,
            blob,
            timedelta(days=days),
        )

    clean(bench)

    with bench.runner.storage.open(kept) as file:
        assert file.read() == b"young"
    with pytest.raises(NotFoundError):
        bench.runner.storage.open(gone)
