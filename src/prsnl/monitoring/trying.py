"""An engine tried as a task that can be watched, where documents would meet it."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from prsnl.core.errors import PrsnlError
from prsnl.engines.inventory.jobs import TITLES, Job
from prsnl.engines.inventory.table import inventory
from prsnl.engines.reach import Reach
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.monitoring.trials import ASKED, Trials
from prsnl.wire.engines import EngineTried, TryEngine
from prsnl.work.outgoing import Outgoing, Send
from prsnl.work.outside import Gate
from prsnl.work.queues import Queue
from prsnl.work.run import Deferred, TaskRun
from prsnl.work.specs import TaskSpec

T = TypeVar("T")

_CHARACTERS: Final = 400


def _spec(name: str, queue: Queue) -> TaskSpec[TryEngine, EngineTried]:
    return TaskSpec(
        name=name,
        queue=queue,
        command=TryEngine,
        result=EngineTried,
        retry_waits_s=(10,),
        time_limit_s=600,
        # Somebody waits for it.
        priority=100,
    )


# The workers of each queue may be on hosts of their own, with engines of their own.
TRY_FILE_ENGINE: Final = _spec("try_file_engine_task", Queue.FILE_PROCESSING)
TRY_MEDIA_ENGINE: Final = _spec("try_media_engine_task", Queue.MEDIA_PROCESSING)
TRY_AI_ENGINE: Final = _spec("try_ai_engine_task", Queue.AI_PROCESSING)

#: Where each job is done, and so tried.
SPEC_OF: Final = {
    Job.KIND: TRY_FILE_ENGINE,
    Job.TEXT: TRY_FILE_ENGINE,
    Job.OCR: TRY_FILE_ENGINE,
    Job.LANGUAGE: TRY_FILE_ENGINE,
    Job.KEY_SENTENCES: TRY_FILE_ENGINE,
    Job.SORTING: TRY_FILE_ENGINE,
    Job.LLM: TRY_AI_ENGINE,
    Job.EMBEDDING: TRY_AI_ENGINE,
    Job.VIDEO: TRY_MEDIA_ENGINE,
    Job.SPEECH: TRY_MEDIA_ENGINE,
}


@dataclass(frozen=True)
class _AsTask:
    """How a task tries an engine: it can be stopped, and it stays within limits."""

    run: TaskRun

    @contextmanager
    def child(self, sandbox: SandboxPool, profile: str) -> Iterator[Child]:
        """A child of the sandbox that ends with the task."""
        run = self.run
        with (
            sandbox.child(profile, check=run.check) as child,
            run.killing(child.kill),
        ):
            yield child
            run.peak_memory_bytes = max(run.peak_memory_bytes, child.peak_memory_bytes)

    def call(self, going: Outgoing, send: Send[T]) -> T:
        """Make one request to a provider, which goes down in the books."""
        return self.run.get(Gate).call(self.run, going, send)


@dataclass(frozen=True)
class EngineTrier:
    """Does `try_file_engine_task` and its like."""

    trials: Trials

    def do(self, run: TaskRun, wanted: TryEngine) -> EngineTried:
        """Try the engine of a job. Nothing is kept but what came of it.

        One that does not work is no failure of the task: it has found that out.
        """
        run.step(f"Tests: {TITLES[wanted.job]}", steps=0)
        began = time.monotonic()
        try:
            said, works = self.trials.of(wanted.job, _AsTask(run)), True
        except PrsnlError as error:
            run.check()
            said, works = error.message, False
        except Deferred as wait:
            if wait.provider is None:  # a limit: it has its turn later
                raise
            said, works = wait.message, False
        return EngineTried(
            job=wanted.job,
            works=works,
            engine=self._engine(wanted.job),
            said=_plain(said),
            milliseconds=(time.monotonic() - began) * 1000,
        )

    def _engine(self, job: Job) -> str:
        """The one that this worker uses."""
        (state,) = (one for one in inventory(self.trials.settings) if one.job is job)
        here = (one for one in state.engines if one.reach is Reach.LOCAL)
        first = state.engines[0]
        return first.name if job in ASKED else next(here, first).name


def _plain(said: str) -> str:
    """On one line, and of what a row can hold."""
    shown = "".join(c if c.isprintable() else " " for c in said)
    return textwrap.shorten(shown, _CHARACTERS, placeholder=" …")
