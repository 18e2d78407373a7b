"""Counts, and keeps a second set of books to check the first by.

Effects go with the stage's commit. That a stage *began* is noted at once, outside of
the fence: so a stage that ran again after its commit cannot hide.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.errors import ProviderDownError
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.proving.specs import (
    COUNT,
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
from prsnl.work.sandboxed import child_of
from prsnl.work.specs import Result, Status
from prsnl.work.stages import Stage
from prsnl.work.submit import submission

BOOKS: Final = """
create table if not exists proving_effects (
    task_id uuid not null, stage text not null, unit integer not null,
    n integer not null default 1, primary key (task_id, stage, unit));
create table if not exists proving_begun (
    id bigint generated always as identity primary key,
    task_id uuid not null, stage text not null, unit integer not null,
    claim_no integer not null, at timestamptz not null default clock_timestamp());
"""
#: Of plain Celery, which keeps none.
PLAIN_BOOKS: Final = """
create table if not exists proving_done (
    task_id uuid not null, at timestamptz not null default clock_timestamp());
"""

#: Adds one; more than one is too many.
EFFECT: Final = """
insert into proving_effects (task_id, stage, unit) values (%s, %s, %s)
on conflict (task_id, stage, unit) do update set n = proving_effects.n + 1
"""

_BEGUN: Final = """
insert into proving_begun (task_id, stage, unit, claim_no) values (%s, %s, %s, %s)
"""

_NAP_S: Final = 0.05
PROVIDER: Final = "test provider"


class Counter(Result):
    """The result of one counted unit."""

    unit: int


@dataclass(frozen=True)
class Prover:
    """Does the tasks that are counted."""

    database: Database
    sandbox: SandboxPool | None

    def count(self, run: TaskRun, command: Count) -> Counted:
        """Count every unit of every stage."""
        run.progress.expect(command.stages * command.units)
        units = range(1, command.units + 1)
        before: tuple[bytes, ...] = (run.task_id.bytes,)
        for number in range(1, command.stages + 1):
            stage = Stage(
                name=f"count {number}",
                version=1,
                result=Counter,
                title=f"Counting, stage {number} of {command.stages}",
            )
            done = run.units(
                stage,
                units=units,
                inputs=before,
                work=partial(self._work, run, stage.name, command),
                store=partial(_store, run.task_id, stage.name),
            )
            before = (done.key,)
        return Counted(effects=command.stages * command.units)

    def _work(
        self, run: TaskRun, stage: str, command: Count, units: Sequence[int]
    ) -> Iterator[tuple[int, Counter]]:
        for unit in units:
            begun = [run.task_id, stage, unit, run.attempt]
            self.database.run(partial(_note, begun=begun))
            self._hold(run, command)
            yield unit, Counter(unit=unit)

    def _hold(self, run: TaskRun, command: Count) -> None:
        if command.in_child and self.sandbox is not None:
            with child_of(run, self.sandbox, "document") as child:
                child.call(
                    "proving.hold",
                    {"milliseconds": command.work_ms},
                    timeout_s=command.work_ms / 1e3 + 30,
                )
            return
        _nap(command.work_ms / 1e3, run.check)

    def tick(self, run: TaskRun, command: Tick) -> Ticked:
        """Tell progress, and no more."""
        run.progress.expect(command.events)
        for number in range(1, command.events + 1):
            run.step(f"Tick {number}")
        return Ticked(events=command.events)

    def call(self, run: TaskRun, command: Call) -> Called:
        """Ask a provider that answers one line."""
        run.check()
        try:
            with socket.create_connection(("127.0.0.1", command.port), 5) as line:
                answer = line.makefile().readline().strip()
        except OSError as error:
            raise ProviderDownError(
                "The test provider does not answer.", provider=PROVIDER
            ) from error
        return Called(answer=answer)

    def spread(self, run: TaskRun, command: Spread) -> Gathered:
        """Have children count, then add up."""
        wanted = [
            submission(COUNT, command.child, owner=run.owner, parent_id=run.task_id)
            for _ in range(command.children)
        ]
        outcomes = run.children(wanted, at_once=command.at_once)
        done = [one for one in outcomes if one.status is Status.SUCCESS]
        return Gathered(
            succeeded=len(done),
            failed=len(outcomes) - len(done),
            children=tuple(one.task_id for one in outcomes),
        )


def _store(
    task_id: UUID, stage: str, connection: Db, units: Mapping[int, Counter]
) -> None:
    for unit in units:
        connection.execute(EFFECT, [task_id, stage, unit])


def _note(connection: Db, begun: list[object]) -> None:
    connection.execute(_BEGUN, begun)


def _nap(seconds: float, check: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, _NAP_S))
