"""The table of threats names tests that are there, and no threat without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| threat |", "| --- |"))
]
TEST = re.compile(r"`(tests/[^\s`]+\.py)::(\w+)`")
NAMED = sorted(set(TEST.findall(PAGE)))


def test_every_threat_has_a_test() -> None:
    assert len(ROWS) >= 60
    assert [row for row in ROWS if not TEST.search(row)] == []


@pytest.mark.parametrize(
    "promise",
    [
        "413",
        "429",
        "507",
        "408",
        "the hash of the bytes",
        "nosniff",
        "content security policy",
        "constant time",
        "scopes",
        "WebSocket",
        "DNS rebinding",
        "CSRF",
        "injection",
        "receipt",
        "PRSNL_LOCAL_ONLY",
        "privacy_mode",
        "zip bomb",
        "playlist",
        "entities",
        "pickle",
        "macro",
        "webhook",
        "HMAC",
        "Flower",
        "--insecure",
        "doctor",
    ],
)
def test_what_the_design_promises_is_in_the_table(promise: str) -> None:
    assert promise in "\n".join(ROWS)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_is_there(path: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
