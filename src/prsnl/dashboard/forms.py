"""The forms of the pages: their fields, read within a limit."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, parse_qsl

from fastapi import Request

from prsnl.core.errors import BadRequestError

_MOST_BYTES: Final = 4096
#: Of a form with many fields: a hundred tags in any script.
_MOST_OF_ALL: Final = 128 * 1024


async def field(request: Request, name: str) -> str:
    """One field of a form; empty if it is not there.

    Raises:
        BadRequestError: The form is longer than any of ours.
    """
    body = await _body(request, _MOST_BYTES, f"That is too long for a {name}.")
    return parse_qs(body).get(name, [""])[0]


async def fields(request: Request, *, most_bytes: int = _MOST_OF_ALL) -> dict[str, str]:
    """All fields of a form, those that are left empty too.

    Raises:
        BadRequestError: The form is longer than any of ours.
    """
    body = await _body(request, most_bytes, "That is too long: shorten it.")
    return dict(parse_qsl(body, keep_blank_values=True))


async def _body(request: Request, most_bytes: int, refusal: str) -> str:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise BadRequestError(refusal)
    return body.decode(errors="replace")
