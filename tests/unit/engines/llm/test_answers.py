"""What a model says, read with care."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field

from prsnl.engines.llm.answers import Misfit, read, strict_schema


class Point(BaseModel):
    text: str = Field(max_length=40)
    passage: int = Field(ge=1)


class Notes(BaseModel):
    summary: str = Field(description="Two sentences.", min_length=1)
    points: list[Point] = Field(max_length=2)
    note: str | None = None


GOOD = {"summary": "It boils.", "points": [{"text": "100 degrees", "passage": 1}]}


@pytest.mark.parametrize(
    "said",
    [
        json.dumps(GOOD),
        f"```json\n{json.dumps(GOOD, indent=2)}\n```",
        f"<think>What {{do}} they want?</think>\n{json.dumps(GOOD)}",
        f"Here is what you asked for: {json.dumps(GOOD)} I hope it helps.",
    ],
)
def test_an_answer_is_found_in_what_surrounds_it(said: str) -> None:
    assert read(said, Notes).points[0].text == "100 degrees"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "empty"),
        ("I cannot.", "no JSON object"),
        ('{"summary": "It b', "no JSON object"),
        ('{"summary": "It boils."}', "points: Field required"),
        ('{"summary": 3, "points": []}', "summary: Input should be a valid string"),
        (
            '{"summary": "x", "points": [{"text": "y", "passage": 0}]}',
            "points.0.passage",
        ),
    ],
)
def test_what_does_not_fit_is_told_so_that_it_can_be_mended(
    said: str, reason: str
) -> None:
    with pytest.raises(Misfit) as caught:
        read(said, Notes)

    assert reason in caught.value.reason


def test_a_cut_answer_is_told_to_be_shorter() -> None:
    with pytest.raises(Misfit, match="cut off"):
        read('{"summary": "It b', Notes, is_cut=True)


def test_a_reason_repeats_nothing_that_was_said() -> None:
    """Reasons stand in errors and logs, and an answer quotes the document."""
    with pytest.raises(Misfit) as caught:
        read('{"summary": {"canary": "canary"}, "points": "canary"}', Notes)

    assert "canary" not in caught.value.reason


def test_a_strict_schema_requires_every_field_and_allows_no_other() -> None:
    schema = strict_schema(Notes)

    assert schema["required"] == ["summary", "points", "note"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["summary"] == {
        "description": "Two sentences.",
        "type": "string",
    }
    assert schema["$defs"]["Point"]["required"] == ["text", "passage"]
    assert schema["properties"]["points"] == {
        "items": {"$ref": "#/$defs/Point"},
        "type": "array",
    }
