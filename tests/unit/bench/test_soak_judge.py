"""What a soak takes for growth, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable

from bench.soak_judge import Held, Sample, growths, too_much

TEN_MINUTES_S = 600.0
EVERY_S = 5.0
WORKER = "prsnl worker ai_processing (7)"


def run(
    own_mib: Callable[[float], float],
    *,
    files: Callable[[float], int] = lambda _: 20,
    ends_at_s: float = TEN_MINUTES_S,
) -> list[Sample]:
    """Ten minutes of one process that holds what *own_mib* says at each second."""
    looks = int(TEN_MINUTES_S / EVERY_S)
    return [
        Sample(
            at_s=at_s,
            processes={
                "prsnl scheduler (1)": Held(61.0, 40.0, 90.0, 12, 8),
                **(
                    {WORKER: Held(own_mib(at_s), 50.0, 90.0, files(at_s), 10)}
                    if at_s <= ends_at_s
                    else {f"{WORKER} again": Held(90.0, 50.0, 90.0, 12, 10)}
                ),
            },
            connections={"prsnl api": 9},
        )
        for at_s in (number * EVERY_S for number in range(looks))
    ]


def test_a_leak_of_ten_mebibytes_in_ten_minutes_is_caught_and_named() -> None:
    """Between the middles of the two thirds it is a third of that."""
    found = too_much(run(lambda at_s: 66 + 10 * at_s / TEN_MINUTES_S))

    assert [(one.who, one.what) for one in found] == [(WORKER, "own_mib")]
    assert 3.0 < found[0].more < 3.7


def test_caches_that_fill_in_the_first_third_are_no_leak() -> None:
    assert not too_much(run(lambda at_s: 66 + 40 * (1 - math.exp(-at_s / 50))))


def test_memory_that_comes_and_goes_is_no_leak() -> None:
    assert not too_much(run(lambda at_s: 66 + 30 * math.sin(at_s / 3)))


def test_one_busy_moment_at_the_end_is_no_leak() -> None:
    assert not too_much(run(lambda at_s: 66 + (200 if at_s > 580 else 0)))


def test_files_that_nobody_closes_are_caught() -> None:
    found = too_much(run(lambda _: 66, files=lambda at_s: int(at_s / 10)))

    assert [one.what for one in found] == ["files"]


def test_a_process_that_was_replaced_is_not_compared_with_another() -> None:
    """A worker that the supervisor started anew is another process."""
    samples = run(lambda at_s: 10 + at_s, ends_at_s=450)

    assert {one.who for one in growths(samples)} == {"prsnl scheduler (1)", "all"}


def test_nothing_seen_is_nothing_told() -> None:
    assert growths([]) == []
