"""docs/api.md tells the routes that there are."""

from __future__ import annotations

import re
from pathlib import Path

from prsnl.api import make_app
from prsnl.web.errors import STATUS_OF_CODE
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


def test_the_page_has_each_code_with_its_status() -> None:
    row = r"^\| (`[a-z_`, ]+) \| (\d+) \|"
    rows = re.findall(row, PAGE.read_text(), re.MULTILINE)
    told = {
        code: int(status)
        for codes, status in rows
        for code in re.findall(r"`([a-z_]+)`", codes)
    }

    assert told == {code: int(status) for code, status in STATUS_OF_CODE.items()}
