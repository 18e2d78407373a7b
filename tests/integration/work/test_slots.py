"""A slot of a machine: one holder, and others that wait without a worker."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from prsnl.work.reaper import reap
from prsnl.work.run import TaskRun
from prsnl.work.slots import GPU, HEAVY, taken
from tests.integration.work.conftest import JOB, OWNER, Bench, Job, Made

_LONG_S = 30.0


class Sizes:
    """Jobs that want the slot, and stay in it as long as the test wants."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.inside: list[str] = []
        self.is_in = threading.Event()
        self.may_leave = threading.Event()
        bench.handle(self._do)

    def submit(self, word: str, *, priority: int = 0) -> UUID:
        task_id = self.bench.submit(JOB, Job(word=word), owner=OWNER)
        self.bench.database.run(
            lambda connection: connection.execute(
                "update tasks set priority = %s where id = %s", [priority, task_id]
            )
        )
        return task_id

    def _do(self, run: TaskRun, job: Job) -> Made:
        kind = GPU if job.word == "gpu" else HEAVY
        with taken(run, kind), taken(run, kind):
            self.inside.append(job.word)
            self.is_in.set()
            if job.word == "long":
                assert self.may_leave.wait(_LONG_S)
        if job.word == "broken":
            raise RuntimeError("a defect")
        return Made(word=job.word)


@pytest.fixture
def sizes(bench: Bench) -> Sizes:
    return Sizes(bench)


def test_two_large_jobs_never_share_and_the_small_one_goes_first(
    bench: Bench, sizes: Sizes
) -> None:
    """A voice note must not stand behind the next four-hour video."""
    first = sizes.submit("long")
    running = bench.threads.submit(bench.runner.execute, first)
    assert sizes.is_in.wait(_LONG_S)
    big, small = sizes.submit("big"), sizes.submit("small", priority=3)

    for task_id in (big, small):
        bench.runner.execute(task_id)
        row = bench.row(task_id)
        assert (row["status"], row["retries"], row["crashes"]) == ("queued", 0, 0)
        assert row["lease_until"] is None
        bench.runner.execute(task_id)
    assert sizes.inside == ["long"]

    sizes.may_leave.set()
    running.result(_LONG_S)
    bench.runner.execute(big)
    assert sizes.inside == ["long"]
    bench.runner.execute(small)
    bench.runner.execute(big)
    assert sizes.inside == ["long", "small", "big"]
    assert bench.status(big) == bench.status(small) == "success"
    assert bench.all("select 1 from machine_slots where task_id is not null") == []


def test_slots_of_other_names_are_apart(bench: Bench, sizes: Sizes) -> None:
    running = bench.threads.submit(bench.runner.execute, sizes.submit("long"))
    assert sizes.is_in.wait(_LONG_S)

    bench.runner.execute(sizes.submit("gpu"))

    assert sizes.inside == ["long", "gpu"]
    sizes.may_leave.set()
    running.result(_LONG_S)


def test_a_worker_that_is_gone_gives_its_slot_back(bench: Bench, sizes: Sizes) -> None:
    """The lease of the task is the lease of its slot."""
    lost, next_one = sizes.submit("long"), sizes.submit("next")
    running = bench.threads.submit(bench.runner.execute, lost)
    assert sizes.is_in.wait(_LONG_S)
    bench.runner.execute(next_one)
    bench.database.run(
        lambda connection: connection.execute(
            "update tasks set lease_until = now() - interval '1 s' where id = %s",
            [lost],
        )
    )

    assert bench.database.run(reap) == 1
    bench.runner.execute(next_one)

    assert bench.status(next_one) == "success"
    sizes.may_leave.set()
    running.result(_LONG_S)
    assert bench.row(lost)["slot"] is None


def test_an_error_frees_the_slot(bench: Bench, sizes: Sizes) -> None:
    broken = sizes.submit("broken")
    bench.runner.execute(broken)

    bench.runner.execute(sizes.submit("next"))

    assert sizes.inside == ["broken", "next"]
