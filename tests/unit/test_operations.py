"""docs/operations.md: what it tells an operator to type is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from prsnl.api import make_app
from prsnl.cli import app as commands
from prsnl.monitoring.metrics import NAMES
from tests.conftest import wired

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
#: Whoever has only the page can answer them.
QUESTIONS = (
    "What is stuck, and why?",
    "What fails most?",
    "Is it the provider, or us?",
    "How full is the disk?",
    "How many workers do I need?",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_page_answers_with_something_to_type_or_to_watch(question: str) -> None:
    (answer,) = re.findall(
        rf"^\*\*{re.escape(question)}\*\* (.+?)\n\n", PAGE, re.MULTILINE | re.DOTALL
    )

    assert re.search(r"`(\./prsnl|ASK/)", answer)


def test_each_command_of_the_page_is_one() -> None:
    named = set(re.findall(r"\./prsnl\s+([a-z]+)", PAGE))
    known = get_command(commands).commands  # type: ignore[attr-defined]

    assert named <= set(known)


def test_each_metric_of_the_page_is_one() -> None:
    assert set(re.findall(r"`?(prsnl_[a-z_]+)", PAGE)) == set(NAMES)


def test_each_route_of_the_page_is_one(tmp_path: Path) -> None:
    served = make_app(wired("postgresql://h/d", "redis://h", tmp_path)).openapi()
    paths = {_nameless(path): of for path, of in served["paths"].items()}
    asked = re.findall(r"ASK(/[a-z/-]+)", PAGE)
    named = re.findall(r"`(GET|POST|PUT|PATCH|DELETE)\s+(/[^`?]+)", PAGE)

    assert len(asked) >= 5
    assert set(asked) <= set(paths)
    for method, path in named:
        assert method.lower() in paths[_nameless(path)], f"{method} {path}"


def _nameless(path: str) -> str:
    """A path whose parameters have no names: a page calls each of them an id."""
    return re.sub(r"\{[^}]+\}", "{}", path)
