"""`./prsnl status --watch`: what happens, as it happens, until Ctrl-C or the end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Generic, NoReturn, TypeVar
from uuid import UUID

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from prsnl.client import Client
from prsnl.core.errors import UnavailableError
from prsnl.terminal.live import print_lines, told
from prsnl.wire.tasks import FeedEvent, ProgressEvent, StatusBody, TaskBody

#: Why a task waits changes without an event: looked at so often.
_LOOK_EVERY_S: Final = 2.0
#: Shown anew at most so often.
_LEAST_PAUSE_S: Final = 0.2
_BAR_CHARACTERS: Final = 20

#: The line of one event.
Line = Callable[[ProgressEvent], str]
#: The lines of the whole, with room for so many tasks.
Overview = Callable[[int | None], list[str]]

E = TypeVar("E")


class _Over(Exception):  # noqa: N818 - an end, not an error
    """There are no more events."""


@dataclass
class _Pump(Generic[E]):
    """Takes events in a thread of its own, so that whoever waits can do more."""

    source: Iterator[E]
    _taken: queue.SimpleQueue[E | BaseException] = field(
        default_factory=queue.SimpleQueue
    )

    def __post_init__(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def next(self, timeout_s: float) -> E | None:
        """The next event; None if none comes for so long.

        Raises:
            _Over: There are no more.
        """
        try:
            taken = self._taken.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(taken, BaseException):
            raise taken
        return taken

    def _run(self) -> None:
        try:
            for event in self.source:
                self._taken.put(event)
        except BaseException as error:  # noqa: BLE001 - raised by `next`
            self._taken.put(error)
        else:
            self._taken.put(_Over())


def one(client: Client, task_id: UUID) -> StatusBody:
    """Show one task until it has ended; tell how it ended."""
    with _shown() as show:
        events = _Pump(client.follow(task_id))
        while True:
            try:
                event = events.next(_LOOK_EVERY_S)
            except _Over:
                return client.status(task_id)
            # A server that restarts: the events tell when that lasts too long.
            with suppress(UnavailableError):
                show(event or client.status(task_id))


@contextmanager
def _shown() -> Iterator[Callable[[TaskBody | ProgressEvent], None]]:
    """What shows a task: in place on a terminal, else in a line when it changes."""
    console = Console(highlight=False)
    if console.is_terminal:
        with Live(console=console, transient=True) as live:
            yield lambda now: live.update(_row(now))
        return
    before = ""

    def show(now: TaskBody | ProgressEvent) -> None:
        nonlocal before
        line = f"{now.status}: {told(now)}"
        if line != before:
            print_lines(line)
        before = line

    yield show


def _row(task: TaskBody | ProgressEvent) -> RenderableType:
    row = Table.grid(padding=(0, 2))
    row.add_row(
        Text(task.name),
        ProgressBar(
            total=100,
            completed=task.progress.percentage or 0,
            width=_BAR_CHARACTERS,
            pulse=False,
        ),
        Text(f"{task.status}: {told(task)}", overflow="ellipsis"),
    )
    return row


def everything(client: Client, overview: Overview, line: Line) -> NoReturn:
    """Show what the server does, until Ctrl-C: in place, or a line an event."""
    events = _Pump(client.events())
    console = Console(highlight=False)
    if console.is_terminal:
        _in_place(console, events, overview)
    is_begun = False
    while True:
        event = events.next(_LOOK_EVERY_S)
        if isinstance(event, ProgressEvent):
            print_lines(line(event))
        # A list that is read before the feed is ready misses what begins in between.
        elif event is not None and (event.event == "gap" or not is_begun):
            is_begun = True
            print_lines(*overview(None))


def _in_place(
    console: Console, events: _Pump[FeedEvent], overview: Overview
) -> NoReturn:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            # The lines of a task, and one each for the head, the rest and the end.
            most = max(1, (console.height - 3) // 2)
            with suppress(UnavailableError):
                live.update(Text("\n".join(overview(most))), refresh=True)
            if events.next(_LOOK_EVERY_S) is not None:
                # What comes in quick succession is shown together.
                time.sleep(_LEAST_PAUSE_S)
                while events.next(0) is not None:
                    pass
