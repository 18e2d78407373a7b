"""How texts are put into requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.engines.embedding.contract import Limits, batches
from prsnl.engines.llm.contract import estimated_tokens

LIMITS = Limits(text_tokens=100, batch_texts=3, batch_tokens=120)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10, 10, 10, 10], [[0, 1, 2], [3]]),
        ([250, 250], [[0], [1]]),
        ([300, 30, 300], [[0, 1], [2]]),
        ([100_000], [[0]]),
    ],
)
def test_a_request_ends_at_its_texts_or_at_its_tokens(
    sizes: list[int], expected: list[list[int]]
) -> None:
    assert batches(["x" * size for size in sizes], LIMITS) == expected


@settings(max_examples=30)
@given(st.lists(st.text(max_size=800), max_size=40))
def test_each_text_is_in_one_request_and_each_request_keeps_the_limits(
    texts: list[str],
) -> None:
    made = batches(texts, LIMITS)

    assert [place for batch in made for place in batch] == list(range(len(texts)))
    for batch in made:
        sizes = [min(estimated_tokens(texts[place]), 100) for place in batch]
        assert len(batch) <= 3
        assert sum(sizes) <= 120
