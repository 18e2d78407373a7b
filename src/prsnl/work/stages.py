"""Stages and their checkpoints: what is done stays done, and is done once.

A stage is guarded by a row `(task, stage, unit, run)`: its effects are applied by the
one transaction whose guard is new. A checkpoint is a cache beside it, by owner and
key: a second upload of the same file, or a second claim, finds the result there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from psycopg.errors import ForeignKeyViolation
from psycopg.types.json import Jsonb
from pydantic import BaseModel
from structlog.contextvars import bind_contextvars

from prsnl.core.db import Database, Db, Row, said_without_its_text
from prsnl.core.errors import NotFoundError
from prsnl.core.storage import Storage
from prsnl.work.gathered import (
    GATHER_S,
    GATHER_UNITS,
    Gathered,
    Made,
    Part,
    StoreUnits,
)
from prsnl.work.progress import Progress, Step

if TYPE_CHECKING:
    from prsnl.work.claim import Claim

#: Larger results live in the storage, as a blob.
INLINE_BYTES: Final = 256 * 1024

FENCE: Final = """
select cancel_requested_at is not null as is_cancelled
from tasks where id = %s and claim_no = %s and status = 'running' for update
"""

GUARD: Final = """
insert into task_stages (task_id, stage, unit, run, claim_no, checkpoint_key,
                         from_checkpoint, milliseconds)
select %(task)s, u.stage, u.unit, u.run, %(claim_no)s, u.key, u.found, u.ms
from unnest(%(stages)s::text[], %(runs)s::integer[], %(units)s::integer[],
            %(keys)s::bytea[], %(found)s::boolean[], %(ms)s::double precision[])
    as u (stage, run, unit, key, found, ms)
on conflict do nothing
returning stage, run, unit
"""

_GUARDED_TASK: Final = "task_stages_task_id_fkey"

# Results go in binary: as text, every quote in their JSON is escaped one by one.
KEEP: Final = """
insert into task_checkpoints (owner, key, result, blob)
select %(owner)s, * from unnest(%(keys)s::bytea[], %(results)b::jsonb[],
                                %(blobs)s::text[]) as c (key, result, blob)
on conflict do nothing
"""

#: A commit of something new ends a row of crashes: three in a row count only with
#: nothing between. What an earlier claim has done and this one found again is nothing.
RAISE: Final = """
with mine as (
    update tasks
    set current = greatest(current, %(current)s), total = coalesce(%(total)s, total),
        message = %(message)s, seq = seq + 1, updated_at = now(),
        crashes = case when %(is_commit)s then 0 else crashes end
    where id = %(id)s and claim_no = %(claim_no)s and status = 'running'
    returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from mine where %(is_event)s
"""

R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[R]):
    """One step of a task whose result is kept."""

    name: str
    #: Raised when the code computes something else from the same input.
    version: int
    result: type[R]
    #: What the user reads while it runs: "Reading pages".
    title: str
    #: Each unit is a step of the task's progress; else the whole stage is one.
    counts_units: bool = True
    #: How many steps a unit is, by its result: seconds of sound; None: one.
    steps_of: Callable[[R], int] | None = None

    def steps(self, values: Iterable[R]) -> int:
        """How far the progress goes with these units."""
        if not self.counts_units:
            return 0
        return sum(self.steps_of(one) if self.steps_of else 1 for one in values)


@dataclass(frozen=True)
class Done(Generic[R]):
    """A finished stage; its key goes into those of the stages that build on it."""

    value: R
    key: bytes


@dataclass(frozen=True)
class DoneUnits(Generic[R]):
    """A finished stage of several units, by unit."""

    values: dict[int, R]
    key: bytes


#: Applies a stage's effects, in the transaction of its guard.
Store = Callable[[Db, R], None]


class Lost(Exception):  # noqa: N818 - a stop, not an error
    """Another claim has the task, or it has ended: stop, and write nothing."""


class CutOff(Lost):
    """The database was out of reach for so long that another may have the task."""


class Cancelled(Exception):  # noqa: N818 - a stop, not an error
    """The user has cancelled the task: stop."""


@dataclass(frozen=True)
class StageStore:
    """Commits stages of one claim under its fence."""

    database: Database
    storage: Storage
    claimed: Claim
    progress: Progress
    #: Raises when the run is to stop.
    check: Callable[[], None] = field(repr=False)
    #: Tells listeners that there is something to read.
    rang: Callable[[], None] = field(repr=False)
    _gathered: Gathered = field(default_factory=Gathered, repr=False)

    def stage(
        self,
        stage: Stage[R],
        *,
        inputs: Sequence[bytes],
        parameters: Mapping[str, Any] | None = None,
        work: Callable[[], R],
        store: Store[R],
        is_whole: Callable[[R], bool] = lambda _kept: True,
        run: int = 0,
    ) -> Done[R]:
        """Do a stage of one unit, or find it done.

        Args:
            stage: What is done.
            inputs: As for `units`, and so are all others.
            parameters: What else the result depends on.
            work: Gives the result.
            store: Applies its effects.
            is_whole: Whether what a kept result names is still there; if not, it is
                made anew.
            run: Raised only when the user asks for the stage again.
        """

        def work_on(_units: Sequence[int]) -> Iterator[tuple[int, R]]:
            yield 0, work()

        done = self.units(
            stage,
            units=(0,),
            inputs=inputs,
            parameters=parameters,
            work=work_on,
            store=lambda connection, values: store(connection, values[0]),
            is_whole=is_whole,
            run=run,
        )
        return Done(done.values[0], done.key)

    def units(
        self,
        stage: Stage[R],
        *,
        units: Sequence[int],
        inputs: Sequence[bytes],
        parameters: Mapping[str, Any] | None = None,
        work: Callable[[Sequence[int]], Iterator[tuple[int, R]]],
        store: StoreUnits[R],
        is_whole: Callable[[R], bool] = lambda _kept: True,
        run: int = 0,
        at_once: int = GATHER_UNITS,
    ) -> DoneUnits[R]:
        """Do a stage of several units; only those that are not done yet.

        Args:
            stage: What is done.
            units: Their numbers: pages, segments.
            inputs: Hashes of what goes in, and keys of the stages before.
            parameters: What else the result depends on, the model among it.
            work: Gives `(unit, result)` for each of the units it is asked for.
            store: Applies the effects of units whose guard is new.
            is_whole: Whether what a kept result names is still there.
            run: Raised only when the user asks for these units again.
            at_once: So many share a commit at most; one, where each was paid for.

        Raises:
            Lost: Another claim has the task.
            Cancelled: The user has cancelled it.
        """
        self.check()
        around, self.progress.stage = self.progress.stage, stage.name
        keys = {
            unit: self._key(stage, inputs, parameters or {}, unit, run)
            for unit in units
        }
        kept = self._find(stage, keys)
        found = {unit: value for unit, value in kept.items() if is_whole(value)}
        self._commit(
            stage,
            [Made(unit, keys[unit], value, 0.0, True) for unit, value in found.items()],
            store,
            run,
        )
        values = dict(found)
        missing = [unit for unit in units if unit not in values]
        if missing:
            bind_contextvars(stage=stage.name)  # until the next one, or the task's end
            values.update(
                self._work_through(
                    stage, work(missing), keys, store, run, at_once=at_once
                )
            )
        if not stage.counts_units:
            self._count_one(stage)
        self.progress.stage = around
        whole = hashlib.sha256(b"".join(keys[unit] for unit in units)).digest()
        return DoneUnits(
            {unit: values[unit] for unit in units if unit in values}, whole
        )

    def tell(self, step: Step, *, patience_s: float | None = None) -> None:
        """Write progress that no commit carries."""
        self.database.run(
            lambda connection: self._raise(connection, step, is_commit=False),
            patience_s=patience_s,
        )
        self.rang()

    def fence(self, connection: Db) -> None:
        """Lock the task's row for this claim, within the caller's transaction.

        Raises:
            Lost: Another claim has the task, or it has ended.
            Cancelled: The user has cancelled it.
        """
        _require_held(connection.execute(FENCE, self._fenced).fetchone())

    @property
    def _fenced(self) -> list[Any]:
        return [self.claimed.id, self.claimed.claim_no]

    def _key(
        self,
        stage: Stage[R],
        inputs: Sequence[bytes],
        parameters: Mapping[str, Any],
        unit: int,
        run: int,
    ) -> bytes:
        told = [
            self.claimed.owner,
            stage.name,
            stage.version,
            [part.hex() for part in inputs],
            parameters,
            unit,
            run,
        ]
        canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).digest()

    @contextmanager
    def gathering(self, *, wanted: bool) -> Iterator[None]:
        """Let stages that take no time share commits, for the block.

        Each keeps a guard and a checkpoint of its own, and what is reported as done is
        committed; a kill costs a quarter of a second of what was done. Within the
        block nothing that a stage has stored is there to be read.
        """
        self._gathered.is_open = wanted
        try:
            yield
        finally:
            self._gathered.is_open = False
            self._commit_gathered()

    def _count_one(self, stage: Stage[R]) -> None:
        """A stage whose units are no steps is one, once they are committed."""
        if self._gathered.is_open:
            self._gathered.add(
                Part(stage.name, 0, (), lambda _db, _none: None, 1, stage.title)
            )
        else:
            self.progress.advance(1, stage.title)

    def _find(self, stage: Stage[R], keys: Mapping[int, bytes]) -> dict[int, R]:
        if self._gathered.is_new and self.claimed.claim_no == 1:
            return {}
        rows = self.database.run(
            lambda connection: connection.execute(
                "select key, result, blob from task_checkpoints "
                "where owner = %s and key = any(%s)",
                [self.claimed.owner, list(keys.values())],
            ).fetchall()
        )
        by_key = {bytes(row["key"]): row for row in rows}
        found: dict[int, R] = {}
        for unit, key in keys.items():
            if (row := by_key.get(key)) is None:
                continue
            # Of another version, or its bytes are gone: computed anew.
            with suppress(ValueError, NotFoundError):
                found[unit] = stage.result.model_validate(self._kept(row))
        self._gathered.note_look(found=bool(found))
        return found

    def _kept(self, row: Row) -> Any:
        if row["result"] is not None:
            return row["result"]
        with self.storage.open(row["blob"]) as file:
            return json.load(file)

    def _work_through(
        self,
        stage: Stage[R],
        results: Iterator[tuple[int, R]],
        keys: Mapping[int, bytes],
        store: StoreUnits[R],
        run: int,
        *,
        at_once: int,
    ) -> dict[int, R]:
        """Commit units as they come; of an error, those that came before it too."""
        done: dict[int, R] = {}
        made: list[Made[R]] = []

        def commit() -> None:
            taken = made.copy()
            made.clear()
            self._commit(stage, taken, store, run)
            done.update((one.unit, one.value) for one in taken)

        opened_at = before = time.monotonic()
        try:
            for unit, value in results:
                now = time.monotonic()
                made.append(Made(unit, keys[unit], value, (now - before) * 1e3, False))
                before = now
                if now - opened_at >= GATHER_S or len(made) >= at_once:
                    commit()
                    self.check()
                    opened_at = before = time.monotonic()
        finally:
            try:
                commit()
            finally:
                # It may hold a sandbox child, which the next task waits for, while an
                # error that is on its way keeps it from being collected.
                if isinstance(results, Generator):
                    results.close()
        self.check()
        return done

    def _commit(
        self,
        stage: Stage[R],
        made: Sequence[Made[R]],
        store: StoreUnits[R],
        run: int,
    ) -> None:
        if not made:
            return
        steps = stage.steps(one.value for one in made)
        self._gathered.add(Part(stage.name, run, made, store, steps, stage.title))
        if self._gathered.is_due:
            self._commit_gathered()

    def _commit_gathered(self) -> None:
        parts = self._gathered.take()
        if not parts:
            return
        for part in parts:
            self.progress.advance(part.steps, part.title)
        step = self.progress.take()
        guarded = _guarded(parts)
        fresh = [one for part in parts for one in part.made if not one.is_found]
        kept = [self._encode(one.value) for one in fresh]
        is_new = False

        def work(connection: Db) -> None:
            nonlocal is_new
            # The statements go out together: a commit waits for the server three times,
            # not for each of them.
            with connection.pipeline(), connection.transaction():
                fence = connection.execute(FENCE, self._fenced)
                guard = connection.execute(
                    GUARD,
                    {
                        "task": self.claimed.id,
                        "claim_no": self.claimed.claim_no,
                        **guarded,
                    },
                )
                if kept:
                    connection.execute(
                        KEEP,
                        {
                            "owner": self.claimed.owner,
                            "keys": [one.key for one in fresh],
                            "results": [result for result, _ in kept],
                            "blobs": [blob for _, blob in kept],
                        },
                    )
                _require_held(fence.fetchone())
                new = {(r["stage"], r["run"], r["unit"]) for r in guard.fetchall()}
                is_new = is_new or bool(new)
                for part in parts:
                    _apply(connection, part, new)
                self._raise(connection, step, is_commit=bool(new))

        try:
            with said_without_its_text():
                self.database.run(work)
        except ForeignKeyViolation as error:
            # The guard was sent along with the question whether the task is there.
            if error.diag.constraint_name == _GUARDED_TASK:
                raise Lost from None
            raise
        if is_new:
            self.progress.has_committed = True
        self.rang()

    def _encode(self, value: R) -> tuple[Jsonb | None, str | None]:
        encoded = value.model_dump_json()
        if len(encoded) <= INLINE_BYTES:
            return Jsonb(encoded, dumps=str), None
        return None, self.storage.put_bytes(encoded.encode())

    def _raise(self, connection: Db, step: Step, *, is_commit: bool) -> None:
        connection.execute(
            RAISE,
            {
                "id": self.claimed.id,
                "claim_no": self.claimed.claim_no,
                "current": step.current,
                "total": step.total,
                "message": step.message,
                "is_event": step.is_event,
                "is_commit": is_commit,
            },
        )


def _require_held(row: Row | None) -> None:
    if row is None:
        raise Lost
    if row["is_cancelled"]:
        raise Cancelled


def _guarded(parts: Sequence[Part[Any]]) -> dict[str, list[Any]]:
    """What the guard says of each unit of some parts."""
    units = [(part, one) for part in parts for one in part.made]
    return {
        "stages": [part.stage for part, _ in units],
        "runs": [part.run for part, _ in units],
        "units": [one.unit for _, one in units],
        "keys": [one.key for _, one in units],
        "found": [one.is_found for _, one in units],
        "ms": [one.milliseconds for _, one in units],
    }


def _apply(
    connection: Db, part: Part[Any], new: Collection[tuple[str, int, int]]
) -> None:
    """Apply the effects of those units of a part whose guard is new."""
    effects = {
        one.unit: one.value
        for one in part.made
        if (part.stage, part.run, one.unit) in new
    }
    if effects:
        part.store(connection, effects)
