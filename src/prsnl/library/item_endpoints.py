"""/api/items and /api/trash."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError
from prsnl.items import editing, egress, listing, store, taxonomies
from prsnl.items.editing import ItemChanges
from prsnl.items.egress import Receipt
from prsnl.items.listing import ItemQuery
from prsnl.items.models import ItemView
from prsnl.library import trash
from prsnl.library.bulk import BULK_ITEMS
from prsnl.library.note_intake import take_note
from prsnl.web.bodies import task_body
from prsnl.web.dependencies import Caller, Dispatch, IdempotencyKey, Parts
from prsnl.wire.base import Page
from prsnl.wire.library import MOST_AT_ONCE, Bulk, Emptied, NewNote, NoteKept
from prsnl.wire.tasks import Accepted

router = APIRouter()


@router.post(
    "/items",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": NoteKept, "description": "It is here, by its key."}},
)
def add_note(
    *,
    wanted: NewNote,
    response: Response,
    parts: Parts,
    owner: Caller,
    idempotency_key: IdempotencyKey = None,
) -> NoteKept:
    """Keep a note, and queue the analysis of what it is about."""
    kept = take_note(
        parts.database,
        parts.storage,
        wanted,
        owner=owner,
        idempotency_key=idempotency_key,
        quota_bytes=parts.limits.quota_bytes,
    )
    parts.rang()
    if not kept.is_new:
        response.status_code = status.HTTP_200_OK
    return NoteKept(
        item=kept.item,
        task=None if kept.task is None else task_body(kept.task),
        is_new=kept.is_new,
    )


@router.get("/items")
def items(
    parts: Parts, owner: Caller, query: Annotated[ItemQuery, Query()]
) -> Page[ItemView]:
    """The caller's items that fit; without a filter all that are not in the trash."""
    found, following = parts.database.run(
        lambda connection: listing.find(connection, query, owner=owner)
    )
    return Page(items=found, next=following)


@router.post("/items/bulk", status_code=status.HTTP_202_ACCEPTED)
async def bulk(wanted: Bulk, dispatch: Dispatch) -> Accepted:
    """Queue one thing to be done to many items; the task tells what became of each."""
    return await dispatch.submit(BULK_ITEMS, wanted)


@router.get("/items/{item_id}")
def show_item(item_id: UUID, parts: Parts, owner: Caller) -> ItemView:
    """One item: title, date, language, tags, key sentences, entities, files."""
    return parts.database.run(partial(store.item, item_id=item_id, owner=owner))


@router.patch("/items/{item_id}")
def change_item(
    item_id: UUID, changes: ItemChanges, parts: Parts, owner: Caller
) -> ItemView:
    """Set title, tags, dates, category by hand; no later analysis overwrites them."""

    def work(connection: Db) -> ItemView:
        known = taxonomies.known(
            connection, changes, default=parts.taxonomy, owner=owner
        )
        return editing.change(connection, item_id, known, owner=owner)

    return parts.database.run(work)


@router.delete("/items/{item_id}")
def trash_item(item_id: UUID, parts: Parts, owner: Caller) -> ItemView:
    """Move an item to the trash; after 30 days there it is gone for good."""

    def work(connection: Db) -> ItemView:
        editing.trash(connection, [item_id], owner=owner)
        return store.item(connection, item_id, owner=owner)

    return parts.database.run(work)


@router.post("/items/{item_id}/restore")
def restore_item(item_id: UUID, parts: Parts, owner: Caller) -> ItemView:
    """Take an item out of the trash; one that is not in it stays as it is."""

    def work(connection: Db) -> ItemView:
        editing.restore(connection, [item_id], owner=owner)
        return store.item(connection, item_id, owner=owner)

    return parts.database.run(work)


@router.get("/items/{item_id}/egress")
def show_egress(item_id: UUID, parts: Parts, owner: Caller) -> Receipt:
    """The receipt: which hosts got bytes of the item, how many, and for what."""
    return parts.database.run(partial(egress.receipt, item_id=item_id, owner=owner))


@router.delete("/trash")
def empty_trash(parts: Parts, owner: Caller) -> Emptied:
    """Remove what is in the trash for good, at most 500 items a request.

    Their tasks are cancelled; their bytes, texts, pictures, vectors and all that was
    kept of them go.
    """

    def work(connection: Db) -> Emptied:
        ids = trash.trashed(connection, owner=owner, limit=MOST_AT_ONCE)
        gone = trash.purge(connection, parts.storage, ids, owner=owner)
        left = trash.count(connection, owner=owner)
        return Emptied(deleted=len(gone), left=left)

    done = parts.database.run(work)
    parts.rang()
    return done


@router.delete("/trash/{item_id}")
def delete_item(item_id: UUID, parts: Parts, owner: Caller) -> Emptied:
    """Remove one item that is in the trash, for good."""

    def work(connection: Db) -> Emptied:
        if not trash.purge(connection, parts.storage, [item_id], owner=owner):
            store.item(connection, item_id, owner=owner)
            raise ConflictError(
                "This item is not in the trash: move it there first, with DELETE "
                f"/api/items/{item_id}."
            )
        return Emptied(deleted=1, left=trash.count(connection, owner=owner))

    done = parts.database.run(work)
    parts.rang()
    return done
