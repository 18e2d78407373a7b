"""Tasks whose effects can be counted exactly."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import Field

from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec


class Count(Command):
    """Count each stage and unit once."""

    stages: int = Field(4, ge=1, le=1000)
    units: int = Field(1, ge=1, le=1000, description="Units of each stage.")
    work_ms: int = Field(5, ge=0, le=3_600_000, description="Of each unit.")
    in_child: bool = Field(False, description="Do the work in a sandbox child.")


class Counted(Result):
    """How many effects this task is to have had."""

    effects: int


class Tick(Command):
    """Nothing, with some progress events."""

    events: int = Field(5, ge=0, le=100)


class Ticked(Result):
    """Something small to store."""

    events: int


class Call(Command):
    """Ask a provider on this machine once."""

    port: int = Field(ge=1, le=65535)


class Called(Result):
    """What the provider said."""

    answer: str


class Spread(Command):
    """Have children count."""

    children: int = Field(ge=1, le=10_000)
    at_once: int = Field(4, ge=1)
    child: Count = Count()


class Gathered(Result):
    """What the children did."""

    succeeded: int
    failed: int
    children: tuple[UUID, ...]


_WAITS_S: Final = (60.0, 120.0, 240.0)

COUNT: Final = TaskSpec(
    name="count_task",
    queue=Queue.FILE_PROCESSING,
    command=Count,
    result=Counted,
    retry_waits_s=_WAITS_S,
    time_limit_s=7200,
)
TICK: Final = TaskSpec(
    name="tick_task", queue=Queue.FILE_PROCESSING, command=Tick, result=Ticked
)
CALL: Final = TaskSpec(
    name="call_task", queue=Queue.AI_PROCESSING, command=Call, result=Called
)
SPREAD: Final = TaskSpec(
    name="spread_task", queue=Queue.FILE_PROCESSING, command=Spread, result=Gathered
)
