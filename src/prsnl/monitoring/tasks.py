"""What is done about failures and engines in the background: one function per spec."""

from __future__ import annotations

from prsnl.monitoring.requeueing import REQUEUE, Requeuer
from prsnl.monitoring.trying import (
    TRY_AI_ENGINE,
    TRY_FILE_ENGINE,
    TRY_MEDIA_ENGINE,
    EngineTrier,
)
from prsnl.wire.engines import EngineTried, TryEngine
from prsnl.wire.monitoring import Requeue, Requeued
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(REQUEUE)
def requeue_failed_task(run: TaskRun, command: Requeue) -> Requeued:
    """Queue what failed again. Safe to repeat: what is queued already stays so."""
    return run.get(Requeuer).do(run, command)


@TASKS.handles(TRY_FILE_ENGINE)
def try_file_engine_task(run: TaskRun, command: TryEngine) -> EngineTried:
    """Try what reads files and texts. Safe to repeat: it keeps nothing."""
    return run.get(EngineTrier).do(run, command)


@TASKS.handles(TRY_MEDIA_ENGINE)
def try_media_engine_task(run: TaskRun, command: TryEngine) -> EngineTried:
    """Try what hears and watches. Safe to repeat: it keeps nothing."""
    return run.get(EngineTrier).do(run, command)


@TASKS.handles(TRY_AI_ENGINE)
def try_ai_engine_task(run: TaskRun, command: TryEngine) -> EngineTried:
    """Try a model. Repeated, it is asked once more, of nobody's text."""
    return run.get(EngineTrier).do(run, command)
