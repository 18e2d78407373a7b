"""When a task may end, by what others took."""

from __future__ import annotations

import pytest

from prsnl.work.eta import Measured, queued, remaining

TEN = [Measured(total=10, runtime_s=10.0) for _ in range(3)]


def test_what_is_left_is_measured_by_steps_of_tasks_of_that_size() -> None:
    """A small task's fixed cost would make a large one's steps look slow."""
    small = [Measured(total=1, runtime_s=9.0) for _ in range(9)]
    eta = remaining([*TEN, *small], current=5, total=20, elapsed_s=None)

    assert (eta.low_s, eta.high_s, eta.based_on) == (15.0, 15.0, 3)


def test_without_tasks_of_that_size_all_count() -> None:
    eta = remaining(TEN, current=0, total=1000, elapsed_s=None)

    assert (eta.low_s, eta.based_on) == (1000.0, 3)


def test_its_own_pace_widens_the_range() -> None:
    slow = remaining(TEN, current=10, total=20, elapsed_s=50.0)
    fast = remaining(TEN, current=10, total=20, elapsed_s=1.0)

    assert (slow.low_s, slow.high_s) == (10.0, 50.0)
    assert (fast.low_s, fast.high_s) == (1.0, 10.0)


def test_before_its_steps_are_known_whole_tasks_are_compared() -> None:
    eta = remaining(TEN, current=0, total=None, elapsed_s=4.0)

    assert eta.low_s == 6.0
    assert remaining(TEN, current=0, total=None, elapsed_s=99.0).high_s == 0.0


def test_a_task_that_waits_has_those_before_it_and_its_own_wait() -> None:
    eta = queued(TEN, turns=2.0, due_in_s=60.0)

    assert eta.low_s == pytest.approx(90.0)


@pytest.mark.parametrize("current", [20, 25])
def test_nothing_left_is_no_time(current: int) -> None:
    assert remaining(TEN, current=current, total=20, elapsed_s=1.0).high_s == 0.0
