"""Which part of a file a `Range` header asks for."""

from __future__ import annotations

import pytest

from prsnl.web.sending import Span


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-", 0, 100),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=90-500", 90, 100),
        ("bytes=-10", 90, 100),
        ("bytes=-500", 0, 100),
        ("  Bytes=99-", 99, 100),
    ],
)
def test_one_part_is_answered_as_such(header: str, start: int, end: int) -> None:
    assert Span.asked(header, 100) == Span(start, end, is_part=True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=-0",
        "bytes=100-",
        "bytes=5-4",
        "bytes=0-1,4-5",
        "lines=1-2",
        "bytes=" + "9" * 30 + "-",
        "bytes=a-b",
    ],
)
def test_what_makes_no_sense_is_answered_with_the_whole(header: str | None) -> None:
    assert Span.asked(header, 100) == Span(0, 100, is_part=False)


def test_an_empty_file_has_no_parts() -> None:
    assert Span.asked("bytes=0-", 0) == Span(0, 0, is_part=False)
    assert Span.asked("bytes=-1", 0) == Span(0, 0, is_part=False)
