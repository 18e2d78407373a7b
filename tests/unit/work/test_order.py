"""In which order a worker of several queues looks into them."""

from __future__ import annotations

from collections import Counter

import pytest

from prsnl.work.order import SeedOrder

FILE, MEDIA, INSIGHTS = "file_processing", "media_processing", "insights"


def served(order: SeedOrder, full: set[str], count: int) -> list[str]:
    """What a worker takes while the queues *full* never run empty."""
    taken = []
    for _ in range(count):
        first = next(name for name in order.consume(3) if name in full)
        order.rotate(first)
        taken.append(first)
    return taken


def test_the_order_is_by_priority_however_the_queues_were_named() -> None:
    assert SeedOrder([INSIGHTS, FILE, MEDIA]).consume(3) == [FILE, MEDIA, INSIGHTS]


def test_update_takes_other_queues() -> None:
    order = SeedOrder([FILE])
    order.update([INSIGHTS, MEDIA])

    assert order.consume(2) == [MEDIA, INSIGHTS]


def test_no_more_is_given_than_asked_for() -> None:
    assert SeedOrder([FILE, MEDIA, INSIGHTS]).consume(1) == [FILE]


def test_a_queue_that_the_table_does_not_know_comes_last() -> None:
    assert SeedOrder(["unknown", INSIGHTS]).consume(2) == [INSIGHTS, "unknown"]


def test_after_ten_from_the_highest_one_comes_from_a_lower() -> None:
    taken = served(SeedOrder([FILE, MEDIA]), {FILE, MEDIA}, 22)

    assert taken == [*[FILE] * 10, MEDIA, *[FILE] * 10, MEDIA]


@pytest.mark.parametrize(
    "full", [{FILE, MEDIA, INSIGHTS}, {MEDIA, INSIGHTS}, {FILE, INSIGHTS}]
)
def test_no_queue_starves(full: set[str]) -> None:
    """Also not the lowest, when the highest is empty and the middle one never is."""
    taken = Counter(served(SeedOrder([FILE, MEDIA, INSIGHTS]), full, 120))

    assert all(taken[name] >= 9 for name in full)
    assert taken[min(full, key=[FILE, MEDIA, INSIGHTS].index)] >= 90


def test_a_lower_queue_that_is_empty_costs_nothing() -> None:
    order = SeedOrder([FILE, MEDIA])

    assert served(order, {FILE}, 30) == [FILE] * 30
    assert served(order, {FILE, MEDIA}, 1) == [MEDIA]


def test_one_queue_is_simply_that_queue() -> None:
    assert served(SeedOrder([FILE]), {FILE}, 25) == [FILE] * 25
