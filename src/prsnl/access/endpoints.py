"""/api/keys, /api/links, /api/sessions and /api/me; /link and /sign-out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from prsnl.access import cookies, keys, sessions
from prsnl.access.pages import POLICY, sign_in_page
from prsnl.access.reach import for_a_phone
from prsnl.core.errors import BadRequestError, PrsnlError, UnauthorizedError
from prsnl.web.dependencies import (
    Admin,
    Caller,
    Paging,
    Parts,
    Shared,
    Visitor,
    next_page,
    require_own_page,
)
from prsnl.web.errors import SIGN_IN, status_of
from prsnl.web.identity import Credential, Identity
from prsnl.web.origins import client_of, cookie_name
from prsnl.wire.access import (
    KeyBody,
    LinkBody,
    MadeKey,
    MeBody,
    Scope,
    SessionBody,
    SignedOut,
)
from prsnl.wire.base import Page

_FORM_BYTES: Final = 4096
_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]+$"
_SEE_OTHER: Final = status.HTTP_303_SEE_OTHER

router = APIRouter(prefix="/api", tags=["Access"])
page_router = APIRouter(include_in_schema=False)


class NewKey(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"owner": "ada", "name": "scanner", "scopes": ["write"]}]
        },
    )

    owner: str = Field(
        min_length=1,
        max_length=100,
        pattern=_NO_CONTROLS,
        description="Whose documents it is for; owners see nothing of one another.",
    )
    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=_NO_CONTROLS,
        description="What it is for, to know it again.",
    )
    scopes: list[Scope] = Field(
        [Scope.READ, Scope.WRITE],
        min_length=1,
        max_length=20,
        description="What it may do.",
    )
    expires_in_days: int | None = Field(
        None, ge=1, le=3650, description="It ends by itself then; null is never."
    )


@router.get("/me")
def me(who: Visitor) -> MeBody:
    """Who asks: the owner, and what the key or the session may do."""
    return MeBody(
        owner=who.owner,
        scopes=[scope for scope in Scope if scope in who.scopes],
        key_id=who.key_id,
        session_id=who.session_id,
    )


@router.get("/keys")
def list_keys(
    _who: Admin, parts: Parts, paging: Annotated[Paging, Query()]
) -> Page[KeyBody]:
    """Every owner's keys, newest first. Needs the scope `admin`."""
    found = parts.database.run(
        lambda connection: keys.listed(
            connection, before=paging.before, limit=paging.limit
        )
    )
    return Page(items=found, next=next_page([one.id for one in found], paging))


@router.post("/keys", status_code=status.HTTP_201_CREATED)
def create_key(_who: Admin, parts: Parts, new: NewKey) -> MadeKey:
    """Make a key. Its secret is in this answer, and never again. Needs `admin`."""
    wanted = keys.Wanted.of(
        owner=new.owner,
        name=new.name,
        scopes=new.scopes,
        days=new.expires_in_days,
    )
    return parts.database.run(lambda connection: keys.create(connection, wanted))


@router.delete("/keys/{key_id}")
def revoke_key(_who: Admin, parts: Parts, key_id: UUID) -> KeyBody:
    """Let a key in no more. Needs `admin`.

    Its browsers go with it, and within seconds what it has open.
    """
    revoked = parts.database.run(lambda connection: keys.revoke(connection, key_id))
    parts.keys.forget_all()
    return revoked


@router.post("/links", status_code=status.HTTP_201_CREATED)
def make_link(request: Request, who: Visitor, parts: Parts) -> LinkBody:
    """Make a one-use link that signs a browser in, with what the caller may do."""
    token = sessions.new_token()
    expires_at: datetime = parts.database.run(
        lambda connection: sessions.make_link(
            connection,
            token,
            key_id=who.key_id,
            lifetime=parts.access.link_lifetime_s,
        )
    )
    reach = for_a_phone(parts.server, request.scope["server"][1])
    return LinkBody(
        url=_link(str(request.base_url), token),
        phone_url=None if reach.url is None else _link(reach.url, token),
        unreachable_because=reach.because,
        expires_at=expires_at,
    )


@router.get("/sessions")
def list_sessions(
    _owner: Caller, who: Visitor, parts: Parts, paging: Annotated[Paging, Query()]
) -> Page[SessionBody]:
    """The caller's signed-in browsers, newest first."""
    found = parts.database.run(
        lambda connection: sessions.listed(
            connection, who, before=paging.before, limit=paging.limit
        )
    )
    return Page(items=found, next=next_page([one.id for one in found], paging))


@router.delete("/sessions")
def end_sessions(_owner: Caller, who: Visitor, parts: Parts) -> SignedOut:
    """Sign every browser of the caller out, and end its links that wait.

    What they have open ends within seconds. Keys go on.
    """
    count = parts.database.run(lambda connection: sessions.end_all(connection, who))
    parts.keys.forget_all()
    return SignedOut(sessions=count)


@router.delete("/sessions/{session_id}")
def end_session(
    _owner: Caller, who: Visitor, parts: Parts, session_id: UUID
) -> SessionBody:
    """Sign one of the caller's browsers out; what it has open ends within seconds."""
    return _ended(parts, session_id, who)


@page_router.get("/link")
def link_page() -> HTMLResponse:
    """The page of a sign-in link; it uses nothing up."""
    return _page(None)


@page_router.post("/link")
async def use_link(request: Request, parts: Parts) -> Response:
    """Turn a link into this browser's session, and go to the first page."""
    client = client_of(request)
    try:
        require_own_page(request, parts.server.public_url)
        parts.wrong_keys.check(client)
        token = await _token(request)
        answer = await run_in_threadpool(_signed_in, request, parts, token)
    except PrsnlError as error:
        if isinstance(error, UnauthorizedError):
            parts.wrong_keys.count(client)
        return _page(error.message, status_of(error))
    return answer


@page_router.post("/sign-out")
def sign_out(request: Request, who: Visitor, parts: Parts) -> Response:
    """End this browser's session, and forget its cookie."""
    if who.session_id is not None:
        _ended(parts, who.session_id, who)
    answer = RedirectResponse(SIGN_IN, _SEE_OTHER)
    answer.delete_cookie(cookie_name(request))
    return answer


def _ended(parts: Shared, session_id: UUID, who: Identity) -> SessionBody:
    ended = parts.database.run(
        lambda connection: sessions.end(connection, session_id, who)
    )
    parts.keys.forget_all()
    return ended


def _signed_in(request: Request, parts: Shared, link: str) -> Response:
    session = cookies.signing_in(request, parts)
    answer = RedirectResponse("/", _SEE_OTHER)
    try:
        parts.database.run(
            lambda connection: sessions.use_link(connection, link, session)
        )
    except UnauthorizedError:
        if _came_by(request, parts, link):
            return answer
        raise
    cookies.keep(answer, session, request, parts)
    return answer


def _came_by(request: Request, parts: Shared, link: str) -> bool:
    """Whether this browser is signed in by that link already."""
    token = request.cookies.get(cookie_name(request))
    if token is None:
        return False
    try:
        who: Identity = parts.keys.identity(Credential.of_session(token))
    except UnauthorizedError:
        return False
    return parts.database.run(
        lambda connection: sessions.is_session_of(connection, link, who.session_id)
    )


async def _token(request: Request) -> str:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM_BYTES:
            raise BadRequestError("The form is too long for a sign-in link's.")
    token = parse_qs(body.decode(errors="replace")).get("token", [""])[0].strip()
    if not token:
        raise BadRequestError("The link is not whole: open it once more, as it stands.")
    # Who pastes all of it means the same.
    return token.rpartition("#")[2]


def _link(base: str, token: str) -> str:
    return f"{base.rstrip('/')}/link#{token}"


def _page(said: str | None, code: int = status.HTTP_200_OK) -> HTMLResponse:
    return HTMLResponse(
        sign_in_page(said),
        status_code=code,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
    )
