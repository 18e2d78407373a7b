"""Cancel ends the work, TERM gives it back, and both outlast a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil
import pytest

from prsnl.core.db import Database, connect
from prsnl.proving.audit import audit
from prsnl.proving.faults import kill_everything
from prsnl.proving.harness import Harness
from prsnl.proving.specs import COUNT, Count
from prsnl.proving.staging import Plan, passable_folder
from prsnl.work import control
from prsnl.work.ring import Channel
from prsnl.work.specs import Status
from prsnl.work.submit import submission, submit
from prsnl.work.workers import RETIRES
from tests.acceptance.staff import OWNER, Staff, at_work, descendants, staff, wait_until

TEN_MINUTES_MS = 600_000
SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def crew(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[Staff]:
    with staff(database, environment, tmp_path / "logs") as made:
        made.hire("scheduler")
        yield made


def cancel(crew: Staff, task_id: object) -> Status:
    with crew.database.connection() as connection:
        return control.cancel(connection, task_id, owner=OWNER)  # type: ignore[arg-type]


def test_a_cancelled_task_ends_with_its_processes_within_five_seconds(
    crew: Staff,
) -> None:
    worker = crew.worker()
    (task_id,) = crew.submit(
        COUNT, Count(stages=1, work_ms=TEN_MINUTES_MS, in_child=True)
    )
    crew.until(partial(at_work, worker))
    children = at_work(worker)

    assert cancel(crew, task_id) is Status.RUNNING
    took_s = crew.until(
        lambda: (
            crew.row(task_id)["status"] == "revoked"
            and not any(psutil.pid_exists(child) for child in children)
        )
    )

    print(f"the cancel took {took_s:.2f} s")
    assert took_s < 5
    assert worker.is_running()
    (after,) = crew.submit(COUNT, Count(stages=1))
    crew.until(lambda: crew.row(after)["status"] == "success")


@pytest.mark.parametrize("in_child", [False, True])
def test_a_worker_that_is_told_to_leave_gives_back_what_runs(
    crew: Staff, *, in_child: bool
) -> None:
    worker = crew.worker()
    (task_id,) = crew.submit(COUNT, Count(stages=600, work_ms=1000, in_child=in_child))
    crew.until(lambda: crew.row(task_id)["current"] >= 2)
    below = descendants(worker)
    worker.terminate()
    took_s = crew.until(lambda: not worker.is_running() or is_gone(worker))

    print(f"the worker left within {took_s:.2f} s")
    assert took_s < 25
    row = crew.row(task_id)
    assert (row["status"], row["retries"], row["crashes"]) == ("queued", 0, 0)
    assert row["message"] == "Given back by a worker that leaves"
    crew.until(lambda: not any(psutil.pid_exists(child) for child in below))

    crew.worker()
    done = row["current"]
    crew.until(lambda: crew.row(task_id)["current"] > done)
    cancel(crew, task_id)
    crew.until(lambda: crew.row(task_id)["status"] == "revoked")
    with crew.database.connection() as connection:
        told = audit(connection, [task_id])
    assert crew.row(task_id)["claim_no"] == 2
    assert (told.stages_run_again, told.stale_writes, told.doubled) == (0, 0, 0)
    assert told.progress_back == 0


def test_a_worker_of_several_threads_gives_back_all_that_run(crew: Staff) -> None:
    worker = crew.worker("--threads=3")
    ids = crew.submit(COUNT, *[Count(stages=600, work_ms=1000) for _ in range(4)])
    states = "select status from tasks order by status"
    crew.until(
        lambda: (
            [row["status"] for row in crew.all(states)] == ["queued", *["running"] * 3]
        )
    )
    worker.terminate()
    assert crew.until(lambda: is_gone(worker)) < 25

    rows = [crew.row(task_id) for task_id in ids]
    assert {row["status"] for row in rows} == {"queued"}
    assert {(row["retries"], row["crashes"]) for row in rows} == {(0, 0)}
    assert sorted(row["claim_no"] for row in rows) == [0, 1, 1, 1]


def is_gone(process: psutil.Process) -> bool:
    """Whether only its exit status is left."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_worker_without_a_task_leaves_at_once(crew: Staff) -> None:
    worker = crew.worker()
    (task_id,) = crew.submit(COUNT, Count(stages=1))
    crew.until(lambda: crew.row(task_id)["status"] == "success")
    worker.terminate()

    assert crew.until(lambda: is_gone(worker)) < 25
    assert crew.all("select 1 from workers where pid = %s", worker.pid) == []


@pytest.mark.timeout(200)
def test_a_cancelled_task_stays_cancelled_over_a_restart() -> None:
    """Of the whole stack, by kill -9: in the queue, in hand, and while it waited."""
    plan = Plan(seconds=0, seed=1, lease_s=3, environment={"PYTHONPATH": str(SOURCE)})
    with passable_folder() as made, Harness(plan, made, say=print).stack() as scene:
        long = [Count(stages=600, work_ms=1000) for _ in range(4)]
        wanted = [submission(COUNT, one, owner=OWNER) for one in long]
        ids = [one.task_id for one in submit(scene.connection, wanted)]
        scene.connection.execute(f"notify {Channel.DUE}")

        def states() -> list[str]:
            rows = scene.connection.execute("select status from tasks").fetchall()
            return sorted(row["status"] for row in rows)

        wait_until(lambda: states() == ["queued", "queued", "running", "running"])
        for task_id in ids:
            control.cancel(scene.connection, task_id, owner=OWNER)
        kill_everything(scene)

        scene.connection.close()
        scene.connection = connect(scene.urls.database_url)
        wait_until(lambda: states() == ["revoked"] * 4)
        (after,) = submit(
            scene.connection, [submission(COUNT, Count(stages=1), owner=OWNER)]
        )
        wait_until(lambda: states() == ["revoked"] * 4 + ["success"])
        claims = scene.connection.execute(
            "select claim_no from tasks where id <> %s order by claim_no",
            [after.task_id],
        ).fetchall()

    assert [row["claim_no"] for row in claims] == [0, 0, 1, 1]


def test_a_worker_that_is_one_too_many_does_what_it_has_and_takes_no_more(
    crew: Staff,
) -> None:
    """Fewer workers must not mean a task that begins anew."""
    worker = crew.worker()
    first, second = crew.submit(COUNT, *[Count(stages=4, work_ms=500)] * 2)
    crew.until(lambda: crew.row(first)["current"] >= 1)
    worker.send_signal(RETIRES)
    crew.until(partial(is_gone, worker))

    done, left = crew.row(first), crew.row(second)
    assert (done["status"], done["claim_no"]) == ("success", 1)
    assert (left["status"], left["claim_no"]) == ("queued", 0)
    assert crew.all("select 1 from workers where pid = %s", worker.pid) == []
    crew.worker()
    crew.until(lambda: crew.row(second)["status"] == "success")


def test_a_worker_that_finishes_what_it_has_gives_it_back_when_all_stops(
    crew: Staff,
) -> None:
    worker = crew.worker()
    (task_id,) = crew.submit(COUNT, Count(stages=600, work_ms=1000))
    crew.until(lambda: crew.row(task_id)["current"] >= 1)
    worker.send_signal(RETIRES)
    crew.until(
        lambda: crew.all(
            "select 1 from workers where pid = %s and state = 'draining'", worker.pid
        )
    )
    assert crew.row(task_id)["status"] == "running"
    worker.terminate()
    crew.until(partial(is_gone, worker))

    assert crew.row(task_id)["status"] == "queued"
    assert crew.row(task_id)["crashes"] == 0
