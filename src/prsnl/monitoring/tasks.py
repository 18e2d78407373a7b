"""What is done about failures in the background: one function per spec."""

from __future__ import annotations

from prsnl.monitoring.requeueing import REQUEUE, Requeuer
from prsnl.wire.monitoring import Requeue, Requeued
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(REQUEUE)
def requeue_failed_task(run: TaskRun, command: Requeue) -> Requeued:
    """Queue what failed again. Safe to repeat: what is queued already stays so."""
    return run.get(Requeuer).do(run, command)
