"""One action for many items, as a task that can be watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.errors import TooManyTasksError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import Value
from prsnl.items import editing, listing, store
from prsnl.library.intake import process
from prsnl.library.trash import purge
from prsnl.wire.library import (
    MOST_AT_ONCE,
    Action,
    Bulk,
    BulkDone,
    BulkResult,
    Outcome,
)
from prsnl.work import caps
from prsnl.work.queues import Queue
from prsnl.work.run import Deferred, TaskRun
from prsnl.work.specs import TaskSpec
from prsnl.work.stages import Stage

#: Items that change in one transaction.
_BATCH: Final = 50

#: Why an item that is there stays as it is.
_UNCHANGED: Final = {
    Action.TRASH: "It is in the trash already.",
    Action.RESTORE: "It is not in the trash.",
    Action.DELETE: "It is not in the trash: move it there first.",
    Action.TAG: "It could not be tagged.",
    Action.UNTAG: "It does not have this tag.",
    Action.REPROCESS: "It has no file.",
}

#: On the queue whose workers mostly wait: a person looks at it.
BULK_ITEMS: Final = TaskSpec(
    name="bulk_items_task",
    queue=Queue.AI_PROCESSING,
    command=Bulk,
    result=BulkDone,
    priority=5,
)


class Picked(Value):
    """The items that fitted when the task began."""

    ids: tuple[UUID, ...]
    #: So many change together.
    at_once: int = _BATCH


class Changed(Value):
    """What became of a batch of items."""

    results: tuple[BulkResult, ...]


PICK: Final = Stage(name="pick", version=1, result=Picked, title="Finding the items")
CHANGE: Final = Stage(
    name="change", version=1, result=Changed, title="Changing the items"
)


@dataclass(frozen=True)
class BulkWorker:
    """Does `bulk_items_task`."""

    database: Database
    storage: Storage

    def do(self, run: TaskRun, wanted: Bulk) -> BulkDone:
        """Do one thing to many items, a batch at a time.

        A batch that was under way when its worker died is done again: those of its
        items that had changed already then count as unchanged.

        Raises:
            Deferred: As many tasks wait as may; what is left goes on when some ended.
        """
        picked = run.stage(
            PICK,
            inputs=[run.task_id.bytes],
            work=lambda: self._pick(wanted, run.owner),
            store=lambda _connection, _picked: None,
        )
        ids, size = picked.value.ids, picked.value.at_once
        batches = dict(
            enumerate((ids[n : n + size] for n in range(0, len(ids), size)), 1)
        )
        run.progress.expect(1 + len(batches))

        def work(units: Sequence[int]) -> Iterator[tuple[int, Changed]]:
            for unit in units:
                yield unit, self._change(run, wanted, batches[unit])

        done = run.units(
            CHANGE,
            units=list(batches),
            inputs=[picked.key],
            work=work,
            store=lambda _connection, _changed: None,
        )
        run.rang()
        results = [one for part in done.values.values() for one in part.results]
        counts = {
            outcome: sum(one.outcome is outcome for one in results)
            for outcome in Outcome
        }
        return BulkDone(
            action=wanted.action,
            done=counts[Outcome.DONE],
            unchanged=counts[Outcome.UNCHANGED],
            not_found=counts[Outcome.NOT_FOUND],
            results=results[:MOST_AT_ONCE],
        )

    def _pick(self, wanted: Bulk, owner: str) -> Picked:
        at_once = _BATCH
        if wanted.action is Action.REPROCESS:
            at_once = self.database.run(partial(caps.step, most=_BATCH))
        return Picked(ids=tuple(self._ids(wanted, owner)), at_once=at_once)

    def _ids(self, wanted: Bulk, owner: str) -> list[UUID]:
        if wanted.ids is not None:
            return list(dict.fromkeys(wanted.ids))
        assert wanted.filter is not None
        found: list[UUID] = []
        while True:
            part = self.database.run(
                partial(
                    listing.matching,
                    wanted=wanted.filter,
                    owner=owner,
                    after=found[-1] if found else None,
                    limit=MOST_AT_ONCE,
                )
            )
            found += part
            if len(part) < MOST_AT_ONCE:
                return found

    def _change(self, run: TaskRun, wanted: Bulk, ids: Sequence[UUID]) -> Changed:
        try:
            return self.database.run(
                lambda connection: _Batch(connection, self.storage, run, ids).do(wanted)
            )
        except TooManyTasksError as error:
            raise Deferred(
                "The other items wait until some tasks have ended: as many are in line "
                "as may be (PRSNL_OWNER_QUEUED_MAX, PRSNL_QUEUE_QUEUED_MAX).",
                waits_for=caps.PLACES,
                due_in_s=caps.AGAIN_S,
            ) from error


@dataclass(frozen=True)
class _Batch:
    """Some items of one owner, on one connection."""

    connection: Db
    storage: Storage
    run: TaskRun
    ids: Sequence[UUID]

    def do(self, wanted: Bulk) -> Changed:
        """Change them under the task's fence, and tell what became of each."""
        owner, tasks = self.run.owner, dict[UUID, list[UUID]]()
        rows = self.connection.execute(
            "select id from items where id = any(%s) and owner = %s",
            [list(self.ids), owner],
        ).fetchall()
        known = {row["id"] for row in rows}
        with self.connection.transaction():
            self.run.stages.fence(self.connection)
            if wanted.action is Action.REPROCESS:
                tasks = self._reprocess([one for one in self.ids if one in known])
                done = set(tasks)
            elif wanted.action is not Action.DELETE:
                done = self._edit(wanted)
        if wanted.action is Action.DELETE:
            # Bytes go after the commit that says so.
            done = set(purge(self.connection, self.storage, self.ids, owner=owner))
        return Changed(
            results=tuple(
                _result(one, wanted.action, known, done, tasks) for one in self.ids
            )
        )

    def _edit(self, wanted: Bulk) -> set[UUID]:
        owner = self.run.owner
        if wanted.action is Action.TRASH:
            return editing.trash(self.connection, self.ids, owner=owner)
        if wanted.action is Action.RESTORE:
            return editing.restore(self.connection, self.ids, owner=owner)
        assert wanted.tag is not None
        act = editing.add_tag if wanted.action is Action.TAG else editing.remove_tag
        return act(self.connection, self.ids, wanted.tag, owner=owner)

    def _reprocess(self, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        made: dict[UUID, list[UUID]] = {}
        for item_id in ids:
            item = store.item(self.connection, item_id, owner=self.run.owner)
            if item.attachments:
                made[item_id] = [
                    process(
                        self.connection,
                        self.storage,
                        file,
                        key=f"bulk {self.run.task_id} {file.id}",
                        owner=self.run.owner,
                        again=True,
                    ).task_id
                    for file in item.attachments
                ]
        return made


def _result(
    item_id: UUID,
    action: Action,
    known: set[UUID],
    done: set[UUID],
    tasks: dict[UUID, list[UUID]],
) -> BulkResult:
    if item_id not in known:
        return BulkResult(
            id=item_id, outcome=Outcome.NOT_FOUND, reason="There is no such item."
        )
    if item_id not in done:
        return BulkResult(
            id=item_id, outcome=Outcome.UNCHANGED, reason=_UNCHANGED[action]
        )
    return BulkResult(id=item_id, outcome=Outcome.DONE, task_ids=tasks.get(item_id, []))
