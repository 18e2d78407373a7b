"""The client's calls for tasks: submit, follow, cancel, retry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import httpx2

from prsnl.client.connection import CONNECT_TIMEOUT_S, TIMEOUT_S, Connection, parsed
from prsnl.wire.base import Page
from prsnl.wire.task_log import LogLine
from prsnl.wire.tasks import (
    Accepted,
    ChildBody,
    FeedEvent,
    ProgressEvent,
    StatusBody,
    TaskBody,
)
from prsnl.work.specs import ENDED, Status

#: One long poll of `wait`; the server allows 30.
_POLL_S: Final = 20.0
_TASKS: Final = "/api/background/tasks"


class TaskCalls(Connection):
    """What a program may do with tasks."""

    def process_document(
        self,
        file_id: UUID | str,
        *,
        password: str | None = None,
        local_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have a stored file processed.

        Args:
            file_id: The attachment.
            password: Opens a protected PDF; the server forgets it when the task ends.
            local_only: No byte of it may leave the server's machine.
            idempotency_key: Makes it safe to repeat.
        """
        options: dict[str, Any] = {"local_only": local_only}
        if password is not None:
            options["password"] = password
        answer = self._ask(
            "POST",
            "/api/background/files/process-document",
            json={"file_id": str(file_id), "options": options},
            headers={"Idempotency-Key": idempotency_key} if idempotency_key else {},
        )
        return parsed(Accepted, answer)

    def process_batch(
        self, file_ids: Sequence[UUID], *, max_concurrency: int = 4
    ) -> Accepted:
        """Process stored files as one task, with a child task each."""
        body = {
            "file_ids": [str(one) for one in file_ids],
            "max_concurrency": max_concurrency,
        }
        answer = self._ask("POST", "/api/background/files/batch", json=body)
        return parsed(Accepted, answer)

    def children(
        self, task_id: UUID | str, *, statuses: Sequence[Status] = ()
    ) -> Iterator[ChildBody]:
        """The parts of a task, newest first, fetched page by page."""
        params: dict[str, Any] = {"limit": 200, "status": list(map(str, statuses))}
        while True:
            answer = self._ask("GET", f"{_TASKS}/{task_id}/children", params=params)
            page = parsed(Page[ChildBody], answer)
            yield from page.items
            if page.next is None:
                return
            params["before"] = page.next

    def status(
        self, task_id: UUID | str, *, seq: int | None = None, wait_s: float = 0
    ) -> StatusBody:
        """One task.

        Args:
            task_id: Which.
            seq: The newest `seq` that is known.
            wait_s: With *seq*: wait so long for a newer one, at most 30 seconds.
        """
        params: dict[str, Any] = {"wait_s": wait_s}
        if seq is not None:
            params["seq"] = seq
        answer = self._ask(
            "GET",
            f"/api/background/status/{task_id}",
            params=params,
            timeout=httpx2.Timeout(TIMEOUT_S + wait_s, connect=CONNECT_TIMEOUT_S),
        )
        return parsed(StatusBody, answer)

    def wait(
        self,
        task_id: UUID | str,
        on_progress: Callable[[StatusBody], None] | None = None,
    ) -> StatusBody:
        """Wait until a task has ended, in whatever way; tell every change before."""
        status = self.status(task_id)
        while True:
            if on_progress is not None:
                on_progress(status)
            if status.status in ENDED:
                return status
            status = self.status(task_id, seq=status.seq, wait_s=_POLL_S)

    def follow(
        self, task_id: UUID | str, *, seq: int | None = None
    ) -> Iterator[ProgressEvent]:
        """One task, live: how it is now, then each event, until it has ended.

        Goes on where it was after a lost connection or a restart of the server: no
        event is missed, none comes twice.

        Args:
            task_id: Which.
            seq: Begin after this number instead (-1: with the first event). What is
                no longer kept is left out.

        Raises:
            NotFoundError: There is no such task.
            UnavailableError: The server was away for a minute.
        """
        return self._streams.task(task_id, seq)

    def events(self, *, cursor: str | None = None) -> Iterator[FeedEvent]:
        """All tasks, live, from now on or from a cursor on; never ends by itself.

        The first event is a `ReadyEvent`: what happens from there on is told, so read
        lists after it. Then comes a `ProgressEvent` for each change; of two of one
        task the higher `seq` is the newer. A `GapEvent` says that what came after the
        cursor is no longer kept: read the lists anew. After a lost connection or a
        restart of the server it goes on where it was.

        Args:
            cursor: Of the last event that is known.

        Raises:
            UnavailableError: The server was away for a minute.
        """
        return self._streams.feed(cursor)

    def tasks(self, *, active: bool = False, limit: int = 50) -> list[TaskBody]:
        """The newest tasks; with *active* those that have not ended."""
        path = f"{_TASKS}/active" if active else _TASKS
        answer = self._ask("GET", path, params={"limit": limit})
        return parsed(Page[TaskBody], answer).items

    def log(self, task_id: UUID | str) -> Iterator[LogLine]:
        """What workers did of a task, the oldest line first, fetched page by page."""
        params: dict[str, Any] = {"limit": 1000}
        while True:
            answer = self._ask("GET", f"{_TASKS}/{task_id}/log", params=params)
            page = parsed(Page[LogLine], answer)
            yield from page.items
            if page.next is None:
                return
            params["after"] = page.next

    def cancel(self, task_id: UUID | str) -> StatusBody:
        """Cancel a task; one that runs is gone within seconds."""
        return parsed(StatusBody, self._ask("DELETE", f"{_TASKS}/{task_id}"))

    def retry(self, task_id: UUID | str) -> StatusBody:
        """Queue a failed task again."""
        return parsed(StatusBody, self._ask("POST", f"{_TASKS}/{task_id}/retry"))
