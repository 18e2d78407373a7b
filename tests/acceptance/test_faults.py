"""Real processes, real faults: nothing is lost, done twice, stuck or run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from prsnl.core.db import Database
from prsnl.proving.audit import Audit
from prsnl.proving.faults import FAULTS, FILL_DISK, Fault
from prsnl.proving.harness import Harness
from prsnl.proving.report import Report
from prsnl.proving.scene import Hurt, Scene, kill
from prsnl.proving.specs import COUNT, Count
from prsnl.proving.staging import Plan, passable_folder
from prsnl.work.submit import Submission, submission
from tests.acceptance.staff import OWNER, Staff, at_work, staff, wait_until

LEASE_S = 3.0
ROOT = Path(__file__).parents[2]
#: What is promised is promised to a machine that does nothing else.
MARGIN = 4.0
FEWEST_KINDS = 10
BOOKS = [one.name for one in fields(Audit) if one.name not in ("tasks", "items")]


def with_source() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }


def proved(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; its status, and what it told."""
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", "prove", "--json", *arguments],
        env=with_source(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout)
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def is_known_to_be_impossible(told: dict[str, Any]) -> set[str]:
    """The kinds that this machine does not let us do: no file system of our own."""
    return {fault.name for fault in FAULTS} - set(told["faults"])


@pytest.mark.timeout(500)
def test_every_promise_is_kept_for_a_minute_under_every_fault() -> None:
    _, told = proved("--minutes", "0.65", "--seed", "20", "--lease", "3")

    assert {name: told[name] for name in BOOKS} == dict.fromkeys(BOOKS, 0)
    assert is_known_to_be_impossible(told) <= {FILL_DISK}
    assert told["items"] > 0
    late = {
        name: (one["p95_s"], one["limit_s"])
        for name, one in told["recovery"].items()
        if one["limit_s"] and one["p95_s"] and one["p95_s"] > MARGIN * one["limit_s"]
    }
    assert late == {}


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_every_promise_is_kept_for_ten_minutes(seed: str) -> None:
    status, told = proved("--minutes", "10", "--seed", seed)

    assert status == 0, told
    assert told["tasks"] >= 2000
    assert sum(told["faults"].values()) >= 150
    assert len(told["faults"]) >= FEWEST_KINDS


def long_units(_random: Random, key: str) -> Submission:
    """A worker that was stopped wakes before the one that follows it has committed."""
    return submission(
        COUNT, Count(stages=2, work_ms=3500), owner=OWNER, idempotency_key=key
    )


def many_stages(_random: Random, key: str) -> Submission:
    """A worker that is killed has committed some."""
    return submission(
        COUNT, Count(stages=10, work_ms=300), owner=OWNER, idempotency_key=key
    )


def in_hand(scene: Scene, condition: str) -> psutil.Process:
    """The worker of a running task of which something is true."""
    found: set[int] = set()

    def is_there() -> bool:
        found.update(scene.busy(condition))
        return bool(found)

    wait_until(is_there)
    return psutil.Process(found.pop())


def stop_until_taken_over(scene: Scene) -> Hurt:
    """Stop a worker; wake it when another one has its task."""
    worker = in_hand(scene, "true")
    worker.send_signal(signal.SIGSTOP)
    hurt = Hurt(scene.in_hand(worker.pid))
    try:
        (claim,) = hurt.victims or []
        wait_until(
            lambda: scene.busy(f"t.id = '{claim.task_id}'") not in (set(), {worker.pid})
        )
    finally:
        worker.send_signal(signal.SIGCONT)
    return hurt


def kill_after_a_commit(scene: Scene) -> Hurt:
    """Kill -9 a worker that has finished stages."""
    worker = in_hand(scene, "t.current between 2 and 8")
    hurt = Hurt(scene.in_hand(worker.pid))
    kill(worker)
    return hurt


def duel(worker: str, fault: Callable[[Scene], Hurt]) -> Report:
    """Two workers and one task at a time: who loses it, and who takes it over."""
    plan = Plan(
        seconds=4,
        seed=7,
        fault_every_s=2,
        lease_s=LEASE_S,
        faults=[Fault(fault.__name__, fault)],
        worker=worker,
        job=long_units if fault is stop_until_taken_over else many_stages,
        backlog=1,
        settle_s=60,
        environment={"PYTHONPATH": with_source()["PYTHONPATH"]},
    )
    with passable_folder() as made:
        report = Harness(plan, made, say=print).run()
    print(report.as_json())
    return report


@pytest.mark.timeout(300)
def test_a_hole_in_the_fence_is_found() -> None:
    report = duel("tests.saboteurs.unfenced_worker", stop_until_taken_over)

    assert report.audit.stale_writes


@pytest.mark.timeout(300)
def test_a_missing_guard_is_found() -> None:
    report = duel("tests.saboteurs.unguarded_worker", kill_after_a_commit)

    assert report.audit.doubled


def is_a_worker(process: psutil.Process) -> bool:
    """Whether it works for a proof; one that is just ending is none."""
    with suppress(psutil.NoSuchProcess):
        return "proving.worker" in " ".join(process.cmdline())
    return False


def test_a_run_that_is_interrupted_leaves_nothing_behind() -> None:
    with passable_folder() as made:
        run = subprocess.Popen(
            [sys.executable, "-m", "prsnl", "prove", "--minutes", "5"],
            env={**with_source(), "TMPDIR": str(made)},
            stdout=subprocess.PIPE,
            text=True,
        )
        below: list[psutil.Process] = []

        def is_at_work() -> bool:
            below[:] = psutil.Process(run.pid).children(recursive=True)
            return any(is_a_worker(one) for one in below)

        wait_until(is_at_work)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=90)

        assert run.returncode == 130
        assert "Traceback" not in said
        assert [*made.iterdir()] == []
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []


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
