"""As many workers as there is work for: started and drained between two bounds.

Rows say how much is due, and the machine how much it can bear. A worker that is too
many is told to take no more; it leaves when it has done what it has in hand, so nothing
is interrupted. Without an answer of the database all stays as it is.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg
import structlog

from prsnl.core.db import Db, connect
from prsnl.core.errors import StartError
from prsnl.embedded.machine import Machine
from prsnl.embedded.supervisor import ProcessSpec, State, Supervisor
from prsnl.work.demand import Demand, SeenWorker, demand
from prsnl.work.queues import Queue

_LOOK_EVERY_S: Final = 1.0
#: With nothing to do and the fewest workers there is less to see.
_LOOK_IDLE_EVERY_S: Final = 4.0
#: What a worker and the child that works for it take, in practice.
ROOM_OF_A_WORKER_BYTES: Final = 512 * 2**20
#: With less than this left the machine is about to swap.
SCARCE_BYTES: Final = 256 * 2**20
#: With more that run or wait to than this, workers beyond one a core come singly.
MOST_LOAD_PER_CORE: Final = 2.0
_SCARCE_AGAIN_S: Final = 15.0

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How many worker processes there are at least and at most."""

    least: int
    most: int

    def within(self, count: int) -> int:
        """The nearest number that is allowed."""
        return max(self.least, min(count, self.most))


def needed(seen: Demand, own: tuple[SeenWorker, ...]) -> int:
    """How many workers of ours would have work, and one in spare while any has.

    The spare one takes what comes while the others are busy for long, a voice note
    beside a film. What free workers on other hosts will take is left to them.

    Args:
        seen: What waits, and everybody who works.
        own: Those of the workers that the caller started.
    """
    others = [each for each in seen.workers if each not in own]
    free = sum(
        max(0, each.slots - each.busy) for each in others if not each.is_draining
    )
    busy = sum(each.busy > 0 for each in own)
    working = busy + max(0, seen.due - free)
    return working + 1 if working else 0


def goal(*, wanted: int, have: int, bounds: Bounds, machine: Machine) -> int:
    """How many there should be, as far as the machine bears them.

    Memory is the limit. One worker a core is always good, for they are nice; more than
    that, where the bounds allow it, come one a look while all cores are taken.

    Args:
        wanted: How many would have work.
        have: How many there are.
        bounds: What the user allows.
        machine: How it is now.
    """
    aim = bounds.within(wanted)
    if machine.available_bytes < SCARCE_BYTES:
        return bounds.within(min(aim, have - 1))
    if aim <= have:
        return aim
    room = machine.available_bytes // ROOM_OF_A_WORKER_BYTES
    if machine.load_per_core > MOST_LOAD_PER_CORE:
        room = min(room, max(1, machine.cores - have))
    return bounds.within(min(aim, have + room))


@dataclass
class Rows:
    """Reads the demand for some queues, on a connection that is kept."""

    database_url: str
    queues: Sequence[Queue]
    most: int
    _connection: Db | None = None

    def look(self) -> Demand:
        """Look once.

        Raises:
            psycopg.Error: The database does not answer; the next look tries again.
        """
        try:
            self._connection = self._connection or connect(self.database_url)
            return demand(self._connection, self.queues, most=self.most)
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Scaler:
    """Keeps the number of one kind of worker right, by a supervisor."""

    supervisor: Supervisor
    #: Worker number N; its name is `kind-N`.
    spec: Callable[[int], ProcessSpec]
    kind: str
    bounds: Bounds
    #: What waits; raises `psycopg.Error` where the database does not answer.
    demand: Callable[[], Demand]
    machine: Callable[[], Machine]
    #: A worker too many stays for so long, should more work come.
    idle_s: float
    clock: Callable[[], float] = time.monotonic
    host: str = field(default_factory=socket.gethostname)
    _too_many_since_s: float | None = None
    _shrank_at_s: float = float("-inf")
    _is_blind: bool = False

    def run(self, stop: threading.Event) -> None:
        """Look each second, less often while there is no work, until *stop* is set."""
        pause_s = _LOOK_EVERY_S
        while not stop.wait(pause_s):
            pause_s = _LOOK_EVERY_S if self.turn() else _LOOK_IDLE_EVERY_S

    def turn(self) -> bool:
        """Look once, and start or drain what is to be; whether there is work."""
        try:
            seen = self.demand()
        except psycopg.Error as error:
            if not self._is_blind:
                log.warning("scaler.blind", error=type(error).__name__)
            self._is_blind = True
            self._too_many_since_s = None
            return False
        self._is_blind = False
        pids = self._pids()
        own = tuple(
            each
            for each in seen.workers
            if each.host == self.host and each.pid in pids.values()
        )
        machine = self.machine()
        wanted = needed(seen, own)
        aim = goal(
            wanted=wanted,
            have=len(pids),
            bounds=self.bounds,
            machine=machine,
        )
        if aim >= len(pids):
            self._too_many_since_s = None
            self._grow(aim - len(pids), due=seen.due)
        elif machine.available_bytes < SCARCE_BYTES:
            self._shrink_for_memory(pids, own, machine)
        else:
            self._shrink(len(pids) - aim, pids, own)
        return wanted > 0

    def _pids(self) -> dict[str, int | None]:
        """The workers that take tasks, by name; one that starts anew has no pid."""
        return {
            state.name: state.pid
            for state in self.supervisor.states()
            if self._is_ours(state.name) and state.state is not State.RETIRING
        }

    def _is_ours(self, name: str) -> bool:
        return name.rpartition("-")[0] == self.kind

    def _grow(self, count: int, *, due: int) -> None:
        """Start so many; those that still finish what they have count as there."""
        taken = {state.name for state in self.supervisor.states()}
        there = sum(self._is_ours(name) for name in taken)
        count = min(count, self.bounds.most - there)
        numbers = (
            n for n in range(1, self.bounds.most + 1) if self._name(n) not in taken
        )
        for number, _ in zip(numbers, range(count), strict=False):
            try:
                self.supervisor.add(self.spec(number))
            except StartError:
                return  # everything is stopping
            log.info("scaler.started", worker=self._name(number), due=due)

    def _name(self, number: int) -> str:
        return f"{self.kind}-{number}"

    def _shrink(
        self, count: int, pids: dict[str, int | None], own: tuple[SeenWorker, ...]
    ) -> None:
        """Let so many idle ones leave, once they have been too many for a while."""
        now_s = self.clock()
        if self._too_many_since_s is None:
            self._too_many_since_s = now_s
        if now_s - self._too_many_since_s < self.idle_s:
            return
        busy = {each.pid for each in own if each.busy}
        idle = [name for name, pid in pids.items() if pid not in busy]
        for name in idle[-count:]:
            self._retire(name, why="idle")

    def _shrink_for_memory(
        self,
        pids: dict[str, int | None],
        own: tuple[SeenWorker, ...],
        machine: Machine,
    ) -> None:
        """Let one leave, an idle one if there is one; then see whether it helped."""
        now_s = self.clock()
        if now_s - self._shrank_at_s < _SCARCE_AGAIN_S:
            return
        self._shrank_at_s = now_s
        busy = {each.pid: each.busy for each in own}
        by_need = sorted(pids, key=lambda name: busy.get(pids[name] or 0, 0))
        self._retire(by_need[0], why="memory", available=machine.available_bytes)

    def _retire(self, name: str, **why: object) -> None:
        self.supervisor.retire(name)
        log.info("scaler.drained", worker=name, **why)


@contextmanager
def scaling(scaler: Scaler) -> Iterator[None]:
    """Scale in a thread while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(
        target=scaler.run, args=(stop,), name="scaler", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=_LOOK_EVERY_S)  # a database that hangs holds nobody up
