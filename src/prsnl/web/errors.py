"""Errors as problem+json: one table from code to HTTP status, one shape for all."""

from __future__ import annotations

import math
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from prsnl.core.db import LOST
from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.core.ids import new_id
from prsnl.wire import FieldProblem, Problem

STATUS_OF_CODE: Final = {
    "bad_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "encrypted": HTTPStatus.UNPROCESSABLE_ENTITY,
    "corrupt": HTTPStatus.UNPROCESSABLE_ENTITY,
    "empty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "provider_down": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
}
MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 5.0
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
    app.add_exception_handler(PrsnlError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)
    app.add_exception_handler(psycopg.DataError, _unstorable)
    for lost in LOST:
        app.add_exception_handler(lost, _database_away)


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
    return JSONResponse(
        problem.model_dump(mode="json", exclude_defaults=True),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


async def _known(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PrsnlError)
    status = status_of(error)
    wait_s = error.retry_after_s
    if status is HTTPStatus.SERVICE_UNAVAILABLE and wait_s is None:
        wait_s = _RETRY_AFTER_S
    return response(status, error.code, error.message, retry_after_s=wait_s)


async def _database_away(request: Request, _error: Exception) -> JSONResponse:
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


def _methods(request: Request) -> set[str]:
    """What may be done at the path of a request, over all routes that it fits."""
    path = request.url.path
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    # A path of its own, such as /items/bulk, is meant by its name and by no pattern.
    fitting = [path] if path in paths else filter(partial(_fits, path), paths)
    return {method.upper() for one in fitting for method in paths[one]}


def _fits(path: str, pattern: str) -> bool:
    return compile_path(pattern)[0].match(path) is not None


def _not_allowed(methods: set[str]) -> JSONResponse:
    status = HTTPStatus.METHOD_NOT_ALLOWED
    told = ", ".join(sorted(methods))
    answer = response(
        status, _CODE_OF_STATUS[status], f"This address takes {told} alone."
    )
    answer.headers["Allow"] = told
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    methods = _methods(request)
    if methods and request.method not in methods:
        return _not_allowed(methods)
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


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
        return _not_allowed(methods)
    answer = response(
        status, _CODE_OF_STATUS.get(status, "bad_request"), f"{error.detail}."
    )
    answer.headers.update(error.headers or {})
    return answer


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
