"""GET /api/attachments/{id}/insights."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from fastapi import APIRouter

from prsnl.items import learned
from prsnl.items.models import LearnedView
from prsnl.web.dependencies import Caller, Parts

router = APIRouter(prefix="/api/attachments", tags=["Library"])


@router.get("/{attachment_id}/insights")
def insights(attachment_id: UUID, parts: Parts, owner: Caller) -> LearnedView:
    """Type, key sentences and facts of a file, each fact with its place."""
    return parts.database.run(
        partial(learned.learned, attachment_id=attachment_id, owner=owner)
    )
