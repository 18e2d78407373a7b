"""Frames: what goes over the channel, and what is refused there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsnl.engines.sandbox.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    FrameTooLargeError,
    body_bytes,
    decode,
    encode,
)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


@given(st.dictionaries(texts, json_values))
def test_a_frame_comes_back_as_it_went(value: Frame) -> None:
    data = encode(value)

    assert body_bytes(data[:HEADER_BYTES], maximum=len(data)) == len(data) - 4
    assert decode(data[HEADER_BYTES:]) == value


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    """A PDF may hold one, and no database takes it."""
    assert decode(encode({"text": "a\ud800b"})[HEADER_BYTES:]) == {"text": "a?b"}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a": "\ud800b"}', {"a": "\ufffdb"}),
        (rb'{"a": ["x\uDFFF", {"\u0000": 1}]}', {"a": ["x\ufffd", {"\ufffd": 1}]}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
        (rb'{"a": "\\u0000"}', {"a": r"\u0000"}),
    ],
)
def test_what_no_database_takes_is_replaced(body: bytes, value: Frame) -> None:
    """A child that was taken over may escape what an honest one never sends."""
    assert decode(body) == value


def test_a_null_character_is_replaced() -> None:
    """A PDF's text layer may hold one."""
    assert decode(encode({"text": "a\0b"})[HEADER_BYTES:]) == {"text": "a\ufffdb"}


def test_a_frame_larger_than_allowed_is_not_sent() -> None:
    with pytest.raises(FrameTooLargeError):
        encode({"a": "b"}, maximum=8)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"\xff{}",
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"a": "\\u0000", "b": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_no_frame(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode(body)


def test_a_header_that_announces_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(FrameError):
        body_bytes(b"\0\1\0\0", maximum=2**16 - 1)
