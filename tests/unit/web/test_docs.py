"""docs/api.md tells the routes that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from fastapi.routing import APIWebSocketRoute, iter_route_contexts

from prsnl.api import make_app
from prsnl.web.errors import STATUS_OF_CODE
from prsnl.wire.tasks import FeedEvent
from tests.conftest import wired

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def test_the_page_has_each_route_once_and_no_other(tmp_path: Path) -> None:
    app = make_app(wired("postgresql://h/d", "redis://h", tmp_path))
    served = [
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]
    row = r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|"
    told = re.findall(row, PAGE.read_text(), re.MULTILINE)

    assert sorted(told) == sorted(served)


def test_the_page_has_each_socket_once_and_no_other(tmp_path: Path) -> None:
    """OpenAPI knows none of them."""
    app = make_app(wired("postgresql://h/d", "redis://h", tmp_path))
    served = [
        found.path
        for found in iter_route_contexts(app.routes)
        if isinstance(found.original_route, APIWebSocketRoute)
    ]
    told = re.findall(r"^\| `WS ([^`]+)` \|", PAGE.read_text(), re.MULTILINE)

    assert sorted(told) == sorted(served)


def test_the_page_has_each_event_with_its_fields() -> None:
    text = PAGE.read_text().partition("## Live progress")[2]
    rows = re.findall(r"^\| `(\w+)` \| (`[^|]+`) \|", text, re.MULTILINE)
    told = {
        event: set(re.findall(r"(?<![{,] )\b([a-z_]+)(?:`| \{)", fields))
        for event, fields in rows
    }
    kinds, _ = get_args(FeedEvent)

    assert told == {
        kind.model_fields["event"].default: set(kind.model_fields) - {"event"}
        for kind in get_args(kinds)
    }


def test_the_page_has_each_code_with_its_status() -> None:
    row = r"^\| (`[a-z_`, ]+) \| (\d+) \|"
    rows = re.findall(row, PAGE.read_text(), re.MULTILINE)
    told = {
        code: int(status)
        for codes, status in rows
        for code in re.findall(r"`([a-z_]+)`", codes)
    }

    assert told == {code: int(status) for code, status in STATUS_OF_CODE.items()}
