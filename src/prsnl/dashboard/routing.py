"""Routes of pages: what goes wrong is a page, too, and tells what to do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from prsnl.core.db import LOST
from prsnl.core.errors import PrsnlError, UnauthorizedError, UnavailableError
from prsnl.dashboard.rendering import page
from prsnl.web.errors import status_of

_HEADLINES: Final = {
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.CONFLICT: "That is not possible now",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The file is too large",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not available for the moment",
    HTTPStatus.INSUFFICIENT_STORAGE: "The disk is full",
}


class PageRoute(APIRoute):
    """A route whose errors a person can read in the browser."""

    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with its errors as pages."""
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except UnauthorizedError:
                return sign_in_page(request)
            except PrsnlError as error:
                return _problem(error.message, status_of(error))
            except RequestValidationError:
                return _problem(
                    "This address leads to nothing: look for what you want in the "
                    "library.",
                    HTTPStatus.NOT_FOUND,
                )
            except LOST:
                away = UnavailableError(
                    "The database does not answer: try again in a moment."
                )
                return _problem(away.message, status_of(away))

        return handled


def sign_in_page(
    request: Request, *, said: str = "", status_code: int = HTTPStatus.UNAUTHORIZED
) -> Response:
    """The page for who has no session; it leads back to what was asked for."""
    wanted = request.query_params.get("next", "")
    if request.method == "GET" and request.url.path not in ("/", "/sign-in"):
        query = f"?{request.url.query}" if request.url.query else ""
        wanted = request.url.path + query
    return page(
        "sign_in",
        {"said": said, "wanted": urlencode({"next": wanted}) if wanted else ""},
        status=HTTPStatus(status_code),
    )


def _problem(said: str, status: HTTPStatus) -> Response:
    headline = _HEADLINES.get(status, "That did not work")
    return page("problem", {"headline": headline, "said": said}, status=status)
