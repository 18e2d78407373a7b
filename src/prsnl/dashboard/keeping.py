"""POST /searches: a search that is kept, or a kept one or a list that is forgotten."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from prsnl.core.db import Db
from prsnl.dashboard.forms import checked, fields, see
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.searching import Asked, Asking
from prsnl.search import collections
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.search import NewCollection

router = APIRouter(prefix="/searches", route_class=PageRoute, include_in_schema=False)


@router.post("")
async def keep_search(request: Request, parts: Parts, owner: Caller) -> Response:
    """Keep a search under a name, and show what it finds."""
    given = await fields(request)
    name = given.pop("name", "").strip()
    asked = Asked.of(checked(Asking, given))
    search: dict[str, Any] = {"q": asked.q, **asked.narrowing()}
    wanted = checked(NewCollection, {"name": name, "search": search})

    def work(connection: Db) -> None:
        collections.keep(connection, wanted, owner=owner)

    await run_in_threadpool(parts.database.run, work)
    return see(asked.href())


@router.post("/forget")
async def forget(request: Request, parts: Parts, owner: Caller) -> Response:
    """Forget a kept search or a list; the items stay."""
    name = (await fields(request)).get("name", "")

    def work(connection: Db) -> None:
        collections.forget(connection, name, owner=owner)

    await run_in_threadpool(parts.database.run, work)
    return see("/search")
