"""The API's description, with our errors as they really are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from prsnl.web.errors import MEDIA_TYPE
from prsnl.wire import FieldProblem, Problem

_REF: Final = "#/components/schemas/{model}"
#: What FastAPI describes, and nothing here answers.
_FOREIGN: Final = ("HTTPValidationError", "ValidationError")
_EVERYWHERE: Final = (
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WITH_A_KEY: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
_OF_A_THING: Final = (HTTPStatus.CONFLICT,)
_WITH_A_BODY: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.INSUFFICIENT_STORAGE,
)
_OPERATIONS: Final = ("get", "put", "post", "patch", "delete")


def describe_errors(app: FastAPI) -> None:
    """Have the description declare for each operation which errors it may answer."""
    make = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = with_problems(make())
        return app.openapi_schema

    # FastAPI's own way to change a description, which its types do not know.
    app.openapi = described  # type: ignore[method-assign]


def with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """The description with our errors in the place of the framework's."""
    known = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in _FOREIGN:
        known.pop(name, None)
    for model in (Problem, FieldProblem):
        told = model.model_json_schema(ref_template=_REF)
        told.pop("$defs", None)
        known[model.__name__] = told
    for path, operations in schema["paths"].items():
        for method in _OPERATIONS:
            if method in operations:
                _declare(path, operations[method])
    return schema


def _declare(path: str, operation: dict[str, Any]) -> None:
    statuses = [*_EVERYWHERE]
    if operation.get("security"):
        statuses += _WITH_A_KEY
    if "{" in path:
        statuses += _OF_A_THING
    if "requestBody" in operation:
        statuses += _WITH_A_BODY
    responses = operation.setdefault("responses", {})
    for status in statuses:
        responses[str(int(status))] = {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
