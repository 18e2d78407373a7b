"""Prompts are files; a user's own takes the place of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.ai_processing import prompts
from prsnl.ai_processing.answers import SCHEMAS
from prsnl.ai_processing.interpreting import Wish
from prsnl.ai_processing.prompts import Prompts
from prsnl.core.errors import SettingsError

OWN = """---
name: summarize
version: 3
schema: summary
purpose: analysis
answer_tokens: 500
---
{body}
"""

GOOD = OWN.format(body="Be brief.")


@pytest.mark.parametrize("name", prompts.names())
def test_each_of_ours_has_a_schema_and_places_that_are_known(name: str) -> None:
    prompt = prompts.shipped(name)

    assert prompt.schema in SCHEMAS
    assert prompt.purpose in {"analysis", "cheap"}
    assert "{{" not in prompt.filled(Wish().values())


def own(folder: Path, text: str) -> Prompts:
    (folder / "summarize.md").write_text(text)
    return Prompts(folder)


def test_a_users_own_says_so_in_its_version(tmp_path: Path) -> None:
    """What was answered under other words is another question."""
    first = own(tmp_path, OWN.format(body="Be brief.")).get("summarize")
    second = own(tmp_path, OWN.format(body="Be very brief.")).get("summarize")

    assert first.version.startswith("3+")
    assert first.version != second.version
    assert Prompts(tmp_path / "none").get("summarize").version == "1"
    assert Prompts(tmp_path).get("analyze").version == "1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Be brief.", "does not begin with a head"),
        (GOOD.replace("version: 3\n", ""), "does not say in its head"),
        (GOOD.replace("version: 3", "version"), "a line in its head"),
        (
            GOOD.replace("name: summarize", "name: other"),
            "calls itself",
        ),
        (GOOD.replace("500", "many"), "answer_tokens"),
        (GOOD.replace("summary", "insights"), "another schema"),
        (OWN.format(body=""), "no instructions"),
    ],
)
def test_one_that_cannot_be_used_says_why(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(SettingsError, match=r"summarize\.md") as caught:
        own(tmp_path, text).get("summarize")

    assert reason in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_place_that_nothing_is_known_for_is_named(tmp_path: Path) -> None:
    prompt = own(tmp_path, OWN.format(body="Be {{mood}}.")).get("summarize")

    with pytest.raises(SettingsError, match=r"\{\{mood\}\}"):
        prompt.filled(Wish().values())
