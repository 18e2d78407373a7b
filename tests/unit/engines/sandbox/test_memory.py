"""Children are let in as memory allows, over all processes of a machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from prsnl.core.memory import Memory
from prsnl.engines.sandbox.memory import SPARED_BYTES, MemoryGate, NoMemoryYet

MIB = 2**20


def nobody_stops() -> None:
    """Nothing ends the wait."""


def gate(folder: Path, *, free_mib: int, most_mib: int | None = None) -> MemoryGate:
    free = free_mib * MIB + SPARED_BYTES
    return MemoryGate(
        folder=folder,
        most_bytes=None if most_mib is None else most_mib * MIB,
        measure=lambda: Memory(total=4 * free, available=free),
        waits_s=0,
    )


def hold(folder: Path, wanted_bytes: int, line: Connection) -> None:
    """Have a child at work in another process until the line is cut."""
    with gate(folder, free_mib=4096).admitted(wanted_bytes, nobody_stops):
        line.send("in")
        line.poll(60)


@contextmanager
def another_holds(folder: Path, mib: int) -> Iterator[Callable[[], None]]:
    start = multiprocessing.get_context("spawn")
    ours, theirs = start.Pipe()
    other = start.Process(target=hold, args=(folder, mib * MIB, theirs))
    other.start()
    try:
        assert ours.recv() == "in"
        yield other.kill
    finally:
        ours.close()
        other.kill()
        other.join()


def test_two_heavy_children_do_not_run_a_small_machine_out_of_memory(
    tmp_path: Path,
) -> None:
    """What the first has been promised counts, though it has not taken it yet."""
    small = gate(tmp_path, free_mib=1400)
    with another_holds(tmp_path, 1024) as kill:
        with pytest.raises(NoMemoryYet, match="Waits for memory") as told:
            small.admitted(1024 * MIB, nobody_stops).__enter__()
        with small.admitted(300 * MIB, nobody_stops):
            pass  # what fits beside it goes on
        kill()
        large = gate(tmp_path, free_mib=1400)
        patient = MemoryGate(folder=tmp_path, measure=large.measure, waits_s=30)
        with patient.admitted(1024 * MIB, nobody_stops):
            pass  # a killed holder holds nothing

    assert "1024 MiB" in told.value.message
    assert not list(tmp_path.glob("use-*"))


def test_what_fits_nowhere_is_let_in_alone(tmp_path: Path) -> None:
    """Its own limit tells then what it lacks; to wait would be for ever."""
    with gate(tmp_path, free_mib=100).admitted(2048 * MIB, nobody_stops):
        pass


def test_the_children_keep_what_is_set_for_all_of_them(tmp_path: Path) -> None:
    bounded = gate(tmp_path, free_mib=8192, most_mib=1000)
    with (
        another_holds(tmp_path, 700),
        pytest.raises(NoMemoryYet, match="PRSNL_CHILDREN_MEMORY_BYTES"),
    ):
        bounded.admitted(512 * MIB, nobody_stops).__enter__()


def test_who_is_stopped_does_not_wait(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    waiting = MemoryGate(folder=tmp_path, measure=lambda: Memory(1, 0), waits_s=600)
    with another_holds(tmp_path, 10), pytest.raises(StoppedError):
        waiting.admitted(MIB, stop).__enter__()
