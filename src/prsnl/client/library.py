"""The client's calls for the library, and for what became of many tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel

from prsnl.client.connection import Connection, parsed
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items.editing import ItemChanges
from prsnl.items.egress import Receipt
from prsnl.items.listing import ItemQuery
from prsnl.items.models import ItemView
from prsnl.wire.base import Page
from prsnl.wire.library import (
    Bulk,
    Emptied,
    NewNote,
    NoteKept,
    TagBody,
    TagChanged,
)
from prsnl.wire.monitoring import (
    DeadLetterGroup,
    DeadLetters,
    Performance,
    QueueBody,
    Requeue,
)
from prsnl.wire.tasks import Accepted
from prsnl.wire.taxonomy import TaxonomyBody
from prsnl.work.queues import Queue

B = TypeVar("B", bound=BaseModel)


class LibraryCalls(Connection):
    """What a program may do with items, tags, the trash, queues and dead letters."""

    def note(self, note: NewNote, *, idempotency_key: str | None = None) -> NoteKept:
        """Keep a text; with a key it is safe to send it once more."""
        return self._told(
            NoteKept,
            "POST",
            "/api/items",
            json=_json(note),
            headers=_keyed(idempotency_key),
        )

    def items(self, query: ItemQuery | None = None) -> Iterator[ItemView]:
        """The items that fit, in the query's order; asks for a page when it is due."""
        asked = query or ItemQuery()
        while True:
            page = self._told(Page[ItemView], "GET", "/api/items", params=_json(asked))
            yield from page.items
            if page.next is None:
                return
            asked = asked.model_copy(update={"before": page.next})

    def change_item(self, item_id: UUID | str, changes: ItemChanges) -> ItemView:
        """Set title, tags, dates; no later analysis overwrites them."""
        return self._told(
            ItemView, "PATCH", f"/api/items/{item_id}", json=_json(changes)
        )

    def trash(self, item_id: UUID | str) -> ItemView:
        """Move an item to the trash."""
        return self._told(ItemView, "DELETE", f"/api/items/{item_id}")

    def restore(self, item_id: UUID | str) -> ItemView:
        """Take an item out of the trash."""
        return self._told(ItemView, "POST", f"/api/items/{item_id}/restore")

    def delete(self, item_id: UUID | str) -> Emptied:
        """Remove an item that is in the trash, for good."""
        return self._told(Emptied, "DELETE", f"/api/trash/{item_id}")

    def empty_trash(self) -> int:
        """Remove all that is in the trash, for good; tell how many items went."""
        count = 0
        while True:
            done = self._told(Emptied, "DELETE", "/api/trash")
            count += done.deleted
            if not (done.left and done.deleted):
                return count

    def egress(self, item_id: UUID | str) -> Receipt:
        """Which hosts got bytes of an item."""
        return self._told(Receipt, "GET", f"/api/items/{item_id}/egress")

    def bulk(self, wanted: Bulk, *, idempotency_key: str | None = None) -> Accepted:
        """Have one thing done to many items; the task's result is a `BulkDone`."""
        return self._told(
            Accepted,
            "POST",
            "/api/items/bulk",
            json=_json(wanted),
            headers=_keyed(idempotency_key),
        )

    def tags(self, *, has: str | None = None) -> Iterator[TagBody]:
        """The tags by name, each with the number of its items; *has*: with it in."""
        wanted = {} if has is None else {"has": has}
        params = dict(wanted)
        while True:
            page = self._told(Page[TagBody], "GET", "/api/tags", params=params)
            yield from page.items
            if page.next is None:
                return
            params = {**wanted, "after": page.next}

    def rename_tag(self, name: str, new: str) -> TagChanged:
        """Rename a tag everywhere."""
        return self._told(TagChanged, "PATCH", _tag(name), json={"name": new})

    def delete_tag(self, name: str) -> TagChanged:
        """Take a tag from every item."""
        return self._told(TagChanged, "DELETE", _tag(name))

    def taxonomy(self, *, default: bool = False) -> TaxonomyBody:
        """What one's documents are sorted by; *default*: by who has set nothing."""
        params = {"default": default}
        return parsed(TaxonomyBody, self._ask("GET", "/api/taxonomy", params=params))

    def set_taxonomy(self, taxonomy: Taxonomy) -> TaxonomyBody:
        """Set what one's documents are sorted by, all of it."""
        answer = self._ask("PUT", "/api/taxonomy", json=_json(taxonomy))
        return parsed(TaxonomyBody, answer)

    def queues(self) -> list[QueueBody]:
        """Every queue: what waits, and who works on it."""
        return self._told(Page[QueueBody], "GET", "/api/queues").items

    def pause_queue(self, queue: Queue | str) -> QueueBody:
        """Begin none of a queue's tasks, whoever's; needs `admin`."""
        return self._told(QueueBody, "POST", f"/api/queues/{queue}/pause")

    def resume_queue(self, queue: Queue | str) -> QueueBody:
        """Let a paused queue go on; needs `admin`."""
        return self._told(QueueBody, "POST", f"/api/queues/{queue}/resume")

    def performance(self, *, hours: int = 24) -> Performance:
        """How the tasks of the last hours went."""
        return self._told(
            Performance,
            "GET",
            "/api/background/performance/overview",
            params={"hours": hours},
        )

    def dead_letters(
        self,
        *,
        code: str | None = None,
        fingerprint: str | None = None,
        resolved: bool = False,
        before: str | None = None,
        limit: int = 50,
    ) -> DeadLetters:
        """What failed for good: by cause, and one page of it one by one.

        Args:
            code: With this error code.
            fingerprint: Of this family.
            resolved: Families that are resolved, too.
            before: `next` of the page before.
            limit: Tasks on a page.
        """
        wanted = {
            "code": code,
            "fingerprint": fingerprint,
            "resolved": resolved,
            "before": before,
            "limit": limit,
        }
        return self._told(
            DeadLetters,
            "GET",
            "/api/background/dead-letters",
            params={name: value for name, value in wanted.items() if value is not None},
        )

    def requeue(
        self, wanted: Requeue, *, idempotency_key: str | None = None
    ) -> Accepted:
        """Have dead letters queued again; the task's result is a `Requeued`."""
        return self._told(
            Accepted,
            "POST",
            "/api/background/dead-letters/requeue",
            json=_json(wanted),
            headers=_keyed(idempotency_key),
        )

    def resolve(self, fingerprint: str) -> DeadLetterGroup:
        """Count what failed by a cause so far no more."""
        return self._told(
            DeadLetterGroup,
            "POST",
            f"/api/background/dead-letters/{fingerprint}/resolve",
        )


def _json(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_unset=True)


def _keyed(idempotency_key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": idempotency_key} if idempotency_key else {}


def _tag(name: str) -> str:
    return f"/api/tags/{quote(name, safe='')}"
