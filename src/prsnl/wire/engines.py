"""What goes over HTTP of jobs and engines."""

from __future__ import annotations

from prsnl.wire.base import Body


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


class EnginesBody(Body):
    """Every job."""

    jobs: list[JobBody]
    #: Nothing may leave this machine (PRSNL_LOCAL_ONLY).
    local_only: bool
