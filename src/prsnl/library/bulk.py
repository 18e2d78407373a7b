"""One action for many items, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.ids import new_id
from prsnl.core.storage import Storage
from prsnl.items import editing, listing, store
from prsnl.items.models import ItemView
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

#: Why an item that is there stays as it is.
_UNCHANGED: Final = {
    Action.TRASH: "It is in the trash already.",
    Action.RESTORE: "It is not in the trash.",
    Action.DELETE: "It is not in the trash: move it there first.",
    Action.TAG: "It could not be tagged.",
    Action.UNTAG: "It does not have this tag.",
    Action.REPROCESS: "It has no file.",
}


@dataclass(frozen=True)
class BulkWork:
    """Does one bulk request of one owner."""

    connection: Db
    storage: Storage
    owner: str
    #: Stands for this request, so that a repeated one makes no second tasks.
    key: str

    @classmethod
    def of(
        cls, connection: Db, storage: Storage, owner: str, key: str | None
    ) -> BulkWork:
        """With the client's key, or one of its own."""
        return cls(connection, storage, owner, key or f"bulk {new_id()}")

    def do(self, wanted: Bulk) -> BulkDone:
        """Do it, and tell what became of each item."""
        ids, following = self._ids(wanted)
        rows = self.connection.execute(
            "select id from items where id = any(%s) and owner = %s",
            [ids, self.owner],
        ).fetchall()
        known = {row["id"] for row in rows}
        tasks: dict[UUID, list[UUID]] = {}
        if wanted.action is Action.REPROCESS:
            tasks = self._reprocess([one for one in ids if one in known])
            done = set(tasks)
        else:
            done = self._change(wanted, ids)
        results = [_result(one, wanted.action, known, done, tasks) for one in ids]
        counts = {
            outcome: sum(result.outcome is outcome for result in results)
            for outcome in Outcome
        }
        return BulkDone(
            action=wanted.action,
            done=counts[Outcome.DONE],
            unchanged=counts[Outcome.UNCHANGED],
            not_found=counts[Outcome.NOT_FOUND],
            results=results,
            next=following,
        )

    def _ids(self, wanted: Bulk) -> tuple[list[UUID], str | None]:
        if wanted.ids is not None:
            return list(dict.fromkeys(wanted.ids)), None
        assert wanted.filter is not None
        found = listing.matching(
            self.connection,
            wanted.filter,
            owner=self.owner,
            after=wanted.after,
            limit=MOST_AT_ONCE + 1,
        )
        ids = found[:MOST_AT_ONCE]
        return ids, str(ids[-1]) if len(found) > MOST_AT_ONCE else None

    def _change(self, wanted: Bulk, ids: Sequence[UUID]) -> set[UUID]:
        match wanted.action:
            case Action.TRASH:
                return editing.trash(self.connection, ids, owner=self.owner)
            case Action.RESTORE:
                return editing.restore(self.connection, ids, owner=self.owner)
            case Action.DELETE:
                return set(purge(self.connection, self.storage, ids, owner=self.owner))
        assert wanted.tag is not None
        act = editing.add_tag if wanted.action is Action.TAG else editing.remove_tag
        return act(self.connection, ids, wanted.tag, owner=self.owner)

    def _reprocess(self, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        made: dict[UUID, list[UUID]] = {}
        with self.connection.transaction():
            for item_id in ids:
                item = store.item(self.connection, item_id, owner=self.owner)
                if item.attachments:
                    made[item_id] = self._process_files(item)
        return made

    def _process_files(self, item: ItemView) -> list[UUID]:
        return [
            process(
                self.connection,
                self.storage,
                file,
                key=f"{self.key} {file.id}",
                owner=self.owner,
                again=True,
            ).task_id
            for file in item.attachments
        ]


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
