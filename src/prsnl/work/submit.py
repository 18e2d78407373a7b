"""Submit: the row and its first event in one transaction, and no word to the broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import ProgramLimitExceeded
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from prsnl.core.db import Db, Row, is_away
from prsnl.core.errors import (
    BadRequestError,
    ConflictError,
    PrsnlError,
    UnavailableError,
)
from prsnl.core.ids import new_id
from prsnl.work.specs import Command, Result, TaskSpec, command_hash

# Sorted, so that two batches never wait for one another in a circle.
INSERT: Final = """
with wanted as (
    select * from unnest(
        %(ids)s::uuid[], %(owners)s::text[], %(names)s::text[], %(queues)s::text[],
        %(priorities)s::smallint[], %(commands)s::jsonb[], %(hashes)s::bytea[],
        %(keys)s::text[], %(parents)s::uuid[], %(attachments)s::uuid[],
        %(held)s::boolean[]
    ) as w (id, owner, name, queue, priority, command, command_hash,
            idempotency_key, parent_id, attachment_id, held)
), new as (
    insert into tasks (id, owner, name, queue, priority, command, command_hash,
                       idempotency_key, parent_id, attachment_id, held)
    select * from wanted order by owner, idempotency_key, id
    on conflict do nothing
    returning id, owner
), events as (
    insert into task_progress (task_id, owner, seq, status, current, message)
    select id, owner, 0, 'queued', 0, 'Queued' from new
)
select id from new
"""

# A statement of its own: inside the INSERT's a winner that committed meanwhile
# cannot be seen. By the id: our own row, when the answer to its COMMIT was lost.
EXISTING: Final = """
select t.id, t.owner, t.idempotency_key, t.command_hash
from tasks t
join unnest(%(owners)s::text[], %(keys)s::text[]) as w (owner, key)
  on t.owner = w.owner and t.idempotency_key = w.key
union
select t.id, t.owner, t.idempotency_key, t.command_hash
from tasks t where t.id = any(%(ids)s)
"""

_LARGEST_BATCH: Final = 100
#: A second's work. Who comes on top of that would wait longer than clients do.
_MOST_WAITING: Final = 5000
_AT_ONCE: Final = 2
_PATIENCE_S: Final = 5.0
_AGAIN_AFTER_S: Final = 0.1
_FULL: Final = "More tasks come in than can be written: send this one in a moment."
_AWAY: Final = "The database does not answer: send the request again in a moment."

C = TypeVar("C", bound=Command)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One task on its way to a row."""

    id: UUID
    owner: str
    name: str
    queue: str
    priority: int
    command: dict[str, Any]
    command_hash: bytes
    idempotency_key: str | None = None
    parent_id: UUID | None = None
    attachment_id: UUID | None = None
    #: A child above the number of siblings that may run at once.
    held: bool = False


@dataclass(frozen=True)
class Submitted:
    """The task that a submission became, or was already."""

    task_id: UUID
    is_new: bool


def submission(
    spec: TaskSpec[C, R],
    command: C,
    *,
    owner: str,
    idempotency_key: str | None = None,
    parent_id: UUID | None = None,
    attachment_id: UUID | None = None,
    held: bool = False,
    priority: int | None = None,
) -> Submission:
    """Ask for *command*; the type checker sees that it fits *spec*.

    `priority` is the spec's, unless what is asked for is smaller or larger than usual.
    """
    encoded = spec.encode(command)
    return Submission(
        id=new_id(),
        owner=owner,
        name=spec.name,
        queue=spec.queue,
        priority=spec.priority if priority is None else priority,
        command=encoded,
        command_hash=command_hash(spec.name, encoded),
        idempotency_key=idempotency_key,
        parent_id=parent_id,
        attachment_id=attachment_id,
        held=held,
    )


def submit(connection: Db, wanted: Sequence[Submission]) -> list[Submitted]:
    """Insert tasks within the caller's transaction; ring after its commit.

    Raises:
        ConflictError: An idempotency key stands for another command already.
    """
    inserted = connection.execute(INSERT, _columns(wanted)).fetchall()
    missing = _missing(wanted, inserted)
    existing = (
        connection.execute(EXISTING, _keys(missing)).fetchall() if missing else []
    )
    return [_unwrap(told) for told in _settle(wanted, inserted, existing)]


def _columns(wanted: Sequence[Submission]) -> dict[str, Any]:
    return {
        "ids": [w.id for w in wanted],
        "owners": [w.owner for w in wanted],
        "names": [w.name for w in wanted],
        "queues": [str(w.queue) for w in wanted],
        "priorities": [w.priority for w in wanted],
        "commands": [Jsonb(w.command) for w in wanted],
        "hashes": [w.command_hash for w in wanted],
        "keys": [w.idempotency_key for w in wanted],
        "parents": [w.parent_id for w in wanted],
        "attachments": [w.attachment_id for w in wanted],
        "held": [w.held for w in wanted],
    }


def _missing(wanted: Sequence[Submission], inserted: list[Row]) -> list[Submission]:
    ids = {row["id"] for row in inserted}
    return [w for w in wanted if w.id not in ids]


def _keys(missing: Sequence[Submission]) -> dict[str, Any]:
    return {
        "ids": [w.id for w in missing],
        "owners": [w.owner for w in missing],
        "keys": [w.idempotency_key for w in missing],
    }


def _settle(
    wanted: Sequence[Submission], inserted: list[Row], existing: list[Row]
) -> list[Submitted | PrsnlError]:
    new = {row["id"] for row in (*inserted, *existing)}
    by_key = {(row["owner"], row["idempotency_key"]): row for row in existing}
    return [
        Submitted(w.id, is_new=True)
        if w.id in new
        else _as_existing(w, by_key.get((w.owner, w.idempotency_key)))
        for w in wanted
    ]


def _as_existing(wanted: Submission, row: Row | None) -> Submitted | PrsnlError:
    if row is None:
        return UnavailableError(
            "The task of this idempotency key was removed at this moment: send the "
            "request again."
        )
    if row["command_hash"] != wanted.command_hash:
        return ConflictError(
            f"The idempotency key {wanted.idempotency_key!r} was used for another "
            "request: send this one with a new key."
        )
    return Submitted(row["id"], is_new=False)


def _unwrap(told: Submitted | PrsnlError) -> Submitted:
    if isinstance(told, PrsnlError):
        raise told
    return told


T = TypeVar("T")
Waiter = tuple[Submission, "asyncio.Future[Submitted]"]


@dataclass
class _Queue(Generic[T]):
    waiting: list[T]
    #: How many take from it now.
    drainers: int = 0


class Submitter:
    """Submits for the API: requests that arrive together share one INSERT.

    While two INSERTs are under way the next requests gather; alone, a request waits
    for nobody. With one at a time nearly every request would wait for two: that of
    those before it, and its own. A batch that fails is submitted row by row, so that
    one bad row costs its own request only; one that lost its connection is sent once
    more as it is.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[DictRow]],
        rang: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._rang = rang
        self._queue: _Queue[Waiter] = _Queue([])
        #: The loop itself holds its tasks weakly.
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, wanted: Submission) -> Submitted:
        """Insert one task, durably, and ring.

        Raises:
            BadRequestError: The row cannot hold it, such as a text with a NUL in it.
            ConflictError: The idempotency key stands for another command already.
            UnavailableError: Too many wait, or the database does not answer; then
                the task may be in all the same, and with an idempotency key it is
                safe to send it again.
        """
        if len(self._queue.waiting) >= _MOST_WAITING:
            raise UnavailableError(_FULL, retry_after_s=1)
        answer: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        self._queue.waiting.append((wanted, answer))
        if self._queue.drainers < _AT_ONCE:
            self._queue.drainers += 1
            drainer = asyncio.create_task(self._drain())
            self._tasks.add(drainer)
            drainer.add_done_callback(self._tasks.discard)
        return await answer

    async def _drain(self) -> None:
        batch: list[Waiter] = []
        try:
            while batch := self._queue.waiting[:_LARGEST_BATCH]:
                del self._queue.waiting[: len(batch)]
                await self._insert(batch, give_up_at=time.monotonic() + _PATIENCE_S)
                self._rang()
        finally:
            # Whatever ended this: nobody waits for an answer that does not come.
            self._queue.drainers -= 1
            if self._queue.drainers == 0:
                batch += self._queue.waiting
                self._queue.waiting.clear()
            for _, answer in batch:
                _answer(answer, UnavailableError(_AWAY))

    async def _insert(self, batch: list[Waiter], *, give_up_at: float) -> None:
        told: Sequence[Submitted | Exception]
        try:
            told = await self._settled(batch, give_up_at)
        except (psycopg.Error, ValueError) as error:
            if len(batch) > 1:
                for one in batch:
                    await self._insert([one], give_up_at=give_up_at)
                return
            told = [_refusal(error)]
        for (_, answer), one_told in zip(batch, told, strict=True):
            _answer(answer, one_told)

    async def _settled(
        self, batch: list[Waiter], give_up_at: float
    ) -> Sequence[Submitted | PrsnlError]:
        while True:
            try:
                return await self._with_connection([wanted for wanted, _ in batch])
            except psycopg.Error as error:
                if not is_away(error):
                    raise
            if time.monotonic() > give_up_at:
                return [UnavailableError(_AWAY)] * len(batch)
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _with_connection(
        self, wanted: list[Submission]
    ) -> list[Submitted | PrsnlError]:
        async with self._pool.connection() as connection:
            inserted = await _rows(connection.execute, INSERT, _columns(wanted))
            missing = _missing(wanted, inserted)
            existing = (
                await _rows(connection.execute, EXISTING, _keys(missing))
                if missing
                else []
            )
            return _settle(wanted, inserted, existing)


async def _rows(
    execute: Callable[..., Awaitable[psycopg.AsyncCursor[DictRow]]],
    statement: str,
    parameters: Mapping[str, Any],
) -> list[Row]:
    return await (await execute(statement, parameters)).fetchall()


def _refusal(error: Exception) -> Exception:
    # A value error is a text that has no UTF-8 form. The server's words quote the row.
    if isinstance(error, psycopg.DataError | ProgramLimitExceeded | ValueError):
        return BadRequestError(
            "This request cannot be stored: a text holds a character that is none, or "
            "the idempotency key is too long. Correct it, then send it again."
        )
    return error


def _answer(answer: asyncio.Future[Submitted], told: Submitted | Exception) -> None:
    if answer.done():  # the client has gone; the task is in all the same
        return
    if isinstance(told, Exception):
        answer.set_exception(told)
    else:
        answer.set_result(told)
