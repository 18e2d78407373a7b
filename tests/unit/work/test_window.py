"""How many hints may be out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prsnl.work.relay import Window


def test_twice_the_slots_are_out_at_first() -> None:
    assert Window().room(slots=3, out=0, now=0.0) == 6


def test_what_is_out_takes_room() -> None:
    window = Window()
    window.sent(4)

    assert window.room(slots=3, out=4, now=0.0) == 2


def test_a_full_window_has_no_room() -> None:
    window = Window()
    window.sent(9)

    assert window.room(slots=3, out=9, now=0.0) == 0


def test_the_claims_of_the_last_second_make_room() -> None:
    """Workers that claim fast are fed fast."""
    window = Window()
    window.sent(6)

    assert window.room(slots=3, out=1, now=10.0) == 6 + 5 - 1


def test_a_claim_is_forgotten_after_a_second() -> None:
    window = Window()
    window.sent(6)
    window.room(slots=3, out=0, now=10.0)

    assert window.room(slots=3, out=0, now=10.9) == 12
    assert window.room(slots=3, out=0, now=11.1) == 6


def test_hints_of_another_relay_are_no_claims() -> None:
    """Two relays look at the same rows: what the other sent raises what is out."""
    window = Window()

    assert window.room(slots=3, out=5, now=0.0) == 1
    assert window.room(slots=3, out=6, now=0.1) == 0


def test_without_slots_nothing_is_sent() -> None:
    assert Window().room(slots=0, out=0, now=0.0) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=30))
def test_room_is_never_negative(looks: list[tuple[int, int]]) -> None:
    window = Window()
    for moment, (slots, out) in enumerate(looks):
        assert window.room(slots=slots, out=out, now=moment / 4) >= 0
