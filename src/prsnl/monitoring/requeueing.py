"""What failed for good, queued again: one, a family or all, as a task to be watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.engines.contracts import Value
from prsnl.wire.monitoring import NotRequeued, Requeue, Requeued
from prsnl.work import caps, dead_letters
from prsnl.work.dead_letters import REQUEUE_NAME, Cause, Refused
from prsnl.work.queues import Queue
from prsnl.work.run import Deferred, TaskRun
from prsnl.work.specs import TaskSpec
from prsnl.work.stages import Stage

#: Tasks between two commits of this one, and between two looks for a cancel.
_BATCH: Final = 50
_REFUSED_TOLD: Final = 100

#: On the queue whose workers mostly wait: a person looks at it.
REQUEUE: Final = TaskSpec(
    name=REQUEUE_NAME,
    queue=Queue.AI_PROCESSING,
    command=Requeue,
    result=Requeued,
    priority=5,
)


class Picked(Value):
    """The dead letters that fitted when the task began."""

    ids: tuple[UUID, ...]
    #: So many are queued again together.
    at_once: int = _BATCH

    @property
    def batches(self) -> dict[int, tuple[UUID, ...]]:
        """They in their order, by the number of their batch."""
        starts = range(0, len(self.ids), self.at_once)
        parts = (self.ids[start : start + self.at_once] for start in starts)
        return dict(enumerate(parts, 1))


class Again(Value):
    """What became of a batch of them."""

    requeued: int
    refused: tuple[NotRequeued, ...]


PICK: Final = Stage(
    name="pick_failed", version=1, result=Picked, title="Finding what failed"
)
QUEUE_AGAIN: Final = Stage(
    name="queue_again", version=1, result=Again, title="Queueing it again"
)


@dataclass(frozen=True)
class Requeuer:
    """Does `requeue_failed_task`."""

    database: Database

    def do(self, run: TaskRun, wanted: Requeue) -> Requeued:
        """Queue dead letters again, a batch at a time, and no more than may wait.

        A batch that was under way when its worker died is done again: those of its
        tasks that were queued already are told as refused.

        Raises:
            Deferred: As many tasks wait as may; what is left goes on when some ended.
        """
        picked = run.stage(
            PICK,
            inputs=[run.task_id.bytes],
            work=lambda: self._pick(wanted, run.owner),
            store=lambda _connection, _picked: None,
        )
        batches = picked.value.batches
        run.progress.expect(1 + len(batches))

        def work(units: Sequence[int]) -> Iterator[tuple[int, Again]]:
            for unit in units:
                self._require_places(run, picked.value, unit)
                yield unit, self._again(run, batches[unit])
                run.rang()

        done = run.units(
            QUEUE_AGAIN,
            units=list(batches),
            inputs=[picked.key],
            work=work,
            store=lambda _connection, _again: None,
        )
        run.rang()
        refused = [one for part in done.values.values() for one in part.refused]
        return Requeued(
            requeued=sum(part.requeued for part in done.values.values()),
            refused=len(refused),
            not_requeued=refused[:_REFUSED_TOLD],
            left=self.database.run(partial(dead_letters.count, owner=run.owner)),
        )

    def _pick(self, wanted: Requeue, owner: str) -> Picked:
        at_once = self.database.run(partial(caps.step, most=_BATCH))
        return Picked(ids=tuple(self._ids(wanted, owner)), at_once=at_once)

    def _require_places(self, run: TaskRun, picked: Picked, unit: int) -> None:
        """Wait, without a worker, until a batch may wait in line."""
        full = self.database.run(
            partial(
                dead_letters.why_full, task_ids=picked.batches[unit], owner=run.owner
            )
        )
        if full is not None:
            done = (unit - 1) * picked.at_once
            raise Deferred(
                f"{done:,} of {len(picked.ids):,} are queued again. The others wait "
                f"until some tasks have ended: {full}.",
                waits_for=caps.PLACES,
                due_in_s=caps.AGAIN_S,
            )

    def _ids(self, wanted: Requeue, owner: str) -> list[UUID]:
        if wanted.ids is not None:
            return list(dict.fromkeys(wanted.ids))
        cause = Cause(
            code=wanted.code,
            queue=wanted.queue,
            name=wanted.name,
            fingerprint=wanted.fingerprint,
        )
        return self.database.run(
            partial(dead_letters.of_cause, cause=cause, owner=owner)
        )

    def _again(self, run: TaskRun, ids: Sequence[UUID]) -> Again:
        def work(connection: Db) -> list[UUID | Refused]:
            with connection.transaction():
                run.stages.fence(connection)
            told = []
            for one in dead_letters.requeue(connection, ids, owner=run.owner):
                run.check()
                told.append(one)
            return told

        told = self.database.run(work)
        refused = [one for one in told if isinstance(one, Refused)]
        return Again(
            requeued=len(told) - len(refused),
            refused=tuple(
                NotRequeued(task_id=one.task_id, reason=one.reason) for one in refused
            ),
        )
