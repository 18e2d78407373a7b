"""The harness's tasks: one function per spec."""

from __future__ import annotations

from prsnl.proving.service import Prover
from prsnl.proving.specs import (
    CALL,
    COUNT,
    SPREAD,
    TICK,
    Call,
    Called,
    Count,
    Counted,
    Gathered,
    Spread,
    Tick,
    Ticked,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(COUNT)
def count_task(run: TaskRun, command: Count) -> Counted:
    """Count each unit once."""
    return run.get(Prover).count(run, command)


@TASKS.handles(TICK)
def tick_task(run: TaskRun, command: Tick) -> Ticked:
    """Tell some progress."""
    return run.get(Prover).tick(run, command)


@TASKS.handles(CALL)
def call_task(run: TaskRun, command: Call) -> Called:
    """Ask the test provider."""
    return run.get(Prover).call(run, command)


@TASKS.handles(SPREAD)
def spread_task(run: TaskRun, command: Spread) -> Gathered:
    """Have children count."""
    return run.get(Prover).spread(run, command)
