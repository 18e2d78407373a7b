"""What a provider's headers make the next request wait for."""

from __future__ import annotations

import pytest

from prsnl.engines.llm.rates import RateLimits


@pytest.mark.parametrize(
    ("told", "pause_s"),
    [
        (RateLimits(), 0),
        (RateLimits(requests_left=1, requests_reset_s=30), 0),
        (RateLimits(requests_left=0), 0),
        (RateLimits(requests_left=0, requests_reset_s=30), 30),
        # Sixty a minute, all used: one is free after a second.
        (RateLimits(requests_limit=60, requests_left=0, requests_reset_s=60), 1),
        (RateLimits(tokens_left=200, tokens_reset_s=30), 0),
        (RateLimits(tokens_left=199, tokens_reset_s=30), 30),
        # Of 1,000 a minute 100 are left, 200 are wanted: a tenth of a minute more.
        (
            RateLimits(tokens_limit=1000, tokens_left=100, tokens_reset_s=54),
            pytest.approx(6),
        ),
        (
            RateLimits(
                requests_left=0, requests_reset_s=5, tokens_left=0, tokens_reset_s=9
            ),
            9,
        ),
    ],
)
def test_it_waits_until_there_is_room_for_one_more(
    told: RateLimits, pause_s: float
) -> None:
    assert told.pause_s(200) == pause_s
