"""GET /api/engines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from prsnl.core.settings import Settings
from prsnl.core.settings.in_force import InForce
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import JobState
from prsnl.engines.inventory.nearby import Nearby, look
from prsnl.engines.inventory.table import inventory
from prsnl.web.dependencies import Caller
from prsnl.wire.engines import BetterBody, EngineBody, EnginesBody, JobBody

#: What was found on loopback is told so long without another look.
_LOOKED_S: Final = 10.0

router = APIRouter(prefix="/api", tags=["Engines"])


@dataclass
class Engines:
    """What the process that serves knows of engines."""

    settings: InForce
    find: Callable[..., tuple[Nearby, ...]] = look
    _nearby: tuple[Nearby, ...] = ()
    _looked_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def told(self, *, but: int | None) -> EnginesBody:
        """Every job; a look on loopback only where it may tell of something better.

        Args:
            but: The port that is our own.
        """
        settings = self.settings.now()
        return body_of(inventory(settings, self._found(settings, but)), settings)

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


@router.get("/engines")
def engines(
    request: Request, _owner: Caller, known: Annotated[Engines, Depends(engines_of)]
) -> EnginesBody:
    """Who does each job here, how good it is, and what would be better.

    Nothing is loaded or sent. Where no language model is set, servers on this machine
    are asked for their list of models.
    """
    server = request.scope.get("server")
    return known.told(but=server[1] if server else None)


def body_of(jobs: Sequence[JobState], settings: Settings) -> EnginesBody:
    """The jobs as they go over HTTP."""
    return EnginesBody(
        jobs=[_body(job) for job in jobs], local_only=settings.privacy.local_only
    )


def _body(job: JobState) -> JobBody:
    return JobBody(
        job=job.job,
        title=job.title,
        engines=[
            EngineBody(
                name=one.name,
                standing=one.standing,
                how_good=one.how_good,
                reach=one.reach,
                host=one.host,
            )
            for one in job.engines
        ],
        better=[
            BetterBody(sentence=one.sentence, command=one.command) for one in job.better
        ],
    )
