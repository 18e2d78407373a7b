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
from prsnl.wire.tasks import ProgressEvent, TaskBody

_ROWS: Final = 10
#: Rows of files that wait, where none is active.
_WAITING_ROWS: Final = 3
_WAITING: Final = 2
#: More files than this have no lines of their own in a pipe.
_FEW: Final = 20
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
    """Results on standard output; now and then a line of progress on the other.

    Of a few files each has lines of its own; of many, one line counts them all.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._said_at: dict[InputFile | None, float] = {}
        self._done = self._failed = 0

    def show(self, event: Event) -> None:
        """Write a line, unless one was written a moment ago."""
        if isinstance(event, Outcome):
            self._done += event.is_success
            self._failed += not event.is_success
        if self._total > _FEW:
            if self._is_time(None):
                counts = _counts(self._total, self._done, self._failed)
                sys.stderr.write(f"{counts}\n")
        elif isinstance(event, Progressed) and self._is_time(event.file):
            sys.stderr.write(f"{event.file.shown}: {told(event.task)}\n")

    def say(self, *lines: str) -> None:
        """Print lines."""
        print_lines(*lines)

    def _is_time(self, what: InputFile | None) -> bool:
        now = time.monotonic()
        if now - self._said_at.setdefault(what, now) < _PLAIN_EVERY_S:
            return False
        self._said_at[what] = now
        return True


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
        """The rows as they are now: what runs and what is being sent.

        Only where nothing does, a few that wait say why.
        """
        rows = Table.grid(padding=(0, 2))
        ranked = sorted(self._bars.items(), key=lambda pair: _rank(pair[1]))
        active = [pair for pair in ranked if _rank(pair[1]) < _WAITING]
        for file, task in active[:_ROWS] or ranked[:_WAITING_ROWS]:
            rows.add_row(
                Text(one_line(file.shown, characters=_NAME_CHARACTERS)),
                _bar(task),
                Text(one_line(told(task), characters=100), overflow="ellipsis"),
            )
        counts = _counts(self._total, self._done, self._failed)
        elapsed = clock(time.monotonic() - self._began)
        below = Text(f"{counts}   {elapsed}", style="dim")
        return Group(rows, below) if rows.row_count else below


@contextmanager
def display(*, total: int, is_json: bool) -> Iterator[Display]:
    """The display that fits where we write."""
    if is_json:
        yield QuietDisplay()
    elif not sys.stdout.isatty():
        yield PlainDisplay(total)
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
    """Running first, then on its way, then waiting."""
    if task is None:
        return 1
    return 0 if task.waiting_because is None else _WAITING


def _counts(total: int, done: int, failed: int) -> str:
    return f"{done} done, {failed} failed, {total - done - failed} to go"
