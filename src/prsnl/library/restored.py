"""PUT /api/items/{id}/restored."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from fastapi import APIRouter

from prsnl.items import restoring
from prsnl.items.models import ItemView
from prsnl.items.restoring import RestoredItem
from prsnl.web.dependencies import Caller, Parts

router = APIRouter(prefix="/api/items", tags=["Library"])


@router.put("/{item_id}/restored")
def restored(item_id: UUID, was: RestoredItem, parts: Parts, owner: Caller) -> ItemView:
    """Set an item to what an export says of it: title, tags, dates, edits."""
    return parts.database.run(
        partial(restoring.restore, item_id=item_id, was=was, owner=owner)
    )
