"""GET /api/engines, and POST /api/engines/{job}/test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, status
from starlette.concurrency import run_in_threadpool

from prsnl.core.errors import ConflictError
from prsnl.core.settings import Settings
from prsnl.core.settings.in_force import InForce
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Job, JobState
from prsnl.engines.inventory.nearby import Nearby, look
from prsnl.engines.inventory.table import inventory
from prsnl.monitoring import engine_tests
from prsnl.monitoring.trials import untried_because
from prsnl.monitoring.trying import SPEC_OF
from prsnl.web.dependencies import MONITOR_URL, Caller, Dispatcher, Parts
from prsnl.wire.engines import (
    BetterBody,
    EngineBody,
    EnginesBody,
    EngineTestBody,
    JobBody,
    TryEngine,
)
from prsnl.wire.tasks import Accepted

#: What was found on loopback is told so long without another look.
_LOOKED_S: Final = 10.0
_NO_TESTS: Final[Mapping[str, EngineTestBody]] = MappingProxyType({})

router = APIRouter(prefix="/api", tags=["Engines"])


@dataclass
class Engines:
    """What the process that serves knows of engines."""

    settings: InForce
    find: Callable[..., tuple[Nearby, ...]] = look
    _nearby: tuple[Nearby, ...] = ()
    _looked_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def told(
        self, *, but: int | None, tests: Mapping[str, EngineTestBody] = _NO_TESTS
    ) -> EnginesBody:
        """Every job; a look on loopback only where it may tell of something better.

        Args:
            but: The port that is our own.
            tests: What came of the newest test of a job.
        """
        settings = self.settings.now()
        jobs = inventory(settings, self._found(settings, but))
        return body_of(jobs, settings, tests)

    def _found(self, settings: Settings, but: int | None) -> tuple[Nearby, ...]:
        if language_model.chosen(settings) is not None:
            return ()
        with self._lock:
            if time.monotonic() - self._looked_at > _LOOKED_S:
                self._nearby = self.find(but=() if but is None else (but,))
                self._looked_at = time.monotonic()
            return self._nearby


async def engines_of(request: Request) -> Engines:
    """What this process knows of engines."""
    found = request.app.state.engines
    assert isinstance(found, Engines)
    return found


Known = Annotated[Engines, Depends(engines_of)]


@router.get("/engines")
def engines(request: Request, parts: Parts, owner: Caller, known: Known) -> EnginesBody:
    """Who does each job here, how good it is, and what would be better.

    Nothing is loaded or sent. Where no language model is set, servers on this machine
    are asked for their list of models. With each job comes the caller's newest test.
    """
    server = request.scope.get("server")
    return known.told(
        but=server[1] if server else None,
        tests=parts.database.run(partial(engine_tests.newest, owner=owner)),
    )


@router.post("/engines/{job}/test", status_code=status.HTTP_202_ACCEPTED)
async def test_engine(job: Job, parts: Parts, owner: Caller, known: Known) -> Accepted:
    """Give the engine of a job a tiny piece of work, as a task; never a document.

    Its result says whether it works, what it made and how long it took: a broken
    engine is an answer, too. While a test of the caller's is under way it is that one.
    A model that is set is asked one question, within the limits and the budget.
    """
    if (why := untried_because(known.settings.now(), job)) is not None:
        raise ConflictError(why)
    before = await run_in_threadpool(
        parts.database.run, partial(engine_tests.newest_of, job=job, owner=owner)
    )
    if before is not None and engine_tests.is_under_way(before):
        return Accepted(
            task_id=before.task_id,
            message="A test of it is under way: this is the one.",
            monitor_url=MONITOR_URL.format(before.task_id),
        )
    dispatch = Dispatcher(parts, owner, engine_tests.key_after(job, before))
    return await dispatch.submit(SPEC_OF[job], TryEngine(job=job))


def body_of(
    jobs: Sequence[JobState],
    settings: Settings,
    tests: Mapping[str, EngineTestBody] = _NO_TESTS,
) -> EnginesBody:
    """The jobs as they go over HTTP."""
    return EnginesBody(
        jobs=[_body(state, settings, tests.get(state.job)) for state in jobs],
        local_only=settings.privacy.local_only,
    )


def _body(state: JobState, settings: Settings, test: EngineTestBody | None) -> JobBody:
    return JobBody(
        job=state.job,
        title=state.title,
        engines=[
            EngineBody(
                name=one.name,
                standing=one.standing,
                how_good=one.how_good,
                reach=one.reach,
                host=one.host,
            )
            for one in state.engines
        ],
        better=[
            BetterBody(sentence=one.sentence, command=one.command)
            for one in state.better
        ],
        test=test,
        untested_because=untried_because(settings, state.job),
    )
