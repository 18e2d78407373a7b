"""Frames: what goes over the channel, and what is refused there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsnl.engines.sandbox.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    body_bytes,
    decode,
    encode,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values))
def test_a_frame_comes_back_as_it_went(value: Frame) -> None:
    data = encode(value)

    assert body_bytes(data[:HEADER_BYTES], maximum=len(data)) == len(data) - 4
    assert decode(data[HEADER_BYTES:]) == value


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    """A PDF may hold one, and no database takes it."""
    assert decode(encode({"text": "a\ud800b"})[HEADER_BYTES:]) == {"text": "a?b"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'"x"', b"\xff{}", b"[" * 100_000]
)
def test_what_is_no_json_object_is_no_frame(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode(body)


def test_a_header_that_announces_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(FrameError):
        body_bytes(b"\0\1\0\0", maximum=2**16 - 1)
