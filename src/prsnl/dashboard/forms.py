"""The small forms of the pages: one field, read within a limit."""

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
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise BadRequestError(f"That is too long for a {name}.")
    return parse_qs(body.decode(errors="replace")).get(name, [""])[0]
