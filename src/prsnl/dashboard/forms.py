"""The forms of the pages: their fields, read within a limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, parse_qsl

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError
from starlette import status

from prsnl.core.errors import BadRequestError
from prsnl.dashboard.rendering import HEADERS

_MOST_BYTES: Final = 4096
#: Of a form with many fields: a hundred tags in any script.
_MOST_OF_ALL: Final = 128 * 1024


M = TypeVar("M", bound=BaseModel)


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


async def lists(request: Request, *names: str) -> dict[str, list[str]]:
    """Some fields of a form, each with all of its values.

    Raises:
        BadRequestError: The form is longer than any of ours.
    """
    body = await _body(request, _MOST_BYTES, f"That is too long for a {names[0]}.")
    told = parse_qs(body)
    return {name: told.get(name, []) for name in names}


async def _body(request: Request, most_bytes: int, refusal: str) -> str:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise BadRequestError(refusal)
    return body.decode(errors="replace")


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """What a form says, as the API would take it.

    Raises:
        BadRequestError: It would not; the first reason.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise refused(error) from error


def refused(error: ValidationError) -> BadRequestError:
    """The first thing that is wrong, in a sentence."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = " ".join(str(part) for part in first["loc"] if isinstance(part, str))
    said = first["msg"].removeprefix("Value error, ")
    return BadRequestError(f"{place}: {said}." if place else f"{said}.")


def see(path: str) -> Response:
    """Show another page, so that a reload repeats nothing."""
    return RedirectResponse(path, status.HTTP_303_SEE_OTHER, headers=HEADERS)
