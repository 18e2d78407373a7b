"""What a type alone does not tell: dates as they are written, fields that go together.

The description for programs says it, so that a program can know before it asks.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic.config import JsonDict, JsonValue


def _written(value: Any) -> Any:
    """Refuse a number: pydantic would read it as seconds since 1970."""
    text = str(value)
    if (
        isinstance(value, int | float)
        or text.lstrip("+-").replace(".", "", 1).isdigit()
    ):
        raise ValueError("write it as 2024-05-12, or as 2024-05-12T10:00:00Z")
    return value


#: A day as ISO 8601 writes it, and nothing else.
IsoDate = Annotated[date, BeforeValidator(_written)]
#: A time as ISO 8601 writes it, and nothing else.
IsoTime = Annotated[datetime, BeforeValidator(_written)]


def shape(*absent: str, **given: JsonDict) -> JsonDict:
    """One way to fill a body: the *given* fields so, the *absent* ones not at all."""
    return {
        "required": list(given),
        "properties": {**given, **{name: {"type": "null"} for name in absent}},
    }


def one_of(**kinds: str) -> JsonDict:
    """Exactly one of some fields, each with its type."""
    ways: list[JsonValue] = []
    for name, kind in kinds.items():
        wanted: JsonDict = {"type": kind}
        others = [other for other in kinds if other != name]
        ways.append(shape(*others, **{name: wanted}))
    return {"oneOf": ways}
