"""/api/search and /api/items/{id}/similar."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import HTTPConnection

from prsnl.search.service import Searcher
from prsnl.web.dependencies import Caller
from prsnl.wire.search import SearchAnswer, SearchQuery, SimilarAnswer

router = APIRouter(prefix="/api", tags=["Search"])


# `async` though it waits for nothing: see `prsnl.web.dependencies`.
async def searcher(connection: HTTPConnection) -> Searcher:
    """What this process searches with."""
    found = connection.app.state.searcher
    assert isinstance(found, Searcher)
    return found


Search = Annotated[Searcher, Depends(searcher)]


@router.get("/search")
def search(
    found: Search, owner: Caller, query: Annotated[SearchQuery, Query()]
) -> SearchAnswer:
    """The caller's pages that say it, by word and by meaning, best first."""
    return found.search(query, owner=owner)


@router.get("/items/{item_id}/similar")
def similar(
    item_id: UUID,
    found: Search,
    owner: Caller,
    limit: Annotated[int, Query(ge=1, le=50, description="Most items.")] = 10,
) -> SimilarAnswer:
    """The caller's other items that say something like this one, nearest first."""
    return found.similar(item_id, limit=limit, owner=owner)
