"""`./prsnl status`, `cancel` and `retry`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines, told
from prsnl.terminal.summary import count, one_line
from prsnl.wire import HealthBody, StatusBody, TaskBody
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status

_NEWEST: Final = 10
_WIDE: Final = 240
#: A task's id is there to be copied whole.
_ID_CHARACTERS: Final = 36
_WATCH_EVERY_S: Final = 1.0


def status(task_id: str | None, *, server: str | None, watch: bool) -> int:
    """Show one task, or what the server does; 1 for a task that failed."""
    with servers.required(Settings.read(), server) as client:
        if task_id is not None:
            return _one(client, checked_id(task_id), watch=watch)
        if watch:
            _watch_all(client)
        else:
            _console().print(_overview(client))
    return 0


def cancel(task_ids: Sequence[str], *, server: str | None) -> int:
    """Cancel tasks."""
    with servers.required(Settings.read(), server) as client:
        for task_id in map(checked_id, task_ids):
            now = client.cancel(task_id)
            print_lines(f"{task_id}: {_after_cancel(now)}")
    return 0


def retry(task_ids: Sequence[str], *, server: str | None) -> int:
    """Queue failed tasks again."""
    with servers.required(Settings.read(), server) as client:
        for task_id in map(checked_id, task_ids):
            client.retry(task_id)
            follow = f"./prsnl status {task_id} --watch"
            print_lines(f"{task_id}: queued again.   Follow it: {follow}")
    return 0


def checked_id(task_id: str) -> UUID:
    """A task's id as the user typed it.

    Raises:
        BadRequestError: It is none.
    """
    try:
        return UUID(task_id)
    except ValueError as error:
        raise BadRequestError(
            f"{task_id} is no id of a task: ./prsnl status lists them."
        ) from error


def _one(client: Client, task_id: UUID, *, watch: bool) -> int:
    if watch:

        def show(now: TaskBody) -> None:
            print_lines(f"{now.status}: {told(now)}")

        final = client.wait(task_id, show)
    else:
        final = client.status(task_id)
    print_lines(*_lines(final))
    return 1 if final.status in DEAD_LETTERS else 0


def _lines(task: StatusBody) -> list[str]:
    percentage = task.progress.percentage
    share = "" if percentage is None else f" ({percentage:.0f} %)"
    lines = [
        f"{task.name}   {task.task_id}",
        f"  {task.status}{share}: {task.waiting_because or task.progress.message}",
    ]
    for stage in task.stages:
        known = " (known before)" if stage.from_checkpoint == stage.units else ""
        lines.append(
            f"  {stage.stage}: {count(stage.units, 'part')}, "
            f"{stage.milliseconds / 1000:.1f} s{known}"
        )
    lines.extend(f"  note: {warning}" for warning in task.warnings)
    if task.error is not None:
        lines.append(f"  {task.error.code}: {task.error.message}")
    return lines


def _after_cancel(task: StatusBody) -> str:
    if task.status is Status.REVOKED:
        return "cancelled."
    if task.status in ENDED:
        return f"it had ended already ({task.status})."
    return "is being cancelled, and gone within seconds."


def _console() -> Console:
    """As wide as the terminal; a pipe is as wide as need be."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def _watch_all(client: Client) -> None:
    console = _console()
    with Live(_overview(client), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(_WATCH_EVERY_S)
            live.update(_overview(client), refresh=True)


def _overview(client: Client) -> RenderableType:
    health = client.health()
    active = client.tasks(active=True, limit=100)
    parts: list[RenderableType] = [Text(line) for line in _service(client, health)]
    if active:
        parts.append(_table(active))
    else:
        ended = client.tasks(limit=_NEWEST)
        parts.append(Text("Nothing is under way." + (" Newest:" if ended else "")))
        parts.append(_table(ended))
    return Group(*parts)


def _service(client: Client, health: HealthBody) -> list[str]:
    workers = ", ".join(
        f"{queue} {of.busy} of {of.slots} busy" for queue, of in health.workers.items()
    )
    return [f"{client.server}   {workers or 'no workers'}", *health.problems]


def _table(tasks: Sequence[TaskBody]) -> Table:
    table = Table.grid(padding=(0, 2))
    for is_whole in (True, False, True, False):
        table.add_column(
            no_wrap=is_whole, min_width=None if table.columns else _ID_CHARACTERS
        )
    for task in tasks:
        table.add_row(
            Text(str(task.task_id)),
            Text(task.name),
            Text(task.status),
            Text(one_line(_state(task), characters=120)),
        )
    return table


def _state(task: TaskBody) -> str:
    if task.error is not None and task.status in DEAD_LETTERS:
        return task.error.message
    return told(task)
