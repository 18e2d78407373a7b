"""How each body looks is shown by an example, and told as it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema_rs import Draft202012Validator
from pydantic import ValidationError

from prsnl.api import make_app
from prsnl.wire.library import Bulk
from tests.conftest import wired


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    return make_app(wired("postgresql://h/d", "redis://h", folder)).openapi()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        found: dict[str, Any] = schema["components"]["schemas"][
            part["$ref"].rpartition("/")[2]
        ]
        return found
    return part


def test_every_json_body_has_examples_that_fit_it(schema: dict[str, Any]) -> None:
    without = []
    for name, operation in operations(schema):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        body = resolved(schema, content["application/json"]["schema"])
        if not body.get("examples"):
            without.append(name)
        validator = Draft202012Validator(
            {**body, "components": schema["components"]}, validate_formats=True
        )
        for example in body.get("examples", []):
            validator.validate(example)

    assert without == []


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"action": "trash", "ids": [str(uuid4())]}, True),
        ({"action": "trash", "filter": {}}, True),
        ({"action": "trash", "filter": {}, "after": str(uuid4())}, False),
        ({"action": "trash"}, False),
        ({"action": "trash", "ids": None}, False),
        ({"action": "trash", "ids": [str(uuid4())], "filter": {}}, False),
        ({"action": "trash", "ids": [str(uuid4())], "after": str(uuid4())}, False),
        ({"action": "tag", "ids": [str(uuid4())]}, False),
        ({"action": "tag", "ids": [str(uuid4())], "tag": "x"}, True),
        ({"action": "tag", "ids": [str(uuid4())], "tag": " "}, False),
        ({"action": "trash", "ids": [str(uuid4())], "tag": "x"}, False),
        ({"action": "trash", "filter": {"dated_from": "2024-05-12"}}, True),
        ({"action": "trash", "filter": {"dated_from": 5}}, False),
    ],
)
def test_the_description_and_the_model_agree(
    schema: dict[str, Any], body: dict[str, Any], *, fits: bool
) -> None:
    """What a client's generator makes of the description is what is taken."""
    told = schema["components"]["schemas"]["Bulk"]
    validator = Draft202012Validator(
        {**told, "components": schema["components"]}, validate_formats=True
    )

    assert validator.is_valid(body) is fits
    if fits:
        Bulk.model_validate(body)
    else:
        with pytest.raises(ValidationError):
            Bulk.model_validate(body)
