"""Errors as problem+json: one table from code to HTTP status, one shape for all."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import (
    RequestValidationError,
    WebSocketRequestValidationError,
)
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketState

from prsnl.core.db import LOST
from prsnl.core.errors import PrsnlError, UnauthorizedError, UnavailableError
from prsnl.core.ids import new_id
from prsnl.web.headers import secure
from prsnl.wire.base import FieldProblem, Problem

STATUS_OF_CODE: Final = {
    "bad_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "quota": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_tasks": HTTPStatus.TOO_MANY_REQUESTS,
    "too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "encrypted": HTTPStatus.UNPROCESSABLE_ENTITY,
    "corrupt": HTTPStatus.UNPROCESSABLE_ENTITY,
    "empty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "local_only": HTTPStatus.CONFLICT,
    "budget": HTTPStatus.CONFLICT,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "provider_failed": HTTPStatus.BAD_GATEWAY,
    "provider_silent": HTTPStatus.GATEWAY_TIMEOUT,
    "provider_down": HTTPStatus.SERVICE_UNAVAILABLE,
    "provider_unreachable": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
    "database_full": HTTPStatus.INSUFFICIENT_STORAGE,
}
#: Where a browser is sent that is not signed in.
SIGN_IN: Final = "/sign-in"
MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 5.0
#: How a WebSocket is closed (RFC 6455, section 7.4.1) whose client, or whose server,
#: is at fault.
_CLOSED_BY_US: Final = 1008
_CLOSED_BY_BUG: Final = 1011
_OURS: Final = 500
_REASON_BYTES: Final = 123
#: What the framework itself refuses has no code of the error tree.
_CODE_OF_STATUS: Final = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}

log = structlog.get_logger()


def status_of(error: PrsnlError) -> HTTPStatus:
    """The HTTP status of an error; what is not in the table is our own fault."""
    return STATUS_OF_CODE.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)


def install(app: FastAPI) -> None:
    """Answer every error of an application as problem+json."""
    app.add_exception_handler(PrsnlError, _told(_known))
    app.add_exception_handler(RequestValidationError, _told(_invalid))
    app.add_exception_handler(WebSocketRequestValidationError, _told(_invalid))
    app.add_exception_handler(HTTPException, _told(_refused))
    app.add_exception_handler(Exception, _unexpected)
    app.add_exception_handler(psycopg.DataError, _unstorable)
    for lost in LOST:
        app.add_exception_handler(lost, _told(_database_away))


def _told(
    answer: Callable[[HTTPConnection, Exception], Awaitable[Response]],
) -> Callable[[Any, Exception], Awaitable[Any]]:
    """The same answer for a WebSocket: in the place of its handshake, or as its end."""

    async def told(connection: HTTPConnection, error: Exception) -> Response | None:
        problem = await answer(connection, error)
        if (
            isinstance(connection, WebSocket)
            and connection.application_state is not WebSocketState.CONNECTING
        ):
            code = _CLOSED_BY_US if problem.status_code < _OURS else _CLOSED_BY_BUG
            await connection.close(code, _short(problem))
            return None
        return problem

    return told


def _short(problem: Response) -> str:
    """What fits into the frame that closes a WebSocket."""
    detail = str(json.loads(bytes(problem.body))["detail"])
    return detail.encode()[:_REASON_BYTES].decode(errors="ignore")


def response(status: HTTPStatus, code: str, detail: str, **more: Any) -> JSONResponse:
    """One problem as an answer."""
    problem = Problem(
        type=f"urn:prsnl:error:{code}",
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        **more,
    )
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    answer = JSONResponse(
        problem.model_dump(mode="json", exclude_defaults=True),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )
    # The answer to a defect passes no middleware.
    secure(answer.headers)
    return answer


async def _known(request: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, PrsnlError)
    if isinstance(error, UnauthorizedError) and _wants_a_page(request):
        return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
    status = status_of(error)
    wait_s = error.retry_after_s
    if status is HTTPStatus.SERVICE_UNAVAILABLE and wait_s is None:
        wait_s = _RETRY_AFTER_S
    return response(status, error.code, error.message, retry_after_s=wait_s)


def _wants_a_page(connection: HTTPConnection) -> bool:
    """Whether a person looks at a page, rather than a program at an answer."""
    return (
        connection.scope.get("method") == "GET"
        and not connection.scope["path"].startswith("/api/")
        and "text/html" in connection.headers.get("accept", "")
    )


async def _database_away(request: HTTPConnection, _error: Exception) -> Response:
    return await _known(
        request,
        UnavailableError("The database does not answer: try again in a moment."),
    )


async def _unstorable(_request: Request, _error: Exception) -> JSONResponse:
    # The server's words quote the value.
    return response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad_request",
        "A value of this request is out of range, or holds a character that is none: "
        "correct it, then send it again.",
    )


async def _invalid(request: HTTPConnection, error: Exception) -> JSONResponse:
    assert isinstance(error, (RequestValidationError, WebSocketRequestValidationError))
    allowed = _methods_at(request, is_literal=True)
    if allowed and request.scope.get("method") not in allowed:
        # A word that is a route of its own, such as `active`, is nobody's id.
        return _not_allowed(allowed)
    found = [_field_problem(one) for one in error.errors()]
    first = found[0]
    return response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad_request",
        f"{first.field}: {first.message}.",
        errors=found,
    )


def _field_problem(one: dict[str, Any]) -> FieldProblem:
    # The first part says where it was: body, query, path or header.
    place, *names = [str(part) for part in one["loc"]]
    return FieldProblem(field=".".join(names) or place, message=str(one["msg"]))


async def _refused(request: HTTPConnection, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        literal = _methods_at(request, is_literal=True)
        return _not_allowed(literal or _methods_at(request))
    status = HTTPStatus(error.status_code)
    answer = response(
        status, _CODE_OF_STATUS.get(status, "bad_request"), f"{error.detail}."
    )
    answer.headers.update(error.headers or {})
    return answer


def _not_allowed(methods: set[str]) -> JSONResponse:
    allowed = ", ".join(sorted(methods))
    answer = response(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        f"This address answers to {allowed or 'nothing'} alone.",
    )
    answer.headers["Allow"] = allowed
    return answer


def _methods_at(connection: HTTPConnection, *, is_literal: bool = False) -> set[str]:
    """What an address answers to; the framework tells of its first route alone."""
    path = connection.scope["path"]
    found: set[str] = set()
    for route in iter_route_contexts(connection.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is None or (is_literal and route.path != path):
            continue
        if pattern.match(path):
            found |= route.methods or set()
    return found


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    reference = new_id().hex
    log.error(
        "api.unexpected_error",
        reference=reference,
        method=request.method,
        route=getattr(request.scope.get("route"), "path", None),
        kind=type(error).__name__,
        exc_info=error,
    )
    return response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "bug",
        "Something went wrong in the server; its log says more under the reference.",
        reference=reference,
    )
