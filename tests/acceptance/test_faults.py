"""Real processes, real faults: nothing is lost, done twice, stuck or run again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import psutil
import pytest

from prsnl.core.db import Database
from prsnl.proving.faults import FAULTS, kill_worker, pause_worker
from prsnl.proving.harness import Harness, Plan, Report, passable_folder
from prsnl.proving.specs import COUNT, Count
from prsnl.work.relay import Hint, celery_app, publish
from prsnl.work.submit import Submission, submission
from tests.acceptance.staff import OWNER, Staff, at_work, staff
from tests.brokers import Box

LEASE_S = 3.0
ROOT = Path(__file__).parents[2]
BY_NAME = {fault.name: fault for fault in FAULTS}
PAUSE = next(fault for fault in FAULTS if fault.inject is pause_worker)
KILL = next(fault for fault in FAULTS if fault.inject is kill_worker)


@pytest.fixture
def crew(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[Staff]:
    with staff(database, environment, tmp_path / "logs") as made:
        made.hire("scheduler")
        yield made


def prove(plan: Plan) -> Report:
    """Run a plan; what it says is shown when a test fails."""
    with passable_folder() as made:
        return Harness(plan, made, say=print).run()


def long_units(_random: Random, key: str) -> Submission:
    """A worker that is stopped wakes before the one that follows it has committed."""
    return submission(
        COUNT, Count(stages=2, work_ms=3500), owner=OWNER, idempotency_key=key
    )


def many_stages(_random: Random, key: str) -> Submission:
    """A worker that is killed has committed some."""
    return submission(
        COUNT, Count(stages=10, work_ms=500), owner=OWNER, idempotency_key=key
    )


def duel(worker: str, fault: str) -> Plan:
    """Two workers and one task at a time: who loses it, and who takes it over."""
    return Plan(
        seconds=8,
        seed=7,
        fault_every_s=3,
        lease_s=LEASE_S,
        faults=[BY_NAME[fault]],
        worker=worker,
        job=long_units if fault == PAUSE.name else many_stages,
        backlog=1,
        settle_s=40,
        environment={
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        },
    )


@pytest.mark.timeout(400)
def test_every_promise_is_kept_under_every_fault() -> None:
    report = prove(
        Plan(
            seconds=35,
            seed=20,
            fault_every_s=2.5,
            lease_s=LEASE_S,
            environment={"PYTHONPATH": str(ROOT / "src")},
        )
    )

    print(report.as_json())
    assert report.audit.is_clean, report.as_json()
    assert report.audit.tasks > 100
    assert set(report.faults) == set(BY_NAME)


@pytest.mark.timeout(200)
def test_the_books_are_clean_of_a_duel() -> None:
    """The other half of the next two tests: without their bugs nothing is found."""
    report = prove(duel("prsnl.proving.worker", PAUSE.name))

    assert report.audit.is_clean, report.as_json()


@pytest.mark.timeout(200)
def test_a_hole_in_the_fence_is_found() -> None:
    report = prove(duel("tests.saboteurs.unfenced_worker", PAUSE.name))

    assert not report.audit.is_clean, report.as_json()
    assert report.audit.stale_writes, report.as_json()


@pytest.mark.timeout(200)
def test_a_missing_guard_is_found() -> None:
    report = prove(duel("tests.saboteurs.unguarded_worker", KILL.name))

    assert report.audit.doubled, report.as_json()


def test_a_broker_that_forgets_two_hundred_tasks_costs_ten_seconds_at_most(
    crew: Staff, box: Box
) -> None:
    for _ in range(2):
        crew.worker()
    crew.submit(COUNT, *[Count(stages=1, work_ms=20) for _ in range(200)])
    crew.until(
        lambda: len(crew.all("select 1 from tasks where status = 'success'")) >= 20
    )
    box.forget()

    took_s = crew.until(lambda: not crew.all("select 1 from tasks where claim_no = 0"))
    assert took_s < 10
    crew.until(lambda: not crew.all("select 1 from tasks where status <> 'success'"))
    assert {row["n"] for row in crew.all("select n from proving_effects")} == {1}


def test_a_killed_worker_costs_one_and_a_half_leases_at_most(crew: Staff) -> None:
    workers = {worker.pid: worker for worker in (crew.worker(), crew.worker())}
    (task_id,) = crew.submit(COUNT, Count(stages=6, work_ms=500))
    crew.until(lambda: crew.row(task_id)["current"] >= 1)
    (held,) = crew.all(
        "select w.pid from workers w join tasks t on t.worker_id = w.id "
        "where t.id = %s",
        task_id,
    )
    workers[held["pid"]].send_signal(signal.SIGKILL)

    took_s = crew.until(lambda: crew.row(task_id)["claim_no"] == 2)
    print(f"a killed worker cost {took_s:.2f} s")
    assert took_s < 1.5 * LEASE_S
    crew.until(lambda: crew.row(task_id)["status"] == "success")
    assert crew.row(task_id)["crashes"] == 0, "a commit came after it"
    assert {row["n"] for row in crew.all("select n from proving_effects")} == {1}


def test_a_killed_child_costs_five_seconds_at_most(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """With the waits as users have them."""
    usual = {**environment, "PRSNL_RETRY_WAITS_SCALE": "1"}
    with staff(database, usual, tmp_path / "logs") as crew:
        crew.hire("scheduler")
        kill_a_child(crew)


def kill_a_child(crew: Staff) -> None:
    worker = crew.worker()
    (task_id,) = crew.submit(COUNT, Count(stages=1, work_ms=2500, in_child=True))
    crew.until(lambda: at_work(worker))
    time.sleep(0.3)  # one that dies before it has said a word is replaced unseen
    for child in at_work(worker):
        psutil.Process(child).kill()

    took_s = crew.until(
        lambda: (
            crew.row(task_id)["claim_no"] == 2
            or crew.row(task_id)["status"] == "success"
        )
    )
    print(f"a killed child cost {took_s:.2f} s")
    assert took_s < 5
    assert worker.is_running()
    crew.until(lambda: crew.row(task_id)["status"] == "success")


def test_forged_and_doubled_hints_change_nothing(crew: Staff, broker_url: str) -> None:
    """Whoever reaches the broker can run nothing that is not due, and nothing twice."""
    crew.worker()
    done, waits = crew.submit(COUNT, Count(stages=1), Count(stages=1))
    crew.until(lambda: not crew.all("select 1 from tasks where status <> 'success'"))
    (later,) = crew.submit(COUNT, Count(stages=1))
    crew.until(lambda: crew.row(later)["status"] == "success")
    app = celery_app(broker_url)
    try:
        hints = [Hint(one, COUNT.name, "file_processing") for one in (done, waits)]
        publish(app, hints * 5)
        publish(app, [Hint(done, "no_such_task", "file_processing")])
    finally:
        app.close()
    (last,) = crew.submit(COUNT, Count(stages=1))
    crew.until(lambda: crew.row(last)["status"] == "success")

    assert {row["claim_no"] for row in crew.all("select claim_no from tasks")} == {1}
    assert {row["n"] for row in crew.all("select n from proving_effects")} == {1}
