"""Ids that sort by the time they were made."""

from __future__ import annotations

import threading
import time
from uuid import RFC_4122

from prsnl.core.ids import new_id


def test_ids_rise_strictly() -> None:
    """Also within a millisecond: children of a task come back in their order."""
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()

    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 10


def test_threads_never_make_the_same_id() -> None:
    made: list[list[int]] = [[] for _ in range(4)]

    def work(into: list[int]) -> None:
        into.extend(new_id().int for _ in range(2000))

    threads = [threading.Thread(target=work, args=[into]) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(part == sorted(part) for part in made)
    assert len({one for part in made for one in part}) == 8000
