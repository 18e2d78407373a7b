"""The small forms of the pages: a few fields, read within a limit."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from fastapi import Request

from prsnl.core.errors import BadRequestError

_MOST_BYTES: Final = 4096


async def field(request: Request, name: str) -> str:
    """One field of a form; empty if it is not there.

    Raises:
        BadRequestError: The form is longer than any of ours.
    """
    return next(iter((await fields(request, name))[name]), "")


async def fields(request: Request, *names: str) -> dict[str, list[str]]:
    """Some fields of a form, each with all of its values.

    Raises:
        BadRequestError: The form is longer than any of ours.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise BadRequestError(f"That is too long for a {names[0]}.")
    told = parse_qs(body.decode(errors="replace"))
    return {name: told.get(name, []) for name in names}
