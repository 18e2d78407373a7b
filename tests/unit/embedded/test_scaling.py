"""How many workers there should be: by what is due, by memory and by load."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.embedded import machine
from prsnl.embedded.machine import Machine
from prsnl.embedded.scaling import (
    ROOM_OF_A_WORKER_BYTES,
    SCARCE_BYTES,
    Bounds,
    goal,
    needed,
)
from prsnl.work.demand import Demand, SeenWorker

BOUNDS = Bounds(least=1, most=8)
ROOMY = Machine(cores=4, available_bytes=64 * 2**30, load_per_core=0.1)


def worker(pid: int, *, busy: int = 0, is_draining: bool = False) -> SeenWorker:
    return SeenWorker(host="here", pid=pid, slots=1, busy=busy, is_draining=is_draining)


@pytest.mark.parametrize(
    ("due", "busy", "wanted"), [(0, 0, 0), (1, 0, 2), (0, 1, 2), (5, 1, 7)]
)
def test_one_worker_is_in_spare_while_any_has_work(
    due: int, busy: int, wanted: int
) -> None:
    """A voice note is not to wait until a film has ended."""
    own = tuple(worker(pid, busy=1) for pid in range(busy))

    assert needed(Demand(due=due, workers=own), own) == wanted


def test_what_another_host_has_free_is_left_to_it() -> None:
    own = (worker(1),)
    others = (worker(2), worker(3, busy=1), worker(4, is_draining=True))

    assert needed(Demand(due=1, workers=own + others), own) == 0
    assert needed(Demand(due=3, workers=own + others), own) == 3


@pytest.mark.parametrize(
    ("wanted", "have", "expected"),
    [(0, 1, 1), (200, 1, 8), (3, 8, 3), (0, 8, 1), (2, 2, 2)],
)
def test_the_bounds_hold(wanted: int, have: int, expected: int) -> None:
    assert goal(wanted=wanted, have=have, bounds=BOUNDS, machine=ROOMY) == expected


def test_no_more_start_than_there_is_memory_for() -> None:
    little = Machine(
        cores=4, available_bytes=2 * ROOM_OF_A_WORKER_BYTES, load_per_core=0
    )

    assert goal(wanted=200, have=1, bounds=BOUNDS, machine=little) == 3


def test_one_leaves_at_a_time_when_memory_is_short_down_to_the_fewest() -> None:
    short = Machine(cores=4, available_bytes=SCARCE_BYTES - 1, load_per_core=0)

    assert goal(wanted=200, have=5, bounds=BOUNDS, machine=short) == 4
    assert goal(wanted=200, have=1, bounds=BOUNDS, machine=short) == 1


@pytest.mark.parametrize(("have", "expected"), [(1, 4), (4, 5), (6, 7), (8, 8)])
def test_a_swamped_machine_gets_one_worker_a_core_and_more_one_by_one(
    have: int, expected: int
) -> None:
    """Workers are nice, so one a core never harms; who allows more has said so."""
    swamped = Machine(cores=4, available_bytes=64 * 2**30, load_per_core=10)

    assert goal(wanted=200, have=have, bounds=BOUNDS, machine=swamped) == expected


def test_a_containers_own_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 300\n")

    assert machine.left_in_container(tmp_path) == 400


@pytest.mark.parametrize("limit", ["max\n", None])
def test_without_a_limit_the_machines_memory_counts(
    tmp_path: Path, limit: str | None
) -> None:
    if limit:
        (tmp_path / "memory.max").write_text(limit)

    assert machine.left_in_container(tmp_path) is None
