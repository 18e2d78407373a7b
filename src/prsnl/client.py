"""The Python client: what a program asks of a PRSNL server, typed, one call each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from pydantic import BaseModel, ValidationError

from prsnl.core.errors import BadRequestError, PrsnlError, UnavailableError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.items.models import AttachmentView, ItemView, PageView
from prsnl.items.restoring import RestoredItem
from prsnl.wire import (
    Accepted,
    ChildBody,
    HealthBody,
    Page,
    Problem,
    StatusBody,
    TaskBody,
    Uploaded,
)
from prsnl.work.specs import ENDED, Status

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_TIMEOUT_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 5.0
#: One long poll of `wait`; the server allows 30.
_POLL_S: Final = 20.0
_KEY_FILE: Final = "api-key"
#: The API's paths; only here.
_TASKS: Final = "/api/background/tasks"
_ITEMS: Final = "/api/items"

B = TypeVar("B", bound=BaseModel)


class Client:
    """Talks to one server. Safe to use from several threads; close it at the end.

    Every method raises a subclass of `PrsnlError` with the server's own sentence,
    `UnavailableError` when no server answers.
    """

    def __init__(self, server: str, key: str | None = None) -> None:
        """Connects at the first call.

        Args:
            server: The address, e.g. "http://127.0.0.1:8000".
            key: The key; without one only `health` answers.

        Raises:
            BadRequestError: The address or the key is none.
        """
        key = key.strip() if key else ""
        if not (key.isascii() and key.isprintable()):
            raise BadRequestError(
                "What is given as the API key is none: look at PRSNL_API_KEY."
            )
        if not _is_address(server):
            raise BadRequestError(
                f"{server} is no address of a server: it begins with http:// or "
                "https://."
            )
        self.server = server.rstrip("/")
        self._http = httpx2.Client(
            base_url=self.server,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            # A proxy cannot reach this machine's own server.
            trust_env=not is_local(server),
        )

    @classmethod
    def local(cls, data_dir: Path | None = None) -> Self:
        """A client for the server that runs on this machine.

        Args:
            data_dir: The server's data folder; by default the one that
                `PRSNL_DATA_DIR` sets.

        Raises:
            UnavailableError: None runs there.
        """
        folder = data_dir or Settings.read().storage.folder
        running = RunningServer.find(folder)
        if running is None:
            raise UnavailableError(
                f"No server runs on {folder}: start one with ./prsnl up."
            )
        return cls(running.url, local_key(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def upload(
        self,
        path: Path,
        *,
        process: bool = True,
        again: bool = False,
        local_only: bool = False,
        idempotency_key: str | None = None,
        file_name: str | None = None,
    ) -> Uploaded:
        """Send a file, streamed from disk.

        Sending it once more is safe: the same bytes are one file, and a task that
        runs or has succeeded is told, not repeated.

        Args:
            path: The file.
            process: Also process it.
            again: Also when that was done already.
            local_only: No byte of it may leave the server's machine.
            idempotency_key: Makes `again` safe to repeat, too.
            file_name: What it is called there, if not as here.

        Raises:
            OSError: The file cannot be read.
        """
        with path.open("rb") as file:
            return self._upload(
                file,
                file_name or _encodable(path.name),
                {"process": process, "again": again, "local_only": local_only},
                idempotency_key,
            )

    def _upload(
        self,
        file: BinaryIO,
        name: str,
        options: dict[str, bool],
        idempotency_key: str | None,
    ) -> Uploaded:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._ask(
            "POST",
            "/api/attachments",
            params=options,
            files={"file": (name, file, "application/octet-stream")},
            headers=headers,
        )
        return _parsed(Uploaded, answer)

    def process_batch(
        self, file_ids: Sequence[UUID], *, max_concurrency: int = 4
    ) -> Accepted:
        """Process stored files as one task, with a child task each."""
        body = {
            "file_ids": [str(one) for one in file_ids],
            "max_concurrency": max_concurrency,
        }
        answer = self._ask("POST", "/api/background/files/batch", json=body)
        return _parsed(Accepted, answer)

    def children(
        self, task_id: UUID | str, *, statuses: Sequence[Status] = ()
    ) -> Iterator[ChildBody]:
        """The parts of a task, newest first, fetched page by page."""
        params: dict[str, Any] = {"limit": 200, "status": list(map(str, statuses))}
        while True:
            answer = self._ask("GET", f"{_TASKS}/{task_id}/children", params=params)
            page = _parsed(Page[ChildBody], answer)
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
            timeout=httpx2.Timeout(_TIMEOUT_S + wait_s, connect=_CONNECT_TIMEOUT_S),
        )
        return _parsed(StatusBody, answer)

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

    def tasks(self, *, active: bool = False, limit: int = 50) -> list[TaskBody]:
        """The newest tasks; with *active* those that have not ended."""
        path = f"{_TASKS}/active" if active else _TASKS
        answer = self._ask("GET", path, params={"limit": limit})
        return _parsed(Page[TaskBody], answer).items

    def cancel(self, task_id: UUID | str) -> StatusBody:
        """Cancel a task; one that runs is gone within seconds."""
        return _parsed(StatusBody, self._ask("DELETE", f"{_TASKS}/{task_id}"))

    def retry(self, task_id: UUID | str) -> StatusBody:
        """Queue a failed task again."""
        return _parsed(StatusBody, self._ask("POST", f"{_TASKS}/{task_id}/retry"))

    def attachment(self, attachment_id: UUID | str) -> AttachmentView:
        """One file."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}")
        return _parsed(AttachmentView, answer)

    def items(self) -> Iterator[ItemView]:
        """Every item, newest first, fetched page by page."""
        params: dict[str, Any] = {"limit": 100}
        while True:
            page = _parsed(Page[ItemView], self._ask("GET", _ITEMS, params=params))
            yield from page.items
            if page.next is None:
                return
            params["before"] = page.next

    def restore(self, item_id: UUID | str, was: RestoredItem) -> ItemView:
        """Set an item to what an export says of it."""
        answer = self._ask(
            "PUT", f"{_ITEMS}/{item_id}/restored", json=was.model_dump(mode="json")
        )
        return _parsed(ItemView, answer)

    def download(self, attachment_id: UUID | str, target: Path) -> None:
        """Write a file's own bytes to *target*, streamed."""
        path = f"/api/attachments/{attachment_id}/content"
        with (
            self._outages_are_named(),
            self._http.stream("GET", path) as answer,
            target.open("wb") as file,
        ):
            if answer.is_error:
                answer.read()
                raise _error_of(answer)
            for piece in answer.iter_bytes():
                file.write(piece)

    def item(self, item_id: UUID | str) -> ItemView:
        """One item: what was learned of it."""
        return _parsed(ItemView, self._ask("GET", f"/api/items/{item_id}"))

    def text(self, attachment_id: UUID | str) -> str:
        """The text of a file."""
        return self._ask("GET", f"/api/attachments/{attachment_id}/text").text

    def markdown(self, attachment_id: UUID | str) -> str:
        """A file as Markdown, with front matter and page marks."""
        return self._ask("GET", f"/api/attachments/{attachment_id}/markdown").text

    def pages(self, attachment_id: UUID | str) -> Iterator[PageView]:
        """The pages of a file, in order."""
        after: str | None = "0"
        while after is not None:
            answer = self._ask(
                "GET",
                f"/api/attachments/{attachment_id}/pages",
                params={"after": after, "limit": 200},
            )
            page = _parsed(Page[PageView], answer)
            yield from page.items
            after = page.next

    def health(self) -> HealthBody:
        """How the parts of the server are. Needs no key."""
        return _parsed(HealthBody, self._ask("GET", "/health"))

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        with self._outages_are_named():
            answer = self._http.request(method, path, **request)
        if answer.is_error:
            raise _error_of(answer)
        return answer

    @contextmanager
    def _outages_are_named(self) -> Iterator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            raise UnavailableError(
                f"No server answers at {self.server}: start it with ./prsnl up, or "
                "correct the address."
            ) from error


def local_key(data_dir: Path) -> str | None:
    """The first key of the server on a data folder; None if it cannot be read."""
    try:
        return (data_dir / _KEY_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def is_local(server: str) -> bool:
    """Whether an address is this machine's own."""
    return _is_address(server) and urlsplit(server).hostname in _LOOPBACK


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        _ = parts.port  # out of range, or no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _parsed(kind: type[B], answer: httpx2.Response) -> B:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        raise _foreign(answer) from error


def _error_of(answer: httpx2.Response) -> PrsnlError:
    """The error that a problem document tells, as the class with its code."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return _foreign(answer)
    return PrsnlError.from_wire(
        {
            "code": problem.code,
            "message": problem.detail,
            "retry_after_s": problem.retry_after_s,
        }
    )


def _foreign(answer: httpx2.Response) -> UnavailableError:
    return UnavailableError(
        f"What answers at {answer.url.copy_with(path='/', query=None)} (status "
        f"{answer.status_code}) is not a PRSNL server of this version: correct the "
        "address, or update."
    )


def _encodable(name: str) -> str:
    """A file name as the wire can carry it; a byte that is no UTF-8 becomes a mark."""
    return os.fsencode(name).decode(errors="replace")
