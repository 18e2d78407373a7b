"""The description for programs (OpenAPI): every operation tells how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI

from prsnl.web.errors import MEDIA_TYPE
from prsnl.wire.base import Problem

_REFERENCE: Final = "#/components/schemas/Problem"
#: What FastAPI describes, and nothing here answers.
_FOREIGN: Final = ("HTTPValidationError", "ValidationError")
_EXAMPLE: Final = Problem(
    type="urn:prsnl:error:not_found",
    title="Not Found",
    status=404,
    detail="There is no such task: GET /api/background/tasks lists the newest.",
    code="not_found",
)
_REFUSAL: Final[dict[str, Any]] = {
    "description": "A refusal; `code` is stable, `detail` says what happened and what "
    "to do.",
    "content": {
        MEDIA_TYPE: {
            "schema": {"$ref": _REFERENCE},
            "example": _EXAMPLE.model_dump(mode="json", exclude_defaults=True),
        }
    },
}


def install(app: FastAPI) -> None:
    """Let an application describe its errors as they are."""
    made: Callable[[], dict[str, Any]] = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_refusals(made())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way


def _with_refusals(description: dict[str, Any]) -> dict[str, Any]:
    for operations in description["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _REFUSAL
    schemas = description["components"]["schemas"]
    for name in _FOREIGN:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    return description
