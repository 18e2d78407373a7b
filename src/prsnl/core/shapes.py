"""What the JSON Schema of a model says of several fields together."""

from __future__ import annotations

from typing import Any

GIVEN = {"not": {"type": "null"}}
_LEFT_OUT = {"type": "null"}


def exactly_one(*names: str) -> dict[str, Any]:
    """One of these fields is given, and the others are left out or null."""
    return {
        "oneOf": [
            {
                "required": [name],
                "properties": {
                    other: GIVEN if other == name else _LEFT_OUT for other in names
                },
            }
            for name in names
        ]
    }


def wanted_by(name: str, chooser: str, values: list[str]) -> dict[str, Any]:
    """The field *name* is given where *chooser* has one of these values alone."""
    return {
        "if": {"properties": {chooser: {"enum": values}}},
        "then": {"required": [name], "properties": {name: GIVEN}},
        "else": {"properties": {name: _LEFT_OUT}},
    }


def shape(*absent: str, **given: dict[str, Any]) -> dict[str, Any]:
    """One way to fill a body: the *given* fields so, the *absent* ones not at all."""
    return {
        "required": list(given),
        "properties": {**given, **dict.fromkeys(absent, _LEFT_OUT)},
    }
