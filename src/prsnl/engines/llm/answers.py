"""The shape of an answer: a strict JSON schema for the server, and a check here.

Whatever a server promises, an answer is input: it is read with care, and what does not
fit is told in a sentence that a model can mend it by.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from prsnl.engines.contracts import JsonObject

M = TypeVar("M", bound=BaseModel)

#: What strict structured output knows of JSON Schema; the rest is checked here.
_KNOWN: Final = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "$ref",
        "$defs",
        "description",
    }
)
#: What models that think put before their answer.
_THOUGHT: Final = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_REASONS_MAX: Final = 5


class Misfit(Exception):  # noqa: N818 - an answer to be mended, not yet an error
    """An answer does not fit.

    Attributes:
        reason: What is wrong, without a word of the answer's.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def strict_schema(model: type[BaseModel]) -> JsonObject:
    """The schema of a model as strict structured output wants it.

    Every field is required, no other is allowed, and there are no bounds: those are
    checked when the answer is here.
    """
    schema: JsonObject = _strict(model.model_json_schema())
    return schema


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: told for name, told in schema.items() if name in _KNOWN}
    for name in ("properties", "$defs"):
        if name in kept:
            kept[name] = {key: _strict(one) for key, one in kept[name].items()}
    for name in ("items", "anyOf"):
        if name in kept:
            kept[name] = _strict(kept[name])
    if kept.get("type") == "object":
        kept["required"] = list(kept.get("properties", {}))
        kept["additionalProperties"] = False
    return kept


def read(text: str, model: type[M], *, is_cut: bool = False) -> M:
    """Read an answer.

    JSON in a fence, or after thoughts or a sentence, is found.

    Args:
        text: What the model said.
        model: What it has to be.
        is_cut: The answer stopped at its limit.

    Raises:
        Misfit: It is not JSON, or not of this shape.
    """
    told = _json(text, is_cut=is_cut)
    try:
        return model.model_validate(told)
    except ValidationError as error:
        raise Misfit(_reasons(error)) from None


def _json(text: str, *, is_cut: bool) -> Any:
    plain = _THOUGHT.sub("", text).strip()
    decoder = json.JSONDecoder()
    start = plain.find("{")
    if start >= 0:
        try:
            told, _ = decoder.raw_decode(plain, start)
        except ValueError:
            pass
        else:
            return told
    if is_cut:
        raise Misfit("the answer was cut off at its limit: make it much shorter")
    raise Misfit("the answer is no JSON object" if plain else "the answer is empty")


def _reasons(error: ValidationError) -> str:
    """What does not fit, and where: field names and rules, and nothing that was said.

    A key that the model made up is as much its text as a value is.
    """
    reasons = []
    for one in error.errors(include_input=False, include_url=False)[:_REASONS_MAX]:
        place = ".".join(str(part) for part in one["loc"])
        told = "is not asked for" if one["type"] == "extra_forbidden" else one["msg"]
        if one["type"] == "extra_forbidden":
            place = ".".join(str(part) for part in one["loc"][:-1]) or "a field"
        reasons.append(f"{place or 'the answer'}: {told}")
    return "; ".join(reasons)
