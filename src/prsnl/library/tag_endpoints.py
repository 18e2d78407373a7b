"""/api/tags."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathPart
from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.texts import StorableText, Tag
from prsnl.items import editing
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.base import Page
from prsnl.wire.library import TagBody, TagChanged, TagRename

router = APIRouter(prefix="/tags")

TagName = Annotated[Tag, PathPart(description="The tag, percent-encoded.")]


class TagPaging(BaseModel):
    """Which page of the tags."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=200, description="Most tags in one answer.")
    after: StorableText | None = Field(
        None, max_length=100, description="`next` of the page before."
    )
    has: StorableText | None = Field(
        None, max_length=100, description="Only tags that have this in them."
    )


@router.get("")
def tags(
    parts: Parts, owner: Caller, paging: Annotated[TagPaging, Query()]
) -> Page[TagBody]:
    """The caller's tags by name, each with the number of its items."""
    rows = parts.database.run(
        lambda connection: editing.tags(
            connection,
            owner=owner,
            after=paging.after,
            limit=paging.limit,
            has=paging.has,
        )
    )
    found = [TagBody(**row) for row in rows]
    is_full = len(found) == paging.limit
    return Page(items=found, next=found[-1].name if is_full else None)


# A tag may hold a slash.
@router.patch("/{name:path}")
def rename_tag(
    name: TagName, wanted: TagRename, parts: Parts, owner: Caller
) -> TagChanged:
    """Rename a tag everywhere; into one that is there already, both become one."""
    count = parts.database.run(
        partial(editing.rename_tag, old=name, new=wanted.name, owner=owner)
    )
    return TagChanged(name=wanted.name, items=count)


@router.delete("/{name:path}")
def delete_tag(name: TagName, parts: Parts, owner: Caller) -> TagChanged:
    """Take a tag from every item."""
    count = parts.database.run(partial(editing.delete_tag, tag=name, owner=owner))
    return TagChanged(name=None, items=count)
