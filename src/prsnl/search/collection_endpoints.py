"""/api/collections."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi import Path as PathPart
from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.db import Db
from prsnl.items import store
from prsnl.items.models import ItemView
from prsnl.search import collections
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.base import Page
from prsnl.wire.search import CollectionBody, CollectionName, NewCollection

router = APIRouter(prefix="/api/collections", tags=["Search"])

Name = Annotated[CollectionName, PathPart(description="Its name, percent-encoded.")]


class ListPaging(BaseModel):
    """Which page of a list's items."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200, description="Most items in one answer.")
    after: UUID | None = Field(None, description="`next` of the page before.")


@router.get("")
def show_collections(parts: Parts, owner: Caller) -> Page[CollectionBody]:
    """The caller's named searches and lists, by name; at most 500."""
    found = parts.database.run(
        lambda connection: collections.all_of(connection, owner=owner)
    )
    return Page(items=found)


@router.post("", status_code=status.HTTP_201_CREATED)
def keep_collection(
    wanted: NewCollection, parts: Parts, owner: Caller
) -> CollectionBody:
    """Keep a search, or put items on a list; one of the name is changed."""
    return parts.database.run(
        lambda connection: collections.keep(connection, wanted, owner=owner)
    )


@router.get("/{name}")
def show_collection(name: Name, parts: Parts, owner: Caller) -> CollectionBody:
    """One collection; a search is asked with /api/search."""
    return parts.database.run(
        lambda connection: collections.one(connection, name, owner=owner)
    )


@router.get("/{name}/items")
def show_list(
    name: Name, parts: Parts, owner: Caller, paging: Annotated[ListPaging, Query()]
) -> Page[ItemView]:
    """The items of a list; a search has none of its own."""

    def work(connection: Db) -> Page[ItemView]:
        ids = collections.items_of(
            connection, name, owner=owner, after=paging.after, limit=paging.limit
        )
        known = {item.id: item for item in store.items_of(connection, ids, owner=owner)}
        is_full = len(ids) == paging.limit
        return Page(
            items=[known[one] for one in ids if one in known],
            next=str(ids[-1]) if is_full else None,
        )

    return parts.database.run(work)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
def forget_collection(name: Name, parts: Parts, owner: Caller) -> Response:
    """Forget a collection; its items stay."""
    parts.database.run(
        lambda connection: collections.forget(connection, name, owner=owner)
    )
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete("/{name}/items/{item_id}", status_code=status.HTTP_204_NO_CONTENT)
def unlist_item(name: Name, item_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Take an item from a list; the item stays."""
    parts.database.run(
        lambda connection: collections.forget(
            connection, name, owner=owner, item_id=item_id
        )
    )
    return Response(status_code=status.HTTP_204_NO_CONTENT)
