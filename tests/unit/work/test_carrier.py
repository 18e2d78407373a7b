"""What counts as a hint: everything else is dropped before Celery sees it."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest

from prsnl.work.carrier import is_hint

BODY = base64.b64encode(b"[[], {}, {}]").decode()
HEADERS = {"task": "count_task", "id": str(uuid4())}


def message(**other: Any) -> dict[str, Any]:
    """A hint, with some parts changed."""
    return {
        "body": BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": HEADERS,
        "properties": {
            "delivery_info": {"exchange": "", "routing_key": "insights"},
            "delivery_tag": "1",
        },
        **other,
    }


def test_what_celery_sends_is_a_hint() -> None:
    assert is_hint(message())


@pytest.mark.parametrize(
    "forged",
    [
        [],
        5,
        None,
        "text",
        {},
        message(headers=None),
        message(headers=[]),
        message(headers="task"),
        message(headers={"task": "count_task"}),
        message(headers={"id": str(uuid4())}),
        message(headers={**HEADERS, "id": "x"}),
        message(headers={**HEADERS, "id": 5}),
        message(headers={**HEADERS, "task": ["x"]}),
        message(body=7),
        message(body="%%%"),
        message(properties={}),
        message(properties=None),
    ],
)
def test_nothing_else_is_a_hint(forged: Any) -> None:
    assert not is_hint(forged)
