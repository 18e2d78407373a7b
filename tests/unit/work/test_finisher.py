"""The finisher: what is handed over is taken back or done, and none is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

from prsnl.work.finisher import Finisher

_TASK: ContextVar[str] = ContextVar("task", default="none")


def noted(done: list[int]) -> Callable[[int], None]:
    return done.append


def test_what_nobody_takes_is_done_soon() -> None:
    """The last task of a burst has no next one to end with."""
    done: list[int] = []

    with Finisher[int]() as finisher:
        finisher.hand(1, noted(done))
        give_up_at = time.monotonic() + 30
        while not done and time.monotonic() < give_up_at:
            time.sleep(0.001)
        assert done == [1]
        assert finisher.take() is None


def test_what_is_taken_back_is_not_done() -> None:
    """It would end the claim twice; and there is nothing left to take."""
    done: list[int] = []
    finisher: Finisher[int] = Finisher(linger_s=60)

    finisher.hand(1, noted(done))
    assert finisher.take() == 1
    assert finisher.take() is None
    finisher.close()

    assert done == []


def test_what_is_handed_over_is_done_before_the_block_ends() -> None:
    """A worker that leaves has ended what it claimed."""
    done: list[int] = []
    finisher: Finisher[int] = Finisher(linger_s=60)

    finisher.hand(1, noted(done))
    finisher.close()

    assert done == [1]


def test_each_of_many_is_taken_or_done() -> None:
    done: list[int] = []
    taken: list[int] = []

    with Finisher[int]() as finisher:
        for number in range(300):
            finisher.hand(number, noted(done))
            if number % 3 and (one := finisher.take()) is not None:
                taken.append(one)

    assert sorted([*done, *taken]) == list(range(300))


def test_what_is_being_done_cannot_be_taken() -> None:
    may_end, has_begun = threading.Event(), threading.Event()

    def piece(_: int) -> None:
        has_begun.set()
        assert may_end.wait(30)

    with Finisher[int]() as finisher:
        finisher.hand(1, piece)
        assert has_begun.wait(30)
        assert finisher.take() is None
        may_end.set()


def test_a_second_waits_for_the_first() -> None:
    """Never more than one claim is open beside the one that runs."""
    may_end, handed, has_begun = (threading.Event() for _ in range(3))

    def piece(_: int) -> None:
        has_begun.set()
        assert may_end.wait(30)

    with Finisher[int]() as finisher:
        finisher.hand(1, piece)
        assert has_begun.wait(30)
        second = threading.Thread(
            target=lambda: (finisher.hand(2, noted([])), handed.set()), daemon=True
        )
        second.start()
        assert not handed.wait(0.05)
        may_end.set()
        assert handed.wait(30)


def test_what_is_done_has_the_context_of_who_handed_it_over() -> None:
    """Its log lines name the task that it ends."""
    seen: list[str] = []

    with Finisher[int]() as finisher:
        token = _TASK.set("mine")
        finisher.hand(1, lambda _: seen.append(_TASK.get()))
        _TASK.reset(token)

    assert seen == ["mine"]
