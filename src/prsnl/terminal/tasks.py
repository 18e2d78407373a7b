"""`./prsnl status`, `cancel` and `retry`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers, watching
from prsnl.terminal.live import print_lines, told
from prsnl.terminal.summary import count, one_line
from prsnl.wire.monitoring import HealthBody
from prsnl.wire.tasks import ProgressEvent, StatusBody, TaskBody
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status

_NEWEST: Final = 10
#: Tasks that one answer of the server holds.
_MOST: Final = 100
_STATE_CHARACTERS: Final = 120


def status(task_id: str | None, *, server: str | None, watch: bool) -> int:
    """Show one task, or what the server does; 1 for a task that failed."""
    with servers.required(Settings.read(), server) as client:
        if task_id is not None:
            return _one(client, checked_id(task_id), watch=watch)
        if watch:
            _watch_all(client)
        else:
            is_wide = not sys.stdout.isatty()
            print_lines(*overview(client, _MOST, is_wide=is_wide))
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
    final = watching.one(client, task_id) if watch else client.status(task_id)
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


def _watch_all(client: Client) -> None:
    """Show what happens as it happens: in place on a terminal, else in lines."""

    def shown(most: int | None) -> list[str]:
        return overview(client, most or _MOST, is_wide=most is None)

    watching.everything(client, shown, _event_line)


def overview(client: Client, most: int, *, is_wide: bool) -> list[str]:
    """What the server does: itself, then the tasks under way, else the newest.

    Args:
        client: Asks.
        most: So many tasks are shown.
        is_wide: A task is one line, for a pipe; else two, for 80 columns.
    """
    health = client.health()
    active = client.tasks(active=True, limit=_MOST)
    ended = [] if active else client.tasks(limit=_NEWEST)
    told = _service(client, health)
    if not active:
        told.append("Nothing is under way." + (" Newest:" if ended else ""))
    for task in (active or ended)[:most]:
        told.extend(_row(task, is_wide=is_wide))
    if len(active) > most:
        more = "" if len(active) < _MOST else " or more"
        told.append(f"and {len(active) - most}{more} more")
    return told


def _service(client: Client, health: HealthBody) -> list[str]:
    workers = ", ".join(
        f"{queue} {of.busy} of {of.slots} busy" for queue, of in health.workers.items()
    )
    return [f"{client.server}   {workers or 'no workers'}", *health.problems]


def _row(task: TaskBody, *, is_wide: bool) -> list[str]:
    """A task in one line, or in two that a narrow terminal has room for.

    Its id comes first, whole: it is there to be copied.
    """
    head = f"{task.task_id}  {task.name}  {task.status}"
    state = one_line(_state(task), characters=_STATE_CHARACTERS)
    return [f"{head}  {state}"] if is_wide else [head, f"  {state}"]


def _event_line(event: ProgressEvent) -> str:
    state = one_line(told(event), characters=_STATE_CHARACTERS)
    return f"{event.task_id}  {event.name}  {event.status}  {state}"


def _state(task: TaskBody) -> str:
    if task.error is not None and task.status in DEAD_LETTERS:
        return task.error.message
    return told(task)
