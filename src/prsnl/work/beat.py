"""The beat of a worker process: leases, cancel flags, its own row. Two threads.

One asks: every third of the lease one query renews all leases of the process; every
two seconds one reads the cancel flags. The work itself runs in sandbox children, so no
heavy code starves it. The other only looks at the clock, for a server that is stopped
or cut off answers nothing, and never refuses: when nothing has come back for 0.8 of
the lease the runs are stopped, before anybody else may take them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final
from uuid import UUID

import structlog

from prsnl.core.db import LOST, Database, Db
from prsnl.core.errors import TimeLimitError, UnavailableError
from prsnl.work.claim import Claim, Ending, end
from prsnl.work.progress import Step
from prsnl.work.reaper import give_back
from prsnl.work.run import Drained, TaskRun
from prsnl.work.specs import Status
from prsnl.work.stages import Cancelled, CutOff, Lost
from prsnl.work.task_log import TaskLog
from prsnl.work.workers import SEEN_EVERY_S, WorkerIdentity, say_gone, say_seen

_CANCEL_EVERY_S: Final = 2.0
_GIVE_UP_AT: Final = 0.8
#: Of the lease: a clock that was not looked at for so long tells of a process that
#: stood still, and not of a database that was away.
_STOOD_STILL: Final = 0.5
#: Of the lease, and seconds: the clock is looked at so often.
_CLOCK_EVERY: Final = 0.05
_CLOCK_EVERY_AT_MOST_S: Final = 1.0

RENEW: Final = """
update tasks t set lease_until = now() + %(lease)s
from unnest(%(ids)s::uuid[], %(claims)s::integer[]) as mine (id, claim_no)
where t.id = mine.id and t.claim_no = mine.claim_no and t.status = 'running'
returning t.id, t.cancel_requested_at is not null as is_cancelled
"""

LOOK: Final = """
select t.id, t.cancel_requested_at is not null as is_cancelled
from tasks t
join unnest(%(ids)s::uuid[], %(claims)s::integer[]) as mine (id, claim_no)
  on t.id = mine.id and t.claim_no = mine.claim_no
where t.status = 'running'
"""

log = structlog.get_logger()


@dataclass
class _Watched:
    run: TaskRun
    time_limit_s: float
    began_at: float
    answered_at: float


@dataclass
class Beat:
    """Watches the runs of one process."""

    database: Database
    worker: WorkerIdentity
    lease: timedelta
    #: What is wrong with this process, for those who look at its row; None if nothing.
    trouble: Callable[[], str | None] = lambda: None
    #: What the process has to say of its tasks.
    task_log: TaskLog | None = None
    #: After TERM the process has so long, all in all.
    drain_time: timedelta = timedelta(seconds=20)
    #: Ends the process, whatever its other threads do.
    leave: Callable[[], None] = lambda: os._exit(0)
    _watched: dict[UUID, _Watched] = field(default_factory=dict)
    #: Claims that could not be ended, since the database was away.
    _cut_off: SimpleQueue[Claim] = field(default_factory=SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: Wake the two threads. TERM is told of in a signal handler, wherever the main
    #: thread is, so `drain` takes no lock: to put into these is allowed anywhere.
    _asking: SimpleQueue[None] = field(default_factory=SimpleQueue)
    _watching_clock: SimpleQueue[None] = field(default_factory=SimpleQueue)
    _is_closed: bool = False
    _is_draining: bool = False
    _is_retiring: bool = False

    @contextmanager
    def watching(
        self, run: TaskRun, *, time_limit_s: float, claimed_at: float
    ) -> Iterator[None]:
        """Keep *run*'s lease while the block runs.

        Args:
            run: What is watched.
            time_limit_s: It is stopped after so long.
            claimed_at: Before the claim was sent, on the monotonic clock: the lease
                is at least as long from there.
        """
        watched = _Watched(run, time_limit_s, claimed_at, claimed_at)
        with self._lock:
            self._watched[run.task_id] = watched
            if self._is_draining:
                run.stop(Drained())
        try:
            yield
        finally:
            with self._lock:
                del self._watched[run.task_id]

    @property
    def is_draining(self) -> bool:
        """Whether the process takes no more tasks."""
        return self._is_draining or self._is_retiring

    def retire(self) -> None:
        """Take no more, and do what runs. May be called by a signal handler."""
        self._is_retiring = True
        self._asking.put(None)

    def drain(self) -> None:
        """Take no more, and give back what runs. May be called by a signal handler."""
        self._is_draining = True
        self._watching_clock.put(None)
        self._asking.put(None)

    def cut_off(self, claimed: Claim) -> None:
        """Give a claim back as soon as the database answers: its run is over."""
        self._cut_off.put(claimed)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Run the threads while the block runs; the worker's row goes at the end."""
        threads = [
            threading.Thread(target=self._ask, name="beat", daemon=True),
            threading.Thread(target=self._watch_clock, name="clock", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_closed = True
            self._asking.put(None)
            self._watching_clock.put(None)
            for thread in threads:
                thread.join(timeout=5)

    def _ask(self) -> None:
        renewed_at = seen_at = float("-inf")
        pause_s = min(_CANCEL_EVERY_S, self.lease.total_seconds() / 3)
        while not self._is_closed:
            now = time.monotonic()
            try:
                if now - seen_at >= SEEN_EVERY_S or self.is_draining:
                    self.database.run(self._say_seen, patience_s=0)
                    seen_at = now
                self._give_back()
                is_renewal = now - renewed_at >= self.lease.total_seconds() / 3
                self._write_log()
                if self._look(RENEW if is_renewal else LOOK) and is_renewal:
                    renewed_at = now
            except (*LOST, Exception) as error:  # noqa: BLE001 - see below
                # Whatever keeps us from the database, the leases run out: only the
                # clock decides then.
                log.warning("beat.failed", error=type(error).__name__)
            _pause(self._asking, pause_s)
        try:
            self._write_log()
            self.database.run(
                lambda connection: say_gone(connection, self.worker), patience_s=1
            )
        except Exception as error:  # noqa: BLE001 - the row goes stale by itself
            log.warning("beat.row_left", error=type(error).__name__)

    def _watch_clock(self) -> None:
        lease_s = self.lease.total_seconds()
        pause_s = min(_CLOCK_EVERY_AT_MOST_S, lease_s * _CLOCK_EVERY)
        drain_s = self.drain_time.total_seconds() * _GIVE_UP_AT
        drained_at: float | None = None
        looked_at = stood_until = time.monotonic()
        while not self._is_closed:
            with self._lock:
                watched = list(self._watched.values())
            now = time.monotonic()
            if now - looked_at > lease_s * _STOOD_STILL:
                stood_until = now
            looked_at = now
            for one in watched:
                if self._is_draining:
                    one.run.stop(Drained())
                elif now - one.answered_at > lease_s * _GIVE_UP_AT:
                    is_cut_off = one.answered_at > stood_until
                    one.run.stop(CutOff() if is_cut_off else Lost())
            if self._is_draining:
                drained_at = drained_at or now
                if watched and now - drained_at > drain_s:
                    self._leave_behind(watched)
                    return
            _pause(self._watching_clock, pause_s)

    def _leave_behind(self, watched: list[_Watched]) -> None:
        """Give back what does not stop by itself, and end the process."""
        log.warning("beat.left_by_force", tasks=len(watched))
        try:
            for one in watched:
                ending = Ending(
                    status=Status.QUEUED,
                    step=Step(0, None, "", is_event=True),
                    message="Given back by a worker that leaves",
                    provider=one.run.claimed.provider,
                )
                self.database.run(
                    partial(end, claimed=one.run.claimed, ending=ending), patience_s=1
                )
            self.database.run(partial(say_gone, worker=self.worker), patience_s=1)
        except UnavailableError:
            log.warning("beat.not_given_back")  # the leases run out
        self.leave()

    def _give_back(self) -> None:
        while not self._cut_off.empty():
            claimed = self._cut_off.get()
            try:
                self.database.run(partial(give_back, claimed=claimed), patience_s=0)
            except UnavailableError:
                self._cut_off.put(claimed)
                raise

    def _write_log(self) -> None:
        if self.task_log is not None and self.task_log.has_lines:
            self.database.run(self.task_log.write, patience_s=0)

    def _say_seen(self, connection: Db) -> None:
        say_seen(
            connection,
            self.worker,
            busy=len(self._watched),
            is_draining=self.is_draining,
            trouble=self.trouble(),
        )

    def _look(self, statement: str) -> bool:
        with self._lock:
            watched = list(self._watched.values())
        if not watched:
            return False
        asked_at = time.monotonic()
        rows = self.database.run(
            lambda connection: connection.execute(
                statement,
                {
                    "ids": [one.run.task_id for one in watched],
                    "claims": [one.run.attempt for one in watched],
                    "lease": self.lease,
                },
            ).fetchall(),
            patience_s=0,
        )
        mine = {row["id"]: row["is_cancelled"] for row in rows}
        for one in watched:
            if one.run.task_id not in mine:
                one.run.stop(Lost())
                continue
            if statement is RENEW:
                one.answered_at = asked_at
            if mine[one.run.task_id]:
                one.run.stop(Cancelled())
            elif asked_at - one.began_at > one.time_limit_s:
                one.run.stop(
                    TimeLimitError(
                        f"The task took longer than its {one.time_limit_s:.0f} s: "
                        "split the file, give it to a faster machine, or raise "
                        "PRSNL_TASK_TIME_SCALE."
                    )
                )
            else:
                one.run.flush()
        return True


def _pause(bell: SimpleQueue[None], seconds: float) -> None:
    with suppress(Empty):
        bell.get(timeout=seconds)
