"""When finished stages that wait for company are committed."""

from __future__ import annotations

import pytest

from prsnl.work.gathered import GATHER_S, GATHER_UNITS, Gathered, Made, Part
from prsnl.work.specs import Result


class Clock:
    """A time that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gathered(clock: Clock) -> Gathered:
    made = Gathered(clock)
    made.is_open = True
    return made


def part(*, units: int = 1, milliseconds: float = 1.0) -> Part[Result]:
    made = [Made(unit, b"", Result(), milliseconds, False) for unit in range(units)]
    return Part("read", 0, made, lambda _connection, _made: None, units, "Reading")


def test_quick_parts_wait(gathered: Gathered) -> None:
    gathered.add(part())
    gathered.add(part())

    assert not gathered.is_due
    assert len(gathered.take()) == 2
    assert gathered.take() == []


def test_nothing_waits_where_stages_do_not_gather(gathered: Gathered) -> None:
    gathered.is_open = False
    gathered.add(part())

    assert gathered.is_due


def test_a_part_waits_for_a_quarter_second_at_most(
    gathered: Gathered, clock: Clock
) -> None:
    gathered.add(part())
    clock.now = GATHER_S

    assert gathered.is_due


def test_work_of_more_than_that_is_never_at_stake(gathered: Gathered) -> None:
    """Its time was spent before it came to wait."""
    gathered.add(part(milliseconds=GATHER_S * 600))
    assert not gathered.is_due

    gathered.add(part(milliseconds=GATHER_S * 600))
    assert gathered.is_due


def test_many_units_do_not_wait(gathered: Gathered) -> None:
    gathered.add(part(units=GATHER_UNITS, milliseconds=0))

    assert gathered.is_due


def test_an_input_is_new_after_two_stages_in_a_row_without_a_checkpoint(
    gathered: Gathered,
) -> None:
    gathered.note_look(found=False)
    assert not gathered.is_new
    gathered.note_look(found=True)
    gathered.note_look(found=False)
    assert not gathered.is_new
    gathered.note_look(found=False)

    assert gathered.is_new
