"""The finisher: one piece at a time, in order, and none left at the end."""

from __future__ import annotations

import threading
from contextvars import ContextVar

from prsnl.work.finisher import finishing

_TASK: ContextVar[str] = ContextVar("task", default="none")


def test_what_is_handed_over_is_done_before_the_block_ends() -> None:
    """A worker that leaves has ended what it claimed."""
    done: list[int] = []

    with finishing() as finish:
        for number in range(100):
            finish(lambda number=number: done.append(number))

    assert done == list(range(100))


def test_the_caller_goes_on_while_the_piece_is_done() -> None:
    may_end = threading.Event()
    done = threading.Event()

    def piece() -> None:
        assert may_end.wait(30)
        done.set()

    with finishing() as finish:
        finish(piece)
        assert not done.is_set()
        may_end.set()

    assert done.is_set()


def test_a_second_piece_waits_for_the_first() -> None:
    """Never more than one claim is open beside the one that runs."""
    may_end = threading.Event()
    handed = threading.Event()

    with finishing() as finish:
        finish(lambda: may_end.wait(30))
        second = threading.Thread(
            target=lambda: (finish(lambda: None), handed.set()), daemon=True
        )
        second.start()
        assert not handed.wait(0.05)
        may_end.set()
        assert handed.wait(30)


def test_a_piece_has_the_context_of_its_caller() -> None:
    """Its log lines name the task that it ends."""
    seen: list[str] = []

    with finishing() as finish:
        token = _TASK.set("mine")
        finish(lambda: seen.append(_TASK.get()))
        _TASK.reset(token)

    assert seen == ["mine"]
