"""What a provider says of its own limits, and how long a next request waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """From the headers of an answer; None where they do not say."""

    requests_limit: int | None = None
    requests_left: int | None = None
    #: Until all are free again, in seconds.
    requests_reset_s: float | None = None
    tokens_limit: int | None = None
    tokens_left: int | None = None
    tokens_reset_s: float | None = None

    def pause_s(self, tokens: int) -> float:
        """How long a next request of so many tokens had better wait, in seconds."""
        return max(
            _pause_s(1, self.requests_limit, self.requests_left, self.requests_reset_s),
            _pause_s(tokens, self.tokens_limit, self.tokens_left, self.tokens_reset_s),
        )


def _pause_s(
    wanted: int, limit: int | None, left: int | None, reset_s: float | None
) -> float:
    """Seconds until a provider's own bucket has what is wanted, filling evenly."""
    if left is None or reset_s is None or left >= wanted:
        return 0.0
    if limit is None or limit <= left:
        return reset_s
    return min(reset_s, reset_s * (wanted - left) / (limit - left))


NO_LIMITS: Final = RateLimits()
