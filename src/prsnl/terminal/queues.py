"""`./prsnl queues`: what waits in each, and their pauses."""

from __future__ import annotations

from typing import Final

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.terminal.summary import count
from prsnl.wire.monitoring import QueueBody
from prsnl.work.queues import Queue

_NAME_WIDTH: Final = max(map(len, Queue))


def show(*, server: str | None) -> int:
    """Show each queue, the highest priority first."""
    with servers.required(Settings.read(), server) as client:
        for queue in client.queues():
            print_lines(*_lines(queue))
    return 0


def pause(name: str, *, server: str | None) -> int:
    """Pause a queue."""
    queue = _known(name)
    with servers.required(Settings.read(), server) as client:
        now = client.pause_queue(queue)
    running = f" {_tasks(now.running)} still, to the end." if now.running else ""
    print_lines(
        f"{queue} is paused: no task of it begins.{running}",
        f"Let it go on: ./prsnl queues resume {queue}",
    )
    return 0


def resume(name: str, *, server: str | None) -> int:
    """Let a queue go on."""
    queue = _known(name)
    with servers.required(Settings.read(), server) as client:
        now = client.resume_queue(queue)
    print_lines(
        f"{queue} goes on: {now.depth} in line.",
        *([now.problem] if now.problem else []),
    )
    return 0


def _lines(queue: QueueBody) -> list[str]:
    told = [f"{queue.running} running", f"{queue.depth} in line"]
    if queue.parked:
        told.append(f"{queue.parked} parked")
    if queue.waiting:
        told.append(f"{queue.waiting} waiting for their parts")
    workers = f"{count(queue.workers, 'worker')}, {count(queue.slots, 'slot')}"
    lines = [f"{queue.name:<{_NAME_WIDTH}}   {', '.join(told)}   {workers}"]
    # A queue that nobody serves is no problem of one who asks nothing of it.
    is_used = queue.workers or queue.depth or queue.parked or queue.paused_by
    return [*lines, f"  {queue.problem}"] if queue.problem and is_used else lines


def _tasks(number: int) -> str:
    return "1 task runs" if number == 1 else f"{number} tasks run"


def _known(name: str) -> Queue:
    try:
        return Queue(name)
    except ValueError as error:
        raise BadRequestError(
            f"{name} is no queue; there are {', '.join(Queue)}."
        ) from error
