"""GET /failures, /queues and /engines: what went wrong, what waits, who does what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from prsnl.core.db import Db
from prsnl.dashboard import failing, flow
from prsnl.dashboard.charts import charts
from prsnl.dashboard.flow import Measures, Span
from prsnl.dashboard.framing import framed
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.words import State, Tone, state_of_status
from prsnl.engines.reach import Reach
from prsnl.monitoring import engine_endpoints
from prsnl.monitoring.engine_endpoints import Known
from prsnl.monitoring.queues import queues
from prsnl.monitoring.trials import ASKED
from prsnl.web.dependencies import Caller, Parts, Visitor
from prsnl.wire.access import Scope
from prsnl.wire.engines import JobBody
from prsnl.wire.monitoring import QueueBody
from prsnl.work.queues import Queue
from prsnl.work.specs import ENDED

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAUSED: Final = State("Paused", Tone.WAITING)
STILL: Final = State("Stands still", Tone.BAD)
WORKING: Final = State("Working", Tone.BUSY)
IDLE: Final = State("Idle", Tone.QUIET)
WORKS: Final = State("Works", Tone.GOOD)
BROKEN: Final = State("Does not work", Tone.BAD)


@dataclass(frozen=True)
class ShownQueue:
    """One queue, and what was measured of the caller's tasks in it."""

    body: QueueBody
    measured: Measures

    @property
    def state(self) -> State:
        """How it is, in a word."""
        if self.body.paused_by is not None:
            return PAUSED
        if self.body.problem is not None:
            return STILL
        return WORKING if self.body.running else IDLE

    @property
    def is_used(self) -> bool:
        """Whether anything is in it, was in it, or works on it."""
        told = self.body
        has_tasks = told.depth + told.running + told.parked + told.waiting > 0
        was_used = self.measured.succeeded + self.measured.failed > 0
        return has_tasks or was_used or told.workers > 0 or told.paused_by is not None

    @property
    def version(self) -> str:
        """Differs when it would read differently."""
        return _mark(self)


@dataclass(frozen=True)
class ShownJob:
    """One job with its engines, and what came of the newest test."""

    body: JobBody

    @property
    def state(self) -> State | None:
        """What the test says, in a word; None where there was none."""
        if (test := self.body.test) is None:
            return None
        if test.works is None:
            return state_of_status(test.status)
        return WORKS if test.works else BROKEN

    @property
    def is_tested_now(self) -> bool:
        """Whether a test is under way."""
        return self.body.test is not None and self.body.test.status not in ENDED

    @property
    def asks(self) -> str | None:
        """The host that a test would ask; None where it stays on this machine."""
        first = self.body.engines[0]
        is_away = self.body.job in ASKED and first.reach != Reach.LOCAL
        return first.host if is_away else None

    @property
    def version(self) -> str:
        """Differs when it would read differently."""
        return _mark(self.body)


@router.get("/failures")
def show_failures(parts: Parts, owner: Caller) -> Response:
    """What failed for good, by cause, and what waits for somebody else."""

    def read(connection: Db) -> dict[str, Any]:
        families = failing.families(connection, owner=owner, history=parts.history)
        outages = failing.outages(connection, owner=owner)
        return {
            "families": families,
            "outages": outages,
            "drawn": _mark(([family.told for family in families], outages)),
        }

    return framed(parts, "failures", owner, read)


@router.get("/queues")
def show_queues(
    *,
    parts: Parts,
    owner: Caller,
    who: Visitor,
    span: Annotated[Span, Query()] = Span.DAY,
    queue: Annotated[Queue | None, Query()] = None,
) -> Response:
    """What waits and runs in each queue, how much is done, how long it takes."""

    def read(connection: Db) -> dict[str, Any]:
        measured = flow.measures(connection, span, owner=owner)
        shown = [
            ShownQueue(body, measured.get(body.name, Measures()))
            for body in queues(connection)
        ]
        bars = flow.series(connection, span, owner=owner, queue=queue)
        return {
            "queues": [one for one in shown if one.is_used],
            "unused": [one.body.name for one in shown if not one.is_used],
            "charts": charts(bars, span, queue=queue),
            "drawn": _mark(bars),
        }

    return framed(
        parts,
        "queues",
        owner,
        read,
        span=span,
        spans=list(Span),
        queue=queue,
        may_pause=Scope.ADMIN in who.scopes,
    )


@router.get("/engines")
def show_engines(
    request: Request, parts: Parts, owner: Caller, who: Visitor, known: Known
) -> Response:
    """Who does each job here, how good it is, what would be better, and a test."""
    told = engine_endpoints.engines(request, parts, owner, known)
    return framed(
        parts,
        "engines",
        owner,
        lambda _connection: {},
        jobs=[ShownJob(body) for body in told.jobs],
        local_only=told.local_only,
        may_test=Scope.WRITE in who.scopes,
    )


def _mark(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
