"""`./prsnl prove`: a real load, real faults, and the books checked at the end."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from prsnl.core.db import LOST, Db
from prsnl.core.errors import PrsnlError
from prsnl.proving.audit import audit, unfinished
from prsnl.proving.disk import SmallDisk
from prsnl.proving.faults import FILL_DISK, PICKLE_RAN, Fault
from prsnl.proving.load import Load, Loading, open_load
from prsnl.proving.recovery import Injected, recoveries
from prsnl.proving.report import Report
from prsnl.proving.scene import Scene
from prsnl.proving.staging import Plan, Staging
from prsnl.work import control

_START_TIMEOUT_S: Final = 90.0
_POLL_S: Final = 0.1
#: A run may take so many times as long where not every fault was done.
_LONGEST_TIMES: Final = 4
#: A fault waits so long for the work to go on after the one before.
_PATIENCE_S: Final = 12.0
_PATIENCE_LEASES: Final = 2.0
#: At least, where a fault took longer than its turn.
_BETWEEN_S: Final = 1.0
_TELL_EVERY_S: Final = 15.0
#: A task that failed with a reason is retried so often: a person would give up, too.
_RETRIES: Final = 3

#: Somebody works since then, and nobody who was hurt is believed to hold a task.
_RECOVERED: Final = """
select exists (select 1 from tasks where claimed_at >= to_timestamp(%(back_at)s))
   and not exists (
       select 1 from unnest(%(ids)s::uuid[], %(numbers)s::integer[]) as v (id, number)
       join tasks t on t.id = v.id and t.claim_no = v.number
       where t.status = 'running') as is_so
"""

_OPEN: Final = """
select count(*) filter (
           where status in ('queued', 'running', 'parked', 'waiting')) as open,
       count(*) filter (where status = 'success') as done
from tasks
"""

#: What failed for a reason that has passed, and that its row tells: a provider that
#: was away or lied, a third kill in a row with nothing done between them.
_TOLD: Final = """
select id, owner, error_code from tasks
where status in ('failure', 'dead') and error_code in (
    'unusable_answer', 'provider_failed', 'provider_silent',
    'child_crashed', 'out_of_memory')
"""


@dataclass
class Harness:
    """Runs one plan on a data folder of its own.

    Attributes:
        plan: What is done.
        folder: Of this run alone; the stack's data folder is made in it.
        say: Told what happens, line by line.
        disk: The small disk that the data folder is on, if it is.
    """

    plan: Plan
    folder: Path
    say: Callable[[str], None]
    disk: SmallDisk | None = None

    def __post_init__(self) -> None:
        self._staging = Staging(self.plan, self.folder, self.disk)
        self._staging.data_dir.mkdir(mode=0o711, exist_ok=True)
        self._injected: list[Injected] = []
        self._began_s = time.monotonic()
        self._told_s = self._began_s
        self._starts = 0

    def stack(self) -> AbstractContextManager[Scene]:
        """The stack of the data folder, running while the block does."""
        return self._staging.stack()

    def run(self) -> Report:
        """Load, hurt, settle, audit."""
        with (
            self.stack() as scene,
            open_load(
                scene, seed=self.plan.seed, job=self.plan.job, mix=self.plan.mix
            ) as load,
        ):
            self._await_workers(scene)
            self._began_s = time.monotonic()
            began_at = time.time()
            self._hurt(scene, load)
            seconds = time.monotonic() - self._began_s
            asked_again = self._settle(scene, load)
            scene.again(lambda connection: connection.execute("select 1"))
            return Report(
                seed=self.plan.seed,
                seconds=seconds,
                began_at=began_at,
                lease_s=self.plan.lease_s,
                audit=audit(
                    scene.connection,
                    load.ids,
                    load.put_in,
                    opened_pickles=int((scene.data_dir / PICKLE_RAN).exists()),
                ),
                recovery=recoveries(
                    scene.connection, self._injected, lease_s=self.plan.lease_s
                ),
                asked_again=asked_again,
                database_starts=self._starts,
                unfinished=unfinished(scene.connection),
            )

    def _hurt(self, scene: Scene, load: Loading) -> None:
        scene.pause = lambda seconds: self._go_on(scene, load, seconds)
        possible = [fault for fault in self.plan.faults if fault.needs(scene)]
        faults = _in_turn(possible, scene.random)
        began_at = time.monotonic()
        every_s = min(self.plan.fault_every_s, self.plan.seconds / (len(possible) + 1))
        fault_at = began_at + every_s
        while self._goes_on(time.monotonic() - began_at, possible):
            if time.monotonic() >= fault_at and self._has_recovered(scene):
                fault_at += scene.random.uniform(0.5, 1.5) * every_s
                self._inject(scene, load, next(faults))
                fault_at = max(fault_at, time.monotonic() + _BETWEEN_S)
            scene.pause(_POLL_S)

    def _has_recovered(self, scene: Scene) -> bool:
        """Whether work goes on since the last fault, or has had its time to.

        Else the next one would be measured by what the last one did.
        """
        if not self._injected:
            return True
        hurt = self._injected[-1].hurt
        since_s = time.time() - hurt.at
        is_going_on = since_s < 0  # a provider that misbehaves still
        patience_s = max(_PATIENCE_S, _PATIENCE_LEASES * self.plan.lease_s)
        if is_going_on or since_s > patience_s or not scene.is_ours:
            return True
        if hurt.back_at is None:
            return False
        victims = hurt.victims or []
        values = {
            "back_at": hurt.back_at,
            "ids": [claim.task_id for claim in victims],
            "numbers": [claim.number for claim in victims],
        }
        with suppress(*LOST):
            row = scene.connection.execute(_RECOVERED, values).fetchone()
            return bool(row and row["is_so"])
        return False

    def _goes_on(self, seconds: float, possible: Sequence[Fault]) -> bool:
        """Whether there is time left, or on a slow machine a fault not done yet."""
        done = {one.fault.name for one in self._injected}
        is_done = {fault.name for fault in possible} <= done
        longest_s = self.plan.seconds * (1 if is_done else _LONGEST_TIMES)
        return seconds < longest_s

    def _go_on(self, scene: Scene, load: Loading, seconds: float) -> None:
        """Let time pass; submit, and look who is back."""
        until = time.monotonic() + seconds
        while True:
            load.top_up(scene, self.plan.backlog)
            self._look(scene)
            self._tell(scene)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(left_s, _POLL_S))

    def _look(self, scene: Scene) -> None:
        for one in self._injected:
            one.hurt.look(scene)

    def _inject(self, scene: Scene, load: Loading, fault: Fault) -> None:
        starts = self._database_starts()
        hurt = fault.inject(scene)
        if hurt is None:
            self._say(load, f"{fault.name}: nobody was there to be hurt")
            return
        self._injected.append(Injected(fault, hurt))
        self._say(load, fault.name)
        if fault.name == FILL_DISK:
            self._starts = max(self._starts, self._database_starts() - starts)

    def _database_starts(self) -> int:
        """How often the supervisor has seen the database end."""
        with suppress(OSError):
            lines = self._staging.log.read_text(errors="replace").splitlines()
            return sum("supervisor.ended" in one and "postgres" in one for one in lines)
        return 0

    def _await_workers(self, scene: Scene) -> None:
        gives_up_at = time.monotonic() + _START_TIMEOUT_S

        def there(connection: Db) -> int:
            row = connection.execute(
                "select count(*) as n from workers where kind = 'worker'"
            ).fetchone()
            return int(row["n"]) if row else 0

        while time.monotonic() < gives_up_at and scene.again(there) < self.plan.workers:
            time.sleep(_POLL_S)

    def _settle(self, scene: Scene, load: Load) -> dict[str, int]:
        """Wait until all has ended; retry what has failed for a reason that passed."""
        self._say(load, "no more faults; waiting for the rest to end")
        asked_again: Tally[str] = Tally()
        for _ in range(_RETRIES + 1):
            self._await_end(scene, load)
            told = scene.again(lambda c: c.execute(_TOLD).fetchall())
            for row in told:
                with suppress(PrsnlError):  # its parent has taken it along
                    control.retry(scene.connection, row["id"], owner=row["owner"])
                    asked_again[row["error_code"]] += 1
            if not told:
                break
        return dict(asked_again)

    def _await_end(self, scene: Scene, load: Load) -> None:
        gives_up_at = time.monotonic() + self.plan.settle_s
        while time.monotonic() < gives_up_at:
            with suppress(PrsnlError):
                load.finish(scene)
            self._look(scene)
            self._tell(scene)
            row = scene.again(lambda c: c.execute(_OPEN).fetchone())
            if row is not None and not row["open"] and not load.waiting:
                return
            time.sleep(_POLL_S)

    def _tell(self, scene: Scene) -> None:
        """Now and then, how far it is."""
        if time.monotonic() - self._told_s < _TELL_EVERY_S:
            return
        self._told_s = time.monotonic()
        with suppress(*LOST):
            row = scene.connection.execute(_OPEN).fetchone()
            if row is not None:
                self.say(f"{self._clock()}  {row['done']} done, {row['open']} open")

    def _say(self, load: Loading, what: str) -> None:
        self.say(f"{self._clock()}  {len(load.ids):5} submitted   {what}")

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began_s)
        return f"{seconds // 60:2}:{seconds % 60:02}"


def _in_turn(faults: Sequence[Fault], random: Random) -> Iterator[Fault]:
    """Every kind once before any comes again."""
    while True:
        yield from random.sample(faults, len(faults))
