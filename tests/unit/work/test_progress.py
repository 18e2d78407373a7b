"""Progress of one claim: coalesced to four events a second, and never lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from prsnl.work.progress import Progress, Step


@dataclass
class Clock:
    """A clock that stands still until it is told."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_steps_are_counted() -> None:
    progress = Progress()
    progress.expect(7)
    progress.advance(2, "Two")
    progress.advance(3, "Five")

    assert progress.take() == Step(5, 7, "Five", is_event=False)


def test_an_event_is_written_four_times_a_second_at_most() -> None:
    clock = Clock()
    progress = Progress(clock)
    events = 0
    for _ in range(1000):
        clock.now_s += 0.01
        progress.advance(1, "On")
        events += progress.take().is_event

    assert 36 <= events <= 40


def test_what_was_just_told_waits_for_company() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.advance(1, "One")
    clock.now_s += 0.2

    assert progress.take_if_due() is None


def test_what_waited_for_a_quarter_of_a_second_is_told() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.advance(1, "One")
    clock.now_s += 0.25

    assert progress.take_if_due() == Step(1, None, "One", is_event=True)


def test_nothing_new_is_not_told() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.advance(1, "One")
    clock.now_s += 1
    progress.take()
    clock.now_s += 1

    assert progress.take_if_due() is None


def test_a_step_after_a_commit_is_new_again() -> None:
    clock = Clock()
    progress = Progress(clock)
    clock.now_s += 1
    progress.take()
    progress.advance(1, "One")
    clock.now_s += 1

    assert progress.take_if_due() == Step(1, None, "One", is_event=True)


def test_steps_of_many_threads_are_all_counted() -> None:
    progress = Progress()

    def work() -> None:
        for _ in range(500):
            progress.advance(1, "On")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert progress.take().current == 2000
