"""Workers whose tasks do what they are told, one order after another.

All of the product is real: runner, claim, stages, beat and the end. Only *when* a
worker takes its next step is the test's to say, so that one that has lost its task can
wake up and write at the worst moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from prsnl.work import beat
from prsnl.work.beat import Beat
from prsnl.work.finisher import Finisher
from prsnl.work.run import TaskRun
from prsnl.work.runner import Finished, Runner
from prsnl.work.specs import Catalogue
from prsnl.work.workers import WorkerIdentity
from tests.integration.work.conftest import JOB, Bench, Job, Made

#: Nothing becomes due, or runs out, unless the test lets it.
LONG = timedelta(hours=1)
PATIENCE_S = 60.0


class Killed(BaseException):
    """The process is gone, as by `kill -9`: nothing of it runs any more."""


class _Returns(Exception):  # noqa: N818 - the end of an order book
    """The task's function returns."""


@dataclass
class Desk:
    """What a task's function does with its orders."""

    run: TaskRun
    #: Open `with` blocks, such as that of a slot.
    open: ExitStack


Order = Callable[[Desk], object]


@dataclass
class Answer:
    """What came of an order: a value, or the end of the claim."""

    value: Any = None
    is_over: bool = False
    error: BaseException | None = None


@dataclass
class Grip:
    """One claim in the hands of a worker."""

    task_id: UUID
    orders: SimpleQueue[Order] = field(default_factory=SimpleQueue)
    answers: SimpleQueue[Answer] = field(default_factory=SimpleQueue)
    desk: Desk | None = None
    is_over: bool = False
    #: What its function ended with, if not with a result.
    error: BaseException | None = None

    def tell(self, order: Order) -> Answer:
        """Have the task's function do one thing, and wait for what came of it."""
        self.orders.put(order)
        return self.wait()

    def wait(self) -> Answer:
        """Wait for the task's function, or for the end of the claim."""
        answer = self.answers.get(timeout=PATIENCE_S)
        self.is_over = answer.is_over
        return answer

    def obey(self, run: TaskRun) -> Made:
        """Be the task's function."""
        with ExitStack() as open_blocks:
            self.desk = Desk(run, open_blocks)
            self.answers.put(Answer())
            while True:
                order = self.orders.get()
                try:
                    self.answers.put(Answer(order(self.desk)))
                except _Returns:
                    break
                except BaseException as error:
                    self.error = error
                    raise
        return Made()


def returns(_desk: Desk) -> None:
    """Have the task end well."""
    raise _Returns


def is_killed(_desk: Desk) -> None:
    """Have the process end, and tell nobody."""
    raise Killed


def raises(error: Exception) -> Order:
    """Have the task fail."""

    def order(_desk: Desk) -> None:
        raise error

    return order


class HeldBack(Finisher[Finished]):
    """Ends a claim at once, or keeps it for the next claim, as the test says."""

    def __init__(self) -> None:
        self.keeps = False
        self._kept: Finished | None = None

    def hand(self, value: Finished, do: Callable[[Finished], None]) -> None:
        """Take the end of a claim."""
        if self.keeps:
            self._kept = value
        else:
            do(value)

    def take(self) -> Finished | None:
        """Give it back."""
        kept, self._kept = self._kept, None
        return kept


class Workman:
    """A worker process of the test: a runner, its beat, and its grips."""

    def __init__(self, bench: Bench, threads: ThreadPoolExecutor) -> None:
        worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=9)
        self._threads = threads
        self.grips: dict[UUID, Grip] = {}
        self.finisher = HeldBack()
        self.beat = Beat(bench.database, worker, LONG)
        self.runner: Runner = replace(
            bench.runner,
            beat=self.beat,
            catalogue=Catalogue({JOB.name: (JOB, self._do)}),
            waits_scale=1000.0,
            provider_probe=LONG,
            finisher=self.finisher,
            _in_hand=set(),
            _lock=threading.Lock(),
        )

    def take(self, task_id: UUID) -> Grip | None:
        """Follow a hint; None where the task is not to be had."""
        grip = Grip(task_id)
        before = self.grips.get(task_id)
        self.grips[task_id] = grip
        self._threads.submit(self._execute, grip)
        if grip.wait().is_over:
            del self.grips[task_id]
            if before is not None:
                self.grips[task_id] = before
            assert grip.error is None, grip.error
            return None
        return grip

    def tell(self, grip: Grip, order: Order) -> Answer:
        """Give an order to a task's function."""
        answer = grip.tell(order)
        if answer.is_over:
            del self.grips[grip.task_id]
        return answer

    def look(self) -> None:
        """Beat once: renew the leases, and read the cancel flags."""
        self.beat._look(beat.RENEW)

    def die(self) -> None:
        """End as a process does that is killed."""
        for grip in list(self.grips.values()):
            self.tell(grip, is_killed)

    def _execute(self, grip: Grip) -> None:
        try:
            self.runner.execute(grip.task_id)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            grip.error = error
        grip.answers.put(Answer(is_over=True, error=grip.error))

    def _do(self, run: TaskRun, _job: Job) -> Made:
        return self.grips[run.task_id].obey(run)
