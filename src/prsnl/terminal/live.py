"""Shows how far the files are: a line each on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from prsnl.terminal.following import Event, Progressed, Sending
from prsnl.terminal.inputs import InputFile
from prsnl.terminal.outcome import Outcome
from prsnl.terminal.summary import clock, one_line
from prsnl.wire import ProgressEvent, TaskBody

_ROWS: Final = 10
_NAME_CHARACTERS: Final = 40
_BAR_CHARACTERS: Final = 20
_REFRESH_PER_S: Final = 8
#: Of one file a plain line is written at most so often.
_PLAIN_EVERY_S: Final = 5.0


class Display(Protocol):
    """Shows events, and lines that stay."""

    def show(self, event: Event) -> None:
        """Take an event in."""

    def say(self, *lines: str) -> None:
        """Print lines that stay: results."""


class PlainDisplay:
    """Results on standard output; now and then a line of progress on the other."""

    def __init__(self) -> None:
        self._said_at: dict[InputFile, float] = {}

    def show(self, event: Event) -> None:
        """Write a line, unless one was written a moment ago."""
        if not isinstance(event, Progressed):
            return
        now = time.monotonic()
        if now - self._said_at.setdefault(event.file, now) >= _PLAIN_EVERY_S:
            self._said_at[event.file] = now
            sys.stderr.write(f"{event.file.shown}: {told(event.task)}\n")

    def say(self, *lines: str) -> None:
        """Print lines."""
        print_lines(*lines)


class QuietDisplay:
    """Shows nothing: standard output belongs to a program."""

    def show(self, event: Event) -> None:
        """Show nothing."""

    def say(self, *lines: str) -> None:
        """Print lines where they are in nobody's way."""
        for line in lines:
            sys.stderr.write(line + "\n")


class LiveDisplay:
    """A row for each file under way, below the results."""

    def __init__(self, console: Console, *, total: int) -> None:
        self._console = console
        self._total = total
        self._bars: dict[InputFile, TaskBody | None] = {}
        self._done = self._failed = 0
        self._began = time.monotonic()

    def show(self, event: Event) -> None:
        """Take an event in; it is drawn at the next refresh."""
        match event:
            case Sending():
                self._bars[event.file] = None
            case Progressed():
                self._bars[event.file] = event.task
            case Outcome():
                self._bars.pop(event.file, None)
                self._done += event.is_success
                self._failed += not event.is_success

    def say(self, *lines: str) -> None:
        """Print lines above the rows."""
        for line in lines:
            self._console.print(Text(line))

    def __rich__(self) -> RenderableType:
        """The rows as they are now; those that run come first."""
        rows = Table.grid(padding=(0, 2))
        bars = sorted(self._bars.items(), key=lambda pair: _rank(pair[1]))
        for file, task in bars[:_ROWS]:
            rows.add_row(
                Text(one_line(file.shown, characters=_NAME_CHARACTERS)),
                _bar(task),
                Text(one_line(told(task), characters=100), overflow="ellipsis"),
            )
        left = self._total - self._done - self._failed
        counts = f"{self._done} done, {self._failed} failed, {left} to go"
        elapsed = clock(time.monotonic() - self._began)
        below = Text(f"{counts}   {elapsed}", style="dim")
        return Group(rows, below) if rows.row_count else below


@contextmanager
def display(*, total: int, is_json: bool) -> Iterator[Display]:
    """The display that fits where we write."""
    if is_json:
        yield QuietDisplay()
    elif not sys.stdout.isatty():
        yield PlainDisplay()
    else:
        console = Console(highlight=False, soft_wrap=True)
        live = LiveDisplay(console, total=total)
        with Live(
            live,
            console=console,
            refresh_per_second=_REFRESH_PER_S,
            transient=True,
            redirect_stderr=False,
        ):
            yield live


def told(task: TaskBody | ProgressEvent | None) -> str:
    """Where a task is, in a few words."""
    if task is None:
        return "sending"
    if isinstance(task, TaskBody) and task.is_cancelling:
        return "cancelling"
    progress = task.progress
    of = f" ({progress.current} of {progress.total})" if progress.total else ""
    return task.waiting_because or f"{progress.message or 'waiting'}{of}"


def print_lines(*lines: str) -> None:
    """Print to standard output at once, so that a pipe sees a line when it is made."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _bar(task: TaskBody | None) -> ProgressBar:
    percentage = task.progress.percentage if task else None
    return ProgressBar(
        total=100, completed=percentage or 0, width=_BAR_CHARACTERS, pulse=False
    )


def _rank(task: TaskBody | None) -> int:
    """Running first, then waiting, then on its way."""
    if task is None:
        return 2
    return 0 if task.waiting_because is None else 1
