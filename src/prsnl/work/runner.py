"""One hint, one claim, one end: what a worker does with a task's id.

The one place that catches every exception of a task and tells what follows from it.
"""

from __future__ import annotations

import linecache
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
import structlog

from prsnl.core.db import Database, Db, is_away
from prsnl.core.errors import Category, PrsnlError, UnavailableError
from prsnl.core.storage import Storage, is_full, no_room
from prsnl.engines.sandbox.memory import NoMemoryYet
from prsnl.work import providers, task_log
from prsnl.work.beat import Beat
from prsnl.work.claim import Claim, Ending, Fence, claim, end, turn, unsend
from prsnl.work.failures import judge
from prsnl.work.finisher import Finisher
from prsnl.work.run import Deferred, Drained, Services, TaskRun, Waits
from prsnl.work.specs import Catalogue, Result, Status
from prsnl.work.stages import Cancelled, CutOff, Lost

_A_PROVIDER: Final = "a provider"
#: What a task waits for whose child does not fit into the machine's memory now.
_MEMORY: Final = "memory"
_MEMORY_AGAIN_S: Final = 5.0
#: What comes from outside and goes by: its trace would tell of our own code alone.
_PASSING: Final = (Category.TRANSIENT, Category.PROVIDER_DOWN)

log = structlog.get_logger()


@dataclass(frozen=True)
class Finished:
    """A task that has been done, and how its claim is to end."""

    run: TaskRun
    ending: Ending
    #: By the monotonic clock.
    began_at: float
    #: The newest stage: its end may be told after the next task has begun.
    stage: str | None

    def may_end_with(self, next_id: UUID) -> bool:
        """Whether it can end in the statement that claims another task."""
        claimed = self.run.claimed
        return (
            claimed.id != next_id
            and claimed.parent_id is None
            and claimed.provider is None
            and self.ending.provider is None
        )


@dataclass(frozen=True)
class Runner:
    """Runs tasks in this process."""

    database: Database
    storage: Storage
    catalogue: Catalogue
    services: Services
    beat: Beat
    #: Tells the relay that room is free, and listeners that there is progress.
    rang: Callable[[], None]
    #: Tells listeners alone: a stage makes no room.
    told: Callable[[], None]
    waits_scale: float
    provider_probe: timedelta
    _in_hand: set[UUID] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: Multiplies the time that a task may take as a whole.
    time_scale: float = 1.0
    #: Lets the end of a claim wait for the next claim; None ends it at once.
    finisher: Finisher[Finished] | None = None

    def execute(self, task_id: UUID) -> Ending | None:
        """Claim the task and do it; nothing, if it is not to be had.

        Returns:
            How this try of it ends; None where nothing was done.
        """
        if self.beat.is_draining:
            self._leave(task_id)
            return None
        if not self._take(task_id):
            return None
        claimed_at = time.monotonic()
        claimed = None
        try:
            claimed = self._next(task_id)
        finally:
            if claimed is None:
                self._let_go(task_id)
        if claimed is None:
            return None
        run = TaskRun(
            claimed,
            self.services,
            self.database,
            self.storage,
            rang=self.rang,
            told=self.told,
        )
        with structlog.contextvars.bound_contextvars(
            **self._facts(claimed), stage=None
        ):
            log.debug(task_log.STARTED)
            ending = self._ending(run, claimed_at)
            if ending is None:
                self._let_go(task_id)
                self.rang()
            else:
                stage = structlog.contextvars.get_contextvars().get("stage")
                finished = Finished(run, ending, claimed_at, stage)
                if self.finisher is None:
                    self._end(finished)
                else:
                    self.finisher.hand(finished, self._end)
        return ending

    def _facts(self, claimed: Claim) -> dict[str, str | int]:
        """What every line of a task says, so that the lines of many hosts join."""
        return {
            "task_id": str(claimed.id),
            "attempt": claimed.claim_no,
            "task": claimed.name,
            "queue": claimed.queue,
            "owner": claimed.owner,
            "host": self.beat.worker.host,
        }

    def _tell_end(self, finished: Finished, status: Status) -> None:
        log.info(
            task_log.ENDED,
            status=str(status),
            seconds=round(time.monotonic() - finished.began_at, 3),
            stage=finished.stage,
            **self._facts(finished.run.claimed),
        )

    def _leave(self, task_id: UUID) -> None:
        """Have the hint sent to somebody else at once."""
        try:
            self.database.run(partial(unsend, task_ids=[task_id]), patience_s=1)
        except UnavailableError:
            log.warning("task.hint_left", task_id=str(task_id))
        self.rang()

    def _take(self, task_id: UUID) -> bool:
        """Tell whether nobody else in this process has the task in hand.

        A claim whose answer was lost is known by its worker: a second delivery to
        another thread would take the first one's claim for its own.
        """
        with self._lock:
            is_ours = task_id not in self._in_hand
            self._in_hand.add(task_id)
            return is_ours

    def _let_go(self, task_id: UUID) -> None:
        with self._lock:
            self._in_hand.discard(task_id)

    def _next(self, task_id: UUID) -> Claim | None:
        """Claim a task; what waits for its end goes with it, or before it."""
        before = None if self.finisher is None else self.finisher.take()
        if before is None:
            return self._claim(task_id)
        if before.may_end_with(task_id):
            return self._turn(before, task_id)
        self._end(before)
        return self._claim(task_id)

    def _turn(self, before: Finished, task_id: UUID) -> Claim | None:
        tries = 0

        def work(connection: Db) -> tuple[bool, Claim | None]:
            nonlocal tries
            tries += 1
            return turn(
                connection,
                before.run.claimed,
                before.ending,
                task_id,
                worker_id=self.beat.worker.id,
                lease=self.beat.lease,
            )

        has_ended, claimed = False, None
        try:
            has_ended, claimed = self.database.run(work)
        except UnavailableError:
            # The hint is sent again; see `_end` and `_claim`.
            log.warning("task.turn_failed", task_id=str(task_id))
            self._let_go(before.run.task_id)
            self.beat.cut_off(before.run.claimed)
            return None
        except (PrsnlError, psycopg.Error):
            log.warning("task.turn_refused", task_id=str(task_id))
            tries += 1  # each alone tells what was wrong
        if has_ended:
            self._let_go(before.run.task_id)
            self.rang()
            self._tell_end(before, before.ending.status)
        else:
            self._end(before)
        if claimed is None and tries > 1:
            claimed = self._claim(task_id, is_again=True)
        return claimed

    def _claim(self, task_id: UUID, *, is_again: bool = False) -> Claim | None:
        tries = iter((is_again,))

        def work(connection: Db) -> Claim | None:
            return claim(
                connection,
                task_id,
                worker_id=self.beat.worker.id,
                lease=self.beat.lease,
                is_again=next(tries, True),
            )

        try:
            return self.database.run(work)
        except UnavailableError:
            # The hint is lost, the row is not: it is sent again.
            log.warning("task.claim_failed", task_id=str(task_id))
            return None

    def _ending(self, run: TaskRun, claimed_at: float) -> Ending | None:
        try:
            result = self._do(run, claimed_at)
            run.check()
        except Waits:
            return None
        except Exception as error:  # noqa: BLE001 - the one place: see the module
            return self._ending_of(run, run.stop_reason or error)
        return Ending(
            status=Status.SUCCESS,
            step=run.progress.take(),
            message="Done",
            result=result.model_dump(mode="json"),
            warnings=tuple(run.warnings),
            peak_memory_bytes=run.peak_memory_bytes or None,
        )

    def _do(self, run: TaskRun, claimed_at: float) -> Result:
        spec, handler = self.catalogue[run.claimed.name]
        command = spec.decode(run.claimed.command)
        # Out of time once, it has twice as much: what is done by then is kept.
        limit_s = spec.time_limit_s * self.time_scale * run.room
        with self.beat.watching(run, time_limit_s=limit_s, claimed_at=claimed_at):
            return handler(run, command)

    def _ending_of(self, run: TaskRun, reason: Exception) -> Ending | None:
        step = run.progress.take()
        match reason:
            case Lost():
                log.warning("task.lost")
                if isinstance(reason, CutOff):
                    self.beat.cut_off(run.claimed)
                return None
            case Cancelled():
                return Ending(status=Status.REVOKED, step=step, message="Cancelled")
            case Drained():
                return Ending(
                    status=Status.QUEUED,
                    step=step,
                    message="Given back by a worker that leaves",
                    provider=run.claimed.provider,
                )
            case Deferred():
                return Ending(
                    status=Status.PARKED,
                    step=step,
                    message=reason.message,
                    provider=reason.provider,
                    waits_for=reason.waits_for,
                    due_in=_seconds(reason.due_in_s),
                    warnings=tuple(run.warnings),
                    peak_memory_bytes=run.peak_memory_bytes or None,
                )
            case NoMemoryYet():
                # The worker is free for what fits meanwhile, and no try is spent.
                return Ending(
                    status=Status.PARKED,
                    step=step,
                    message=reason.message,
                    waits_for=_MEMORY,
                    due_in=_seconds(_MEMORY_AGAIN_S),
                    warnings=tuple(run.warnings),
                    peak_memory_bytes=run.peak_memory_bytes or None,
                )
            case PrsnlError():
                error = reason
            case OSError() if is_full(reason):
                error = no_room()
            case _ if is_away(reason):
                error = UnavailableError(
                    "The database did not answer. The task is tried again."
                )
            case _:
                error = PrsnlError(
                    f"A defect in this program ({type(reason).__name__}): please "
                    "report it with the task's id."
                )
        trace = _trace(reason)
        _tell(error, reason, trace)
        return self._verdict(run, error, trace)

    def _verdict(self, run: TaskRun, error: PrsnlError, trace: str) -> Ending:
        waits_s: tuple[float, ...] = ()
        if run.claimed.name in self.catalogue.handlers:
            waits_s = self.catalogue[run.claimed.name][0].retry_waits_s
        verdict = judge(
            error,
            retries=run.claimed.retries,
            crashes=0 if run.progress.has_committed else run.claimed.crashes,
            retry_waits_s=waits_s,
            waits_scale=self.waits_scale,
        )
        error.engine = _engine(error)
        provider = error.provider or run.claimed.provider
        if provider is None and verdict.status is Status.PARKED:
            provider = _A_PROVIDER  # without a name it would never be woken
        return Ending(
            status=verdict.status,
            step=run.progress.take(),
            message=error.message,
            due_in=_seconds(verdict.due_in_s),
            retries=verdict.retries,
            crashes=verdict.crashes,
            error=error,
            stage=run.progress.stage,
            retries_of=verdict.retries_of,
            provider=provider,
            warnings=tuple(run.warnings),
            traceback=trace,
            peak_memory_bytes=run.peak_memory_bytes or None,
        )

    def _end(self, finished: Finished) -> None:
        run, ending = finished.run, finished.ending
        try:
            try:
                status = self._write(run, ending)
            except UnavailableError:
                raise
            except PrsnlError as error:
                # The row refused what the task made; it takes plain words.
                status = self._write(run, self._verdict(run, error, trace=""))
            if status is not None:
                self._tell_end(finished, status)
        except UnavailableError:
            # It is given back and done again; its stages are kept.
            log.warning("task.end_failed", wanted=str(ending.status))
            self.beat.cut_off(run.claimed)
        except Exception:
            log.exception("task.end_refused", wanted=str(ending.status))
        finally:
            self._let_go(run.task_id)
            self.rang()

    def _write(self, run: TaskRun, ending: Ending) -> Status | None:
        """End a claim; tell how it has ended, None where it was no longer ours."""
        fence = self.database.run(partial(self._end_one, run, ending))
        if fence is Fence.CANCELLED:
            revoked = Ending(
                status=Status.REVOKED, step=ending.step, message="Cancelled"
            )
            fence = self.database.run(partial(end, claimed=run.claimed, ending=revoked))
            ending = revoked
        if fence is Fence.LOST:
            log.warning("task.fenced_out", wanted=str(ending.status))
            return None
        return ending.status

    def _end_one(self, run: TaskRun, ending: Ending, connection: Db) -> Fence:
        claimed = run.claimed
        if ending.provider is None and claimed.provider is None:
            return end(connection, claimed, ending)
        # What a provider did is told with the ending, or not at all: a worker that
        # lost its task knows nothing new.
        with connection.transaction():
            fence = end(connection, claimed, ending)
            if fence is Fence.HELD:
                self._tell_provider(run, ending, connection)
        return fence

    def _tell_provider(self, run: TaskRun, ending: Ending, connection: Db) -> None:
        asked = run.claimed.provider
        if ending.error is not None and ending.status is Status.PARKED:
            assert ending.provider is not None, "a parked task names its provider"
            providers.went_away(
                connection,
                ending.provider,
                ending.message,
                first_wait=self.provider_probe,
            )
        elif ending.status is Status.SUCCESS and asked and asked not in run.answered:
            providers.answered(connection, asked)


def _seconds(wait_s: float | None) -> timedelta | None:
    return None if wait_s is None else timedelta(seconds=wait_s)


def _engine(error: BaseException) -> str | None:
    """What was at work where an error began; one that is told anew names its cause."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, PrsnlError) and link.engine is not None:
            return link.engine
        link = link.__cause__ or link.__context__
    return None


def _tell(error: PrsnlError, reason: Exception, trace: str) -> None:
    """Log a try that failed: what is known of is one line, a defect has its trace."""
    if error.category is Category.PERMANENT:
        log.info("task.failed", code=error.code)
    elif error.category in _PASSING:
        cause = " from ".join(_kind(link) for link in _links(reason))
        log.warning(
            "task.failed", code=error.code, provider=error.provider, cause=cause
        )
    else:
        log.warning("task.failed", code=error.code, trace=trace)


def _trace(error: BaseException) -> str:
    """Where it happened, without what foreign errors say: they quote documents."""
    told = "from\n".join(
        "".join(traceback.format_tb(link.__traceback__)) + f"{_kind(link)}\n"
        for link in _links(error)
    )
    # Else the source of every module that was ever in a trace stays in memory.
    linecache.clearcache()
    return told


def _links(error: BaseException) -> Iterator[BaseException]:
    """An error, and what led to it."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _kind(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{kind}: {error.message}" if isinstance(error, PrsnlError) else kind
