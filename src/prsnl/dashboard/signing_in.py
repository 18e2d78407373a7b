"""POST /sign-in: a key that was pasted becomes this browser's session."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from starlette import status
from starlette.concurrency import run_in_threadpool

from prsnl.access import cookies, sessions
from prsnl.core.db import Db
from prsnl.core.errors import PrsnlError, UnauthorizedError
from prsnl.dashboard.forms import field, see
from prsnl.dashboard.routing import PageRoute, sign_in_page
from prsnl.web.dependencies import Parts, Shared, require_own_page
from prsnl.web.errors import status_of
from prsnl.web.identity import Credential
from prsnl.web.origins import client_of

_LONGEST_NEXT: Final = 500

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sign-in")
def show_sign_in(request: Request) -> Response:
    """The page for who has no session."""
    return sign_in_page(request, status_code=status.HTTP_200_OK)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    parts: Parts,
    wanted: Annotated[str, Query(max_length=_LONGEST_NEXT, alias="next")] = "/",
) -> Response:
    """Let this browser in with a key, and show what it asked for."""
    client = client_of(request)
    try:
        require_own_page(request, parts.server.public_url)
        parts.wrong_keys.check(client)
        key = (await field(request, "key")).strip()
        session = cookies.signing_in(request, parts)
        await run_in_threadpool(_open, parts, key, session)
    except UnauthorizedError:
        parts.wrong_keys.count(client)
        return sign_in_page(
            request, said="This key is not known here, or it was revoked."
        )
    except PrsnlError as error:
        return sign_in_page(request, said=error.message, status_code=status_of(error))
    answer = see(_own_path(wanted))
    cookies.keep(answer, session, request, parts)
    return answer


def _open(parts: Shared, key: str, session: sessions.SignIn) -> None:
    """Make a link with the key, and use it: a session has no other beginning."""
    who = parts.keys.identity(Credential.of_key(key))
    link = sessions.new_token()

    def run(connection: Db) -> None:
        sessions.make_link(
            connection,
            link,
            key_id=who.key_id,
            lifetime=parts.access.link_lifetime_s,
        )
        sessions.use_link(connection, link, session)

    parts.database.run(run)


def _own_path(wanted: str) -> str:
    """A page of ours alone: nobody is led elsewhere by a link to this server."""
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and wanted.startswith("/")
    return wanted if is_ours and not wanted.startswith(("//", "/\\")) else "/"
