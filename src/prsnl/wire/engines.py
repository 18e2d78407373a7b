"""What goes over HTTP of jobs and engines."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from prsnl.engines.inventory.jobs import Job
from prsnl.wire.base import Body
from prsnl.work.specs import Command, Result, Status


class TryEngine(Command):
    """Give the engine of a job a tiny piece of work, never a document."""

    job: Job = Field(description="Whose engine.")


class EngineTried(Result):
    """What came of it: a broken engine is an answer, too."""

    job: Job
    works: bool
    #: With its version or model.
    engine: str
    #: What it has made of the work; of one that does not work, why, and what to do.
    said: str
    milliseconds: float


class EngineTestBody(Body):
    """The newest test of an engine by the caller."""

    task_id: UUID
    status: Status
    #: Why it waits; null where it does not.
    waiting_because: str | None
    #: Null until it has ended.
    works: bool | None
    #: The one that was tested, as it was called then.
    engine: str | None
    #: What it has made of the work; of one that does not work, why.
    said: str | None
    milliseconds: float | None
    created_at: datetime
    finished_at: datetime | None


class EngineBody(Body):
    """One engine for one job."""

    #: With its version or model.
    name: str
    #: "in use", "ready", "absent" or "off".
    standing: str
    #: How good it is, with figures where they were measured.
    how_good: str
    #: Where the bytes of a document go: "local", "lan" or "cloud".
    reach: str
    #: The host that gets them; null for the program itself.
    host: str | None


class BetterBody(Body):
    """What would do a job better."""

    sentence: str
    #: What is typed to get it; null where it takes more than a command.
    command: str | None


class JobBody(Body):
    """Who does a job, the one in use first."""

    job: str
    title: str
    engines: list[EngineBody]
    better: list[BetterBody]
    #: What came of its newest test; null where the caller has made none.
    test: EngineTestBody | None = None
    #: Why it cannot be tested; null where it can.
    untested_because: str | None = None


class EnginesBody(Body):
    """Every job."""

    jobs: list[JobBody]
    #: Nothing may leave this machine (PRSNL_LOCAL_ONLY).
    local_only: bool
