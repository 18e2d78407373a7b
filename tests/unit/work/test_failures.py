"""What follows from an error: the table of categories, by hand."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsnl.core.errors import (
    ChildCrashedError,
    CorruptError,
    DatabaseFullError,
    DiskFullError,
    EncryptedError,
    OutOfMemoryError,
    ProviderDownError,
    PrsnlError,
    TimeLimitError,
    UnavailableError,
    UnsupportedError,
)
from prsnl.work.failures import Verdict, judge
from prsnl.work.specs import Status

WAITS_S = (60.0, 120.0, 240.0)
ONE_DAY_S = 86_400.0


class NoJitter(Random):
    """Always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class FullJitter(Random):
    """Always the end."""

    def uniform(self, a: float, b: float) -> float:
        del a
        return b


def verdict(error: PrsnlError, *, retries: int = 0, crashes: int = 0) -> Verdict:
    return judge(
        error,
        retries=retries,
        crashes=crashes,
        retry_waits_s=WAITS_S,
        jitter=NoJitter(),
    )


def waits(seconds: float, *, of: int = len(WAITS_S)) -> Verdict:
    return Verdict(Status.QUEUED, due_in_s=seconds, retries=1, retries_of=of)


DEAD = Verdict(Status.DEAD)


@pytest.mark.parametrize("retries", [0, 1, 7])
def test_a_full_disk_of_the_machine_costs_no_try(retries: int) -> None:
    """Else every task in the queue would die of it, one after the other."""
    full = DiskFullError("full", retry_after_s=30)

    assert verdict(full, retries=retries) == Verdict(Status.QUEUED, due_in_s=30)


def test_a_child_that_wrote_too_much_is_tried_once_more() -> None:
    assert verdict(DiskFullError("its share")) == waits(2, of=1)
    assert verdict(DiskFullError("its share"), retries=1) == DEAD


def test_a_database_without_room_is_one_that_is_away() -> None:
    assert verdict(DatabaseFullError("full")) == waits(60)


@pytest.mark.parametrize("error", [EncryptedError, CorruptError, UnsupportedError])
@pytest.mark.parametrize(("retries", "crashes"), [(0, 0), (3, 0), (0, 2)])
def test_a_permanent_error_fails_at_once(
    error: type[PrsnlError], retries: int, crashes: int
) -> None:
    """The same input fails again, whatever came before."""
    told = verdict(error("No."), retries=retries, crashes=crashes)

    assert told == Verdict(Status.FAILURE)


@pytest.mark.parametrize(
    ("retries", "told"), [(0, waits(60)), (1, waits(120)), (2, waits(240)), (3, DEAD)]
)
def test_a_transient_error_is_tried_again_after_the_waits_of_its_task(
    retries: int, told: Verdict
) -> None:
    assert verdict(UnavailableError("Away."), retries=retries) == told


@pytest.mark.parametrize("retries", [0, 3, 1000])
def test_a_provider_that_is_down_spends_no_attempt(retries: int) -> None:
    """A passing outage never becomes a permanent failure, however often it comes."""
    error = ProviderDownError("Away.", provider="p")

    assert verdict(error, retries=retries) == Verdict(Status.PARKED)


@pytest.mark.parametrize("error", [OutOfMemoryError, TimeLimitError])
@pytest.mark.parametrize(
    ("retries", "told"), [(0, waits(2, of=1)), (1, DEAD), (2, DEAD)]
)
def test_a_resource_error_is_tried_once_more(
    error: type[PrsnlError], retries: int, told: Verdict
) -> None:
    assert verdict(error("Too much."), retries=retries) == told


@pytest.mark.parametrize(("retries", "told"), [(0, waits(5, of=1)), (1, DEAD)])
def test_a_bug_has_two_tries(retries: int, told: Verdict) -> None:
    assert verdict(PrsnlError("A defect."), retries=retries) == told


@pytest.mark.parametrize(
    ("crashes", "status"),
    [(0, Status.QUEUED), (1, Status.QUEUED), (2, Status.DEAD), (3, Status.DEAD)],
)
def test_the_third_crash_in_a_row_is_the_last(crashes: int, status: Status) -> None:
    """A crash goes back at once: no wait, and no retry is spent."""
    told = verdict(ChildCrashedError("Died."), crashes=crashes, retries=3)

    assert told == Verdict(status, crashes=1)


def test_a_task_without_waits_is_not_tried_again() -> None:
    told = judge(UnavailableError("Away."), retries=0, crashes=0, retry_waits_s=())

    assert told == DEAD


def test_waits_are_scaled_by_the_setting() -> None:
    told = judge(
        UnavailableError("Away."),
        retries=1,
        crashes=0,
        retry_waits_s=WAITS_S,
        waits_scale=0.01,
        jitter=NoJitter(),
    )

    assert told == waits(1.2, of=len(WAITS_S))


def test_jitter_is_a_tenth_at_most() -> None:
    told = judge(
        UnavailableError("Away."),
        retries=0,
        crashes=0,
        retry_waits_s=WAITS_S,
        jitter=FullJitter(),
    )

    assert told.due_in_s == pytest.approx(66.0)


@given(st.randoms(use_true_random=False), st.integers(0, 2))
def test_every_wait_is_within_a_tenth_of_its_own(source: Random, retries: int) -> None:
    told = judge(
        UnavailableError("Away."),
        retries=retries,
        crashes=0,
        retry_waits_s=WAITS_S,
        jitter=source,
    )

    assert told.due_in_s is not None
    assert 0.9 <= told.due_in_s / WAITS_S[retries] <= 1.1


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [
        (None, 60.0),
        (5.0, 60.0),
        (300.0, 300.0),
        (1e18, ONE_DAY_S),
        (math.inf, ONE_DAY_S),
        (math.nan, 60.0),
        (-1.0, 60.0),
    ],
)
def test_the_wait_a_provider_asks_for_is_honoured_within_a_day(
    asked_s: float | None, wait_s: float
) -> None:
    """A provider's number is input: no number may break the ending of a claim."""
    assert verdict(UnavailableError("Later.", retry_after_s=asked_s)) == waits(wait_s)
