"""Wrong keys are counted by who sends them, and few counts are kept."""

from __future__ import annotations

import pytest

from prsnl.core.errors import TooManyRequestsError
from prsnl.web import throttle
from prsnl.web.throttle import Throttle


class Clock:
    """A time that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_its_tries_a_client_waits_and_another_does_not() -> None:
    clock = Clock()
    limit = Throttle(per_minute=6, clock=clock)
    for _ in range(6):
        limit.check("a")
        limit.count("a")

    with pytest.raises(TooManyRequestsError) as refused:
        limit.check("a")
    limit.check("b")

    assert refused.value.retry_after_s == pytest.approx(10)
    clock.now += 10.1
    limit.check("a")


def test_a_client_that_goes_on_trying_waits_no_longer_than_a_minute() -> None:
    """What is refused is not counted: nobody locks out a neighbour for good."""
    clock = Clock()
    limit = Throttle(per_minute=6, clock=clock)
    for _ in range(6):
        limit.count("a")
    for _ in range(100):
        with pytest.raises(TooManyRequestsError):
            limit.check("a")

    clock.now += 60
    for _ in range(6):
        limit.check("a")
        limit.count("a")


def test_of_many_clients_the_last_are_remembered() -> None:
    limit = Throttle(per_minute=1)
    for number in range(throttle._MOST_CLIENTS + 5):
        limit.count(str(number))

    assert len(limit._tries) == throttle._MOST_CLIENTS
    limit.check("0")
    with pytest.raises(TooManyRequestsError):
        limit.check(str(throttle._MOST_CLIENTS))
