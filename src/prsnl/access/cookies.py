"""A browser's session, as its cookie keeps it."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request, Response

from prsnl.access.sessions import SignIn
from prsnl.web.dependencies import Shared
from prsnl.web.origins import cookie_name, is_secure


def signing_in(request: Request, parts: Shared) -> SignIn:
    """The session that a browser asks for, named after its device."""
    return SignIn(
        device=request.headers.get("user-agent", ""),
        lifetime=timedelta(days=parts.access.session_days),
    )


def keep(answer: Response, session: SignIn, request: Request, parts: Shared) -> None:
    """Have the browser keep its session, where no script and no other site sees it."""
    answer.set_cookie(
        cookie_name(request),
        session.token,
        max_age=int(session.lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request, parts.server.public_url),
    )
