"""`./prsnl engines test`: a tiny piece of real work for each engine, and what came."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

from rich.console import Console
from rich.text import Text

from prsnl.core.errors import BadRequestError, PrsnlError
from prsnl.core.ids import new_id
from prsnl.core.settings import Settings
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import TITLES, Job
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.reach import Reach
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.monitoring.questions import remote_embedding
from prsnl.monitoring.trials import TRIED, Trials
from prsnl.terminal.summary import one_line
from prsnl.wiring.children import sandbox
from prsnl.wiring.trials import providers, trials
from prsnl.work.outgoing import Outgoing, Send

T = TypeVar("T")

_CHARACTERS: Final = 160


@dataclass(frozen=True)
class Alone:
    """Who tries an engine at a terminal: there are no others to wait for."""

    #: Private addresses that count as this machine.
    local_hosts: tuple[str, ...]

    def child(
        self, sandbox: SandboxPool, profile: str
    ) -> AbstractContextManager[Child]:
        """A child of the sandbox."""
        return sandbox.child(profile)

    def call(self, going: Outgoing, send: Send[T]) -> T:
        """Make one request to a provider, at once."""
        with permitted(Permit(going.endpoint.reach, self.local_hosts)):
            return send(f"test-{new_id()}").value


def main(settings: Settings, wanted: str | None) -> int:
    """Try one job's engine, or all of this machine; 1 if one fails.

    Raises:
        BadRequestError: There is no such job.
    """
    jobs = [_job(wanted)] if wanted else list(TRIED)
    console = Console(highlight=False, soft_wrap=True)
    is_ok = True
    with sandbox(settings) as pool:
        found = trials(settings, pool)
        for job in jobs:
            is_ok &= _tried(console, job, found, is_asked=bool(wanted))
    return 0 if is_ok else 1


def _job(wanted: str) -> Job:
    if wanted in [str(job) for job in TRIED]:
        return Job(wanted)
    raise BadRequestError(
        f"{one_line(wanted, characters=40)} cannot be tried: there are "
        f"{', '.join(TRIED)}."
    )


def _tried(console: Console, job: Job, found: Trials, *, is_asked: bool) -> bool:
    began = time.monotonic()
    try:
        if not is_asked and (why := _left_out(found.settings, job)):
            console.print(Text("--  ", "yellow") + Text(f"{TITLES[job]}: {why}"))
            return True
        said = found.of(job, Alone(found.settings.privacy.hosts))
    except PrsnlError as error:
        console.print(
            Text("RED ", "bold red") + Text(f"{TITLES[job]}: {error.message}")
        )
        return False
    took_ms = (time.monotonic() - began) * 1000
    told = one_line(said, characters=_CHARACTERS)
    console.print(
        Text("ok  ", "green") + Text(f"{TITLES[job]}: {told}   ({took_ms:.0f} ms)")
    )
    return True


def _left_out(settings: Settings, job: Job) -> str | None:
    """Why a model is not asked unless it is asked for by name; None if it is."""
    match job:
        case Job.LLM:
            found = language_model.chosen(settings)
            if found is None:
                return "no language model is set"
            reach, host = found.reach, found.host
        case Job.EMBEDDING:
            access = remote_embedding(settings, providers(settings))
            if access is None:
                return None
            place = access.endpoint("")
            reach, host = place.reach, place.host
        case _:
            return None
    if reach is Reach.LOCAL:
        return None
    return f"{host} is not asked unasked: ./prsnl engines test {job}"
