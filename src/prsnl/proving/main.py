"""What `./prsnl prove` does: a run, live, and its tables."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console

from prsnl.core.errors import StartError
from prsnl.proving.compare import Plain, PlainHarness, side_by_side
from prsnl.proving.disk import SmallDisk, small_disk
from prsnl.proving.faults import FILL_DISK
from prsnl.proving.harness import Harness
from prsnl.proving.load import REAL
from prsnl.proving.report import Report, books_table, fault_table, sentences
from prsnl.proving.stack import PLAIN_WORKER
from prsnl.proving.staging import Plan, passable_folder

#: Unfinished tasks; of a short run the end is not to take longer than the run.
_BACKLOG: Final = 60
_SHORT_BACKLOG: Final = 24
#: More than two: one is down most of the time.
_WORKERS: Final = 3


def main(
    *,
    minutes: float = 2.0,
    seed: int = 1,
    as_json: bool = False,
    lease_s: float = 6.0,
    fault_every_s: float = 2.5,
    compares: bool = False,
) -> int:
    """Prove it here; the exit status is 1 if any promise was broken."""
    console = Console(stderr=as_json)
    plan = Plan(
        seconds=minutes * 60,
        seed=seed,
        lease_s=lease_s,
        fault_every_s=fault_every_s,
        mix=REAL,
        workers=_WORKERS,
        backlog=_BACKLOG if minutes > 1 else _SHORT_BACKLOG,
        has_provider=True,
    )

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    with _ended_by_term():
        say(
            f"Runs for {minutes:g} minutes in a folder of its own, with seed {seed}; "
            "Ctrl-C ends it and leaves nothing behind."
        )
        with passable_folder() as folder, _disk(folder, say) as disk:
            report = Harness(plan, folder, say, disk).run()
        plain = _plain(plan, say) if compares else None
    if as_json:
        print(json.dumps(_told(report, plain)))  # noqa: T201 - what was asked for
    else:
        _print(report, plain, console)
    return 0 if report.is_clean else 1


def _plain(plan: Plan, say: Callable[[str], None]) -> Plain:
    """The same faults for plain Celery, as far as it has what they hurt."""
    say("The same for plain Celery, with late acknowledgement:")
    plan = replace(plan, worker=PLAIN_WORKER, has_provider=False)
    with passable_folder() as folder, _disk(folder, say) as disk:
        return PlainHarness(plan, folder, say, disk).compare()


def _told(report: Report, plain: Plain | None) -> dict[str, Any]:
    told = report.told()
    return told if plain is None else {**told, "plain_celery": asdict(plain)}


def _print(report: Report, plain: Plain | None, console: Console) -> None:
    console.print()
    console.print(fault_table(report))
    console.print()
    console.print(books_table(report))
    if plain is not None:
        console.print()
        console.print(side_by_side(report, plain))
    console.print()
    for line in sentences(report):
        console.print(line, highlight=False, markup=False)


@contextmanager
def _disk(folder: Path, say: Callable[[str], None]) -> Iterator[SmallDisk | None]:
    """A small disk for the data folder; none, and why, where there can be none."""
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o711)
    with ExitStack() as stack:
        disk = None
        try:
            disk = stack.enter_context(small_disk(data_dir))
        except StartError as error:
            say(f"Not done here: {FILL_DISK}. {error.message}")
        yield disk


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let TERM end it as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
