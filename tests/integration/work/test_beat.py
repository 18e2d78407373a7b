"""The beat: leases, cancel flags, limits, and what happens when nothing answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from prsnl.core.db import Database
from prsnl.core.errors import TimeLimitError
from prsnl.work.beat import Beat
from prsnl.work.reaper import reap
from prsnl.work.run import Drained, TaskRun
from prsnl.work.runner import Runner
from prsnl.work.specs import Status
from prsnl.work.stages import Lost
from prsnl.work.workers import WorkerIdentity
from tests.fakes.proxy import Proxy, proxied
from tests.integration.work.conftest import (
    JOB,
    LEASE,
    Bench,
    Job,
    Made,
    nothing,
    stage,
)

#: On a loaded machine a process stands still for a second now and then.
UNHURRIED = timedelta(seconds=5)


@dataclass
class Held:
    """A handler that holds on until it is told to stop, as a long stage does."""

    is_in: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    killed: threading.Event = field(default_factory=threading.Event)
    stopped_by: list[Exception | None] = field(default_factory=list)

    def __call__(self, run: TaskRun, _: Job) -> Made:
        with run.killing(self._kill):
            self.is_in.set()
            assert self.goes_on.wait(60)
        self.stopped_by.append(run.stop_reason)
        run.check()
        return Made(word="done")

    def _kill(self) -> None:
        self.killed.set()
        self.goes_on.set()


@contextmanager
def running(
    bench: Bench, runner: Runner | None = None
) -> Iterator[tuple[Held, TaskRow]]:
    """A task that is being done while the block runs."""
    held = Held()
    task_id = bench.job(held)
    done = bench.meanwhile(lambda: (runner or bench.runner).execute(task_id))
    try:
        assert held.is_in.wait(30)
        yield held, TaskRow(bench, task_id, lambda: done.result(timeout=60))
    finally:
        held.goes_on.set()
        done.result(timeout=60)


@dataclass(frozen=True)
class TaskRow:
    bench: Bench
    id: object
    wait: Callable[[], None]

    def __getitem__(self, column: str) -> object:
        (row,) = self.bench.all("select * from tasks where id = %s", self.id)
        return row[column]


@contextmanager
def beating(
    bench: Bench, database: Database, *, lease: timedelta = LEASE
) -> Iterator[Runner]:
    """A second worker, whose beat asks *database*."""
    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
    beat = Beat(database, worker, lease)
    with beat.beating():
        yield replace(bench.another(), beat=beat)


def test_the_lease_is_extended_while_the_work_goes_on(bench: Bench) -> None:
    with running(bench) as (held, row):
        first = row["lease_until"]
        bench.until(lambda: row["lease_until"] > first)  # type: ignore[operator]
        assert bench.do(reap) == 0
        held.goes_on.set()
        row.wait()

    assert row["status"] == "success"


def test_a_worker_says_that_it_is_there_and_goes(bench: Bench) -> None:
    with beating(bench, bench.database) as runner:
        me = runner.beat.worker
        bench.until(lambda: bench.all("select 1 from workers where id = %s", me.id))
        (row,) = bench.all("select * from workers where id = %s", me.id)
        assert (row["kind"], row["queues"], row["slots"], row["state"]) == (
            "worker",
            ["file_processing"],
            1,
            "running",
        )

    assert bench.all("select 1 from workers where id = %s", me.id) == []


def test_a_run_whose_row_was_taken_is_stopped(bench: Bench) -> None:
    """Its worker was silent for too long, as after a laptop's sleep."""
    with running(bench) as (held, row):
        bench.all(
            "update tasks set claim_no = claim_no + 1 where id = %s returning 1", row.id
        )
        row.wait()

    assert held.killed.is_set()
    assert isinstance(held.stopped_by[0], Lost)
    assert (row["status"], row["claim_no"]) == ("running", 2)


def test_a_run_that_takes_too_long_is_stopped(bench: Bench) -> None:
    held = Held()
    task_id = bench.job(held)
    bench.catalogue.handlers[JOB.name] = (replace(JOB, time_limit_s=0.5), held)

    bench.runner.execute(task_id)

    assert isinstance(held.stopped_by[0], TimeLimitError)
    row = bench.row(task_id)
    assert (row["status"], row["error_code"]) == ("queued", "time_limit")
    assert "The task took longer than" in row["error_message"]


def test_progress_that_waits_for_company_is_told_by_the_beat(bench: Bench) -> None:
    held = Held()

    def work(run: TaskRun, command: Job) -> Made:
        run.step("Half")
        return held(run, command)

    task_id = bench.job(work)
    done = bench.meanwhile(lambda: bench.runner.execute(task_id))
    bench.until(lambda: bench.row(task_id)["message"] == "Half")
    held.goes_on.set()
    done.result()

    assert bench.row(task_id)["current"] == 1


@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_a_worker_that_reaches_no_database_stops_before_its_lease_is_over(
    bench: Bench, database_url: str, how: str
) -> None:
    """A stopped server, or a host that vanished, refuses nothing: it is only silent."""
    with (
        proxied(database_url) as (proxy, url),
        Database.open(url, size=3, name="t", patience_s=2) as database,
        beating(bench, database, lease=UNHURRIED) as runner,
        running(bench, runner) as (held, row),
    ):
        first = row["lease_until"]
        bench.until(lambda: row["lease_until"] > first)  # type: ignore[operator]
        getattr(proxy, how)()
        row.wait()
        (left,) = bench.all(
            "select extract(epoch from lease_until - clock_timestamp()) as left_s "
            "from tasks"
        )
        assert row["status"] == "running"
        _heal(proxy)
        bench.until(lambda: row["status"] == "queued")

    assert isinstance(held.stopped_by[0], Lost)
    assert held.killed.is_set()
    assert left["left_s"] > -UNHURRIED.total_seconds()  # on a loaded machine; else > 0
    assert (row["retries"], row["crashes"]) == (0, 0)
    assert bench.log(row["id"]) == ["queued"]


def test_a_worker_that_was_cut_off_for_longer_than_its_lease_was_no_crash(
    bench: Bench, database_url: str
) -> None:
    """Three such cuts in a row would have given up a task that hurts nobody."""
    with (
        proxied(database_url) as (proxy, url),
        Database.open(url, size=3, name="t", patience_s=2) as database,
        beating(bench, database, lease=UNHURRIED) as runner,
        running(bench, runner) as (_, row),
    ):
        proxy.cut()
        row.wait()
        bench.until(lambda: bench.do(reap) == 1)
        assert row["crashes"] == 1
        _heal(proxy)
        bench.until(lambda: row["crashes"] == 0)

    assert row["status"] == "queued"


def _heal(proxy: Proxy) -> None:
    proxy.mend()
    proxy.thaw()


def test_progress_does_not_hold_the_beat_up_while_the_database_is_away(
    bench: Bench, database_url: str
) -> None:
    """The beat tells progress too; it must not wait there with the work's patience."""
    with (
        proxied(database_url) as (proxy, url),
        Database.open(url, size=3, name="t", patience_s=600) as database,
    ):
        run = replace(
            bench.task_run(bench.claim(bench.job())), database=database, _kills=[]
        )
        run.progress.advance(1, "One")
        time.sleep(0.3)
        proxy.cut()
        began = time.monotonic()
        with pytest.raises(Exception, match="does not answer"):
            run.flush()

    assert time.monotonic() - began < 60


def test_a_drain_gives_back_what_runs_and_raises_no_counter(bench: Bench) -> None:
    with running(bench) as (held, row):
        bench.beat.drain()
        row.wait()

    assert isinstance(held.stopped_by[0], Drained)
    assert (row["status"], row["retries"], row["crashes"]) == ("queued", 0, 0)
    (is_due,) = bench.all("select due_at <= now() as now from tasks")
    assert is_due["now"]
    assert row["finished_at"] is None
    other = bench.another()
    bench.handle(lambda *_: Made())
    other.execute(row.id)  # type: ignore[arg-type]
    assert (row["status"], row["claim_no"]) == ("success", 2)


def test_a_task_that_is_given_back_keeps_its_stages(bench: Bench) -> None:
    begun: list[int] = []

    def work(run: TaskRun, _: Job) -> Made:
        def make() -> Made:
            begun.append(run.attempt)
            return Made()

        run.stage(stage(), inputs=[b"i"], work=make, store=nothing)
        if run.attempt == 1:
            run.stop(Drained())
        run.check()
        return Made()

    task_id = bench.job(work)
    bench.runner.execute(task_id)
    bench.runner.execute(task_id)

    assert bench.status(task_id) == "success"
    assert begun == [1]


def test_what_does_not_stop_by_itself_is_given_back_all_the_same(bench: Bench) -> None:
    """A library that waits for a network hears nothing; the process must leave."""
    has_left, is_in, goes_on = (threading.Event() for _ in range(3))

    def work(_run: TaskRun, _: Job) -> Made:
        is_in.set()
        assert goes_on.wait(60)
        return Made()

    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
    beat = Beat(
        bench.database,
        worker,
        LEASE,
        drain_time=timedelta(seconds=0.5),
        leave=has_left.set,
    )
    with beat.beating():
        task_id = bench.job(work)
        runner = replace(bench.another(), beat=beat)
        done = bench.meanwhile(lambda: runner.execute(task_id))
        assert is_in.wait(30)
        beat.drain()
        assert has_left.wait(30)
        row = bench.row(task_id)
        goes_on.set()
        done.result()

    assert (row["status"], row["retries"], row["crashes"]) == ("queued", 0, 0)
    assert bench.row(task_id) == row, "the late end meets the fence"
    assert bench.all("select 1 from workers where id = %s", worker.id) == []


def test_a_worker_that_drains_takes_nothing(bench: Bench) -> None:
    bench.beat.drain()
    task_id = bench.job()
    bench.runner.execute(task_id)

    assert (bench.status(task_id), bench.row(task_id)["claim_no"]) == ("queued", 0)


def test_a_worker_that_drains_counts_for_nothing_at_once(bench: Bench) -> None:
    """Hints for it would only wait."""
    me = bench.beat.worker.id
    bench.until(lambda: bench.all("select 1 from workers where id = %s", me))
    bench.beat.drain()

    bench.until(
        lambda: bench.all(
            "select 1 from workers where id = %s and state = 'draining'", me
        )
    )


def test_a_drain_takes_no_lock(bench: Bench) -> None:
    """A signal handler calls it, also while the main thread holds one of them."""
    run = bench.task_run(bench.claim(bench.job()))
    with bench.beat.watching(run, time_limit_s=60, claimed_at=time.monotonic()):

        def interrupted() -> None:
            with run._lock, bench.beat._lock:
                bench.beat.drain()

        thread = threading.Thread(target=interrupted, daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
        bench.until(lambda: run.stop_reason is not None)

    assert isinstance(run.stop_reason, Drained)


def test_what_is_claimed_while_the_drain_begins_is_given_back(bench: Bench) -> None:
    """The claim was under way when TERM came."""
    bench.beat._is_draining = True
    run = bench.task_run(bench.claim(bench.job()))
    with bench.beat.watching(run, time_limit_s=60, claimed_at=time.monotonic()):
        assert isinstance(run.stop_reason, Drained)


def test_a_finished_task_is_not_watched_any_more(bench: Bench) -> None:
    task_id = bench.job()
    bench.runner.execute(task_id)

    assert bench.beat._watched == {}
    assert bench.status(task_id) == Status.SUCCESS
