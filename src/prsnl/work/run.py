"""What a task's function sees of the core: stages, progress, and a reason to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.storage import Storage
from prsnl.work import privacy
from prsnl.work.claim import Claim
from prsnl.work.progress import Progress
from prsnl.work.specs import Status
from prsnl.work.stages import Lost, StageStore
from prsnl.work.submit import Submission, submit

S = TypeVar("S")

_CHILDREN_STAGE = "children"


class Drained(Exception):  # noqa: N818 - a stop, not an error
    """This worker leaves: the task goes back to the queue as it is."""


class Waits(Exception):  # noqa: N818 - a stop, not an error
    """The task waits for its children; its row says so already."""


class Deferred(Exception):  # noqa: N818 - a stop, not an error
    """The task has to wait for a provider or a limit; it raises no counter.

    Attributes:
        message: What it waits for, as a sentence.
        provider: The provider that is away.
        waits_for: The limit that is used up.
        due_in_s: Not before so many seconds; None keeps its place in the line.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        waits_for: str | None = None,
        due_in_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.waits_for = waits_for
        self.due_in_s = due_in_s


@dataclass(frozen=True)
class Services:
    """What the tasks of this process are made with, by type."""

    by_type: Mapping[type[Any], Any]
    #: The setting: nothing of any task may leave this machine.
    local_only: bool = False

    def get(self, kind: type[S]) -> S:
        """The one service of a type."""
        service = self.by_type[kind]
        assert isinstance(service, kind)
        return service


@dataclass(frozen=True)
class ChildOutcome:
    """How one child of a task ended."""

    task_id: UUID
    attachment_id: UUID | None
    status: Status
    result: dict[str, Any] | None
    error_message: str | None
    error_code: str | None = None


@dataclass
class TaskRun:
    """One claim of one task, from its start to its end."""

    claimed: Claim
    services: Services
    database: Database
    storage: Storage
    #: Tells the relay that a task is due, and listeners that there is progress.
    rang: Callable[[], None]
    #: Tells listeners that there is progress.
    told: Callable[[], None]
    progress: Progress = field(default_factory=Progress)
    #: What went wrong without failing the task; shown with its result.
    warnings: list[str] = field(default_factory=list)
    peak_memory_bytes: int = 0
    #: The limits that this claim has taken from.
    asked: set[str] = field(default_factory=set)
    #: The providers that have answered it, which is told already.
    answered: set[str] = field(default_factory=set)
    _stop: Exception | None = None
    _kills: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.stages = StageStore(
            self.database,
            self.storage,
            self.claimed,
            self.progress,
            self.check,
            self.told,
        )
        #: One stage of one unit: see `StageStore.stage`.
        self.stage = self.stages.stage
        #: One stage of several units: see `StageStore.units`.
        self.units = self.stages.units

    @property
    def task_id(self) -> UUID:
        """The task's id."""
        return self.claimed.id

    @property
    def owner(self) -> str:
        """Whose task it is."""
        return self.claimed.owner

    @property
    def attempt(self) -> int:
        """The number of this claim, from 1."""
        return self.claimed.claim_no

    @property
    def local_only(self) -> bool:
        """Whether bytes of this task may not leave this machine.

        By the setting, the request, or one of the items that it is about.
        """
        claimed = self.claimed
        return (
            self.services.local_only
            or privacy.is_asked(claimed.command)
            or self.database.run(
                lambda connection: privacy.is_of_items(
                    connection,
                    privacy.ids_in(claimed.command, claimed.attachment_id),
                    owner=claimed.owner,
                )
            )
        )

    @property
    def room(self) -> int:
        """How many times the usual memory and time a child may have."""
        return 2 if self.claimed.retries else 1

    def get(self, kind: type[S]) -> S:
        """The service of a type."""
        return self.services.get(kind)

    def step(self, message: str, *, steps: int = 1) -> None:
        """Progress that nothing durable hangs on."""
        self.check()
        self.progress.advance(steps, message)
        if due := self.progress.take_if_due():
            self.stages.tell(due)

    def flush(self) -> None:
        """Write progress that waits for company; called by the beat, which never waits.

        Raises:
            UnavailableError: The database does not answer now.
        """
        if due := self.progress.take_if_due():
            self.stages.tell(due, patience_s=0)

    def check(self) -> None:
        """Raise the reason to stop, if there is one."""
        with self._lock:
            if self._stop is not None:
                raise self._stop

    @property
    def stop_reason(self) -> Exception | None:
        """Why the run is to stop; the first reason stays."""
        return self._stop

    def stop(self, reason: Exception) -> None:
        """Make the run stop: from now on `check` raises, and its children die."""
        with self._lock:
            if self._stop is not None:
                return
            self._stop = reason
            kills = list(self._kills)
        for kill in kills:
            kill()

    @contextmanager
    def killing(self, kill: Callable[[], None]) -> Iterator[None]:
        """Call *kill* if the run is stopped while the block runs."""
        with self._lock:
            if self._stop is not None:
                raise self._stop
            self._kills.append(kill)
        try:
            yield
        finally:
            with self._lock:
                self._kills.remove(kill)

    def children(
        self, wanted: Sequence[Submission], *, at_once: int
    ) -> list[ChildOutcome]:
        """Have children do the work, and go on when the last one has ended.

        The first call inserts them, puts this task to `waiting` and ends the claim;
        the claim that follows gets their outcomes. The worker is free in between.

        Args:
            wanted: The children, made with this task as `parent_id`; without any there
                is nothing to wait for.
            at_once: So many run at a time, at least one; the others are held.

        Raises:
            Waits: The children are in; the runner ends the claim.
            Cancelled: The user has cancelled this task.
        """
        assert at_once >= 1
        if not wanted:
            return []
        outcomes = self.database.run(self._outcomes)
        if outcomes is None:
            self.database.run(
                lambda connection: self._spawn(connection, wanted, at_once)
            )
            self.rang()
            raise Waits
        return outcomes

    def _outcomes(self, connection: Db) -> list[ChildOutcome] | None:
        guard = connection.execute(
            "select 1 as ok from task_stages where task_id = %s and stage = %s",
            [self.task_id, _CHILDREN_STAGE],
        ).fetchone()
        if guard is None:
            return None
        rows = connection.execute(
            "select id, attachment_id, status, result, error_message, error_code "
            "from tasks where parent_id = %s order by id",
            [self.task_id],
        ).fetchall()
        return [
            ChildOutcome(
                row["id"],
                row["attachment_id"],
                Status(row["status"]),
                row["result"],
                row["error_message"],
                row["error_code"],
            )
            for row in rows
        ]

    def _spawn(
        self, connection: Db, wanted: Sequence[Submission], at_once: int
    ) -> None:
        step = self.progress.take()
        with connection.transaction():
            row = connection.execute(
                """
                with mine as (
                    update tasks
                    set status = 'waiting', children_open = %(count)s, seq = seq + 1,
                        children_at_once = %(at_once)s,
                        lease_until = null, updated_at = now(), crashes = 0,
                        current = greatest(current, %(current)s),
                        total = coalesce(%(total)s, total), message = %(message)s
                    where id = %(id)s and claim_no = %(claim_no)s
                      and status = 'running' and cancel_requested_at is null
                    returning *
                ), guard as (
                    insert into task_stages (task_id, stage, claim_no, checkpoint_key,
                                             milliseconds)
                    select id, %(stage)s, claim_no, '', 0 from mine
                ), log as (
                    insert into celery_task_results (
                        task_id, claim_no, task_name, queue, owner, worker_id, status,
                        queued_at, started_at, runtime_s, retry_count)
                    select id, claim_no, name, queue, owner, worker_id, status,
                           queued_at, claimed_at,
                           extract(epoch from now() - claimed_at), retries from mine
                )
                insert into task_progress (task_id, owner, seq, status, current, total,
                                           message)
                select id, owner, seq, status, current, total, message from mine
                returning task_id
                """,
                {
                    "id": self.task_id,
                    "claim_no": self.claimed.claim_no,
                    "stage": _CHILDREN_STAGE,
                    "count": len(wanted),
                    "at_once": at_once,
                    "current": step.current,
                    "total": step.total,
                    "message": f"Waits for {len(wanted)} parts",
                },
            ).fetchone()
            if row is None:
                self.stages.fence(connection)
                raise Lost
            submit(
                connection,
                [
                    _child(one, number, at_once)
                    for number, one in enumerate(wanted, start=1)
                ],
            )


def _child(one: Submission, number: int, at_once: int) -> Submission:
    return Submission(**{**vars(one), "held": number > at_once})
