"""GET /failures, /queues and /engines: what went wrong, what waits, who does what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from prsnl.core.db import Db
from prsnl.dashboard import failing, flow
from prsnl.dashboard.charts import charts
from prsnl.dashboard.flow import Measures, Span
from prsnl.dashboard.framing import framed
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.words import State, Tone
from prsnl.monitoring import engine_endpoints
from prsnl.monitoring.engine_endpoints import Engines, engines_of
from prsnl.monitoring.queues import queues
from prsnl.web.dependencies import Caller, Parts, Visitor
from prsnl.wire.access import Scope
from prsnl.wire.monitoring import QueueBody
from prsnl.work.queues import Queue

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAUSED: Final = State("Paused", Tone.WAITING)
STILL: Final = State("Stands still", Tone.BAD)
WORKING: Final = State("Working", Tone.BUSY)
IDLE: Final = State("Idle", Tone.QUIET)


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
    request: Request,
    parts: Parts,
    owner: Caller,
    known: Annotated[Engines, Depends(engines_of)],
) -> Response:
    """Who does each job here, how good it is, what would be better."""
    told = engine_endpoints.engines(request, owner, known)
    return framed(parts, "engines", owner, lambda _connection: {}, told=told)


def _mark(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
