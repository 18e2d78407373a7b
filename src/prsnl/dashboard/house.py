"""GET /doctor, /settings, /keys, /tags: this installation, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from prsnl.access import keys, sessions
from prsnl.core.db import Db
from prsnl.core.settings.shown import Shown, shown
from prsnl.core.texts import StorableText, Tag
from prsnl.dashboard import checking, codes
from prsnl.dashboard.framing import framed
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.store import listed_items
from prsnl.items import editing
from prsnl.items.listing import ItemQuery, find
from prsnl.monitoring import engine_endpoints
from prsnl.monitoring.endpoints import show_health
from prsnl.monitoring.engine_endpoints import Engines, Known
from prsnl.monitoring.queues import queues
from prsnl.web.dependencies import Caller, Parts, Shared, Visitor
from prsnl.web.identity import Identity
from prsnl.webhooks import store
from prsnl.wire.access import LinkBody, MadeKey, Scope
from prsnl.wire.webhooks import MadeWebhook

#: More than anybody reads; the API lists the rest.
_MOST: Final = 200

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/doctor")
def show_doctor(
    request: Request, parts: Parts, owner: Caller, known: Known
) -> Response:
    """How every part is, and all of it as text to copy."""
    health = show_health(parts)
    engines = engine_endpoints.engines(request, parts, owner, known)
    free_bytes = parts.storage.free_bytes()

    def read(connection: Db) -> dict[str, Any]:
        found = checking.checks(
            health,
            queues(connection),
            engines,
            free_bytes=free_bytes,
            floor_bytes=parts.limits.free_disk_floor_bytes,
        )
        return {"checks": found, "report": checking.report(found)}

    return framed(parts, "doctor", owner, read, health=health)


@dataclass(frozen=True)
class Concern:
    """Settings that are told together."""

    title: str
    settings: list[Shown]


@router.get("/settings")
def show_settings(parts: Parts, owner: Caller, who: Visitor, known: Known) -> Response:
    """The settings in force, and the addresses that are told when work ends."""
    return settings_page(parts, owner, who, known)


def settings_page(
    parts: Shared,
    owner: str,
    who: Identity,
    known: Engines,
    *,
    made: MadeWebhook | None = None,
) -> Response:
    """The page of settings; secrets and folders of the server only as set or not."""
    is_admin = Scope.ADMIN in who.scopes
    every = list(shown(known.settings.now(), has_paths=False)) if is_admin else []
    grouped = groupby(every, key=lambda one: one.concern)
    return framed(
        parts,
        "settings",
        owner,
        lambda connection: {"webhooks": store.webhooks(connection, owner=owner)},
        given=[one for one in every if one.origin is not None],
        concerns=[Concern(title.rstrip("."), list(group)) for title, group in grouped],
        is_admin=is_admin,
        made=made,
    )


@router.get("/keys")
def show_keys(parts: Parts, owner: Caller, who: Visitor) -> Response:
    """The keys, and the caller's signed-in browsers."""
    return keys_page(parts, owner, who)


def keys_page(
    parts: Shared,
    owner: str,
    who: Identity,
    *,
    made: MadeKey | None = None,
    link: LinkBody | None = None,
) -> Response:
    """The page of keys; what was just made is told on it this once."""
    is_admin = Scope.ADMIN in who.scopes

    def read(connection: Db) -> dict[str, Any]:
        return {
            "keys": keys.listed(connection, before=None, limit=_MOST)
            if is_admin
            else [],
            "browsers": sessions.listed(connection, who, before=None, limit=_MOST),
        }

    return framed(
        parts,
        "keys",
        owner,
        read,
        is_admin=is_admin,
        own_key=who.key_id,
        made=made,
        link=link,
        code=codes.drawn(link.phone_url) if link and link.phone_url else None,
        days=parts.access.session_days,
    )


@router.get("/tags")
def show_tags(
    *,
    parts: Parts,
    owner: Caller,
    tag: Annotated[Tag | None, Query()] = None,
    after: Annotated[StorableText | None, Query(max_length=100)] = None,
    has: Annotated[StorableText, Query(max_length=100)] = "",
    before: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The tags with how many items each has, or the items of one."""
    wanted = has.strip()

    def read(connection: Db) -> dict[str, Any]:
        if tag is None:
            found = editing.tags(
                connection, owner=owner, after=after, limit=_MOST, has=wanted or None
            )
            return {
                "tags": found,
                "next": found[-1]["name"] if len(found) == _MOST else None,
                "entries": [],
            }
        query = ItemQuery(tag=[tag], before=before)
        items, following = find(connection, query, owner=owner)
        entries = listed_items(connection, items, owner=owner, history=parts.history)
        return {"tags": [], "next": following, "entries": entries}

    return framed(parts, "tags", owner, read, tag=tag, has=wanted, after=after)
