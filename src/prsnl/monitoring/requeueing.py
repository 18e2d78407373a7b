"""What failed for good, queued again: one, a family or all, as a task to be watched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.engines.contracts import Value
from prsnl.wire.monitoring import NotRequeued, Requeue, Requeued
from prsnl.work import caps, dead_letters
from prsnl.work.batches import BATCH, Batch, Picked, in_batches
from prsnl.work.dead_letters import REQUEUE_NAME, Cause, Refused
from prsnl.work.queues import Queue
from prsnl.work.run import Deferred, TaskRun
from prsnl.work.specs import TaskSpec
from prsnl.work.stages import Stage

_REFUSED_TOLD: Final = 100

#: On the queue whose workers mostly wait: a person looks at it.
REQUEUE: Final = TaskSpec(
    name=REQUEUE_NAME,
    queue=Queue.AI_PROCESSING,
    command=Requeue,
    result=Requeued,
    priority=5,
)


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
        done = in_batches(
            run,
            PICK,
            partial(self._pick, wanted, run.owner),
            QUEUE_AGAIN,
            partial(self._again, run),
        )
        refused = [one for part in done for one in part.refused]
        return Requeued(
            requeued=sum(part.requeued for part in done),
            refused=len(refused),
            not_requeued=refused[:_REFUSED_TOLD],
            left=self.database.run(partial(dead_letters.count, owner=run.owner)),
        )

    def _pick(self, wanted: Requeue, owner: str) -> Picked:
        at_once = self.database.run(partial(caps.step, most=BATCH))
        return Picked(ids=tuple(self._ids(wanted, owner)), at_once=at_once)

    def _require_places(self, run: TaskRun, batch: Batch) -> None:
        """Wait, without a worker, until a batch may wait in line."""
        full = self.database.run(
            partial(dead_letters.why_full, task_ids=batch.ids, owner=run.owner)
        )
        if full is not None:
            raise Deferred(
                f"{batch.before:,} of {batch.of:,} are queued again. The others wait "
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

    def _again(self, run: TaskRun, batch: Batch) -> Again:
        self._require_places(run, batch)

        def work(connection: Db) -> list[UUID | Refused]:
            with connection.transaction():
                run.stages.fence(connection)
            told = []
            for one in dead_letters.requeue(connection, batch.ids, owner=run.owner):
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
