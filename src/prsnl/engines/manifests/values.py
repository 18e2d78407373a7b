"""JSON and TOML of unknown origin, looked at without trust in their shape."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any, TypeAlias

Table: TypeAlias = dict[str, Any]


def json_table(text: str) -> Table:
    """The object that a JSON text is.

    Raises:
        ValueError: It is no JSON, or no object.
    """
    return _table(json.loads(text))


def toml_table(text: str) -> Table:
    """The table that a TOML text is.

    Raises:
        ValueError: It is no TOML.
    """
    return _table(tomllib.loads(text))


def _table(value: object) -> Table:
    if not isinstance(value, dict):
        raise ValueError("no table")  # noqa: TRY004 - of a text, its shape is a value
    return value


def table(value: object, *path: str) -> Table:
    """The table at a path; an empty one where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def tables(value: object) -> Iterator[Table]:
    """The tables of a list."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield one


def texts(value: object) -> Iterator[str]:
    """The texts of a list."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, str):
            yield one


def text_or_none(value: object) -> str | None:
    """A text with something in it."""
    return value if isinstance(value, str) and value else None
