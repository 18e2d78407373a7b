"""The Python client: what a program asks of a PRSNL server, typed, one call each."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from pydantic import BaseModel, ValidationError

from prsnl.client_library import LibraryCalls
from prsnl.core.errors import BadRequestError, PrsnlError, UnavailableError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.items.models import AttachmentView, ItemView, LearnedView, PageView
from prsnl.items.restoring import RestoredItem
from prsnl.streams import Streams, problem_of
from prsnl.wire import (
    Accepted,
    ChildBody,
    FeedEvent,
    HealthBody,
    KeyBody,
    LinkBody,
    MadeKey,
    MeBody,
    Page,
    ProgressEvent,
    Scope,
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
_KEYS: Final = "/api/keys"
_ITEMS: Final = "/api/items"

B = TypeVar("B", bound=BaseModel)


class Client(LibraryCalls):
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
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(
            base_url=self.server,
            headers=headers,
            timeout=httpx2.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            # A proxy cannot reach this machine's own server.
            trust_env=not is_local(server),
        )
        self._streams = Streams(
            self.server, headers, self._http, is_local=is_local(server)
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
        return _parsed(Accepted, answer)

    def rerun(
        self, attachment_id: UUID | str, stage: str, pages: Sequence[int] = ()
    ) -> Accepted:
        """Have one stage of some pages done again, and what is made from them."""
        body: dict[str, Any] = {"stage": stage}
        if pages:
            body["pages"] = list(pages)
        path = f"/api/attachments/{attachment_id}/rerun"
        return _parsed(Accepted, self._ask("POST", path, json=body))

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

    def insights(self, attachment_id: UUID | str) -> LearnedView:
        """Type, key sentences and facts of a file, each fact with its place."""
        answer = self._ask("GET", f"/api/attachments/{attachment_id}/insights")
        return _parsed(LearnedView, answer)

    def bring_back(self, item_id: UUID | str, was: RestoredItem) -> ItemView:
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

    def me(self) -> MeBody:
        """Who the key stands for, and what it may do."""
        return _parsed(MeBody, self._ask("GET", "/api/me"))

    def make_link(self) -> LinkBody:
        """A one-use link that signs a browser in, with what this key may do."""
        return _parsed(LinkBody, self._ask("POST", "/api/links"))

    def keys(self) -> list[KeyBody]:
        """All keys, newest first, without their secrets. Needs the scope `admin`."""
        found: list[KeyBody] = []
        params: dict[str, Any] = {"limit": 200}
        while True:
            page = _parsed(Page[KeyBody], self._ask("GET", _KEYS, params=params))
            found.extend(page.items)
            if page.next is None:
                return found
            params["before"] = page.next

    def create_key(
        self,
        *,
        owner: str,
        name: str,
        scopes: Sequence[Scope] = (Scope.READ, Scope.WRITE),
        expires_in_days: int | None = None,
    ) -> MadeKey:
        """Make a key; its secret is told this once. Needs the scope `admin`.

        Args:
            owner: Whose documents it is for.
            name: What it is for.
            scopes: What it may do.
            expires_in_days: It ends by itself then; None for never.
        """
        wanted = {
            "owner": owner,
            "name": name,
            "scopes": list(scopes),
            "expires_in_days": expires_in_days,
        }
        return _parsed(MadeKey, self._ask("POST", _KEYS, json=wanted))

    def revoke_key(self, key_id: UUID | str) -> KeyBody:
        """Let a key in no more. Needs the scope `admin`."""
        return _parsed(KeyBody, self._ask("DELETE", f"{_KEYS}/{key_id}"))

    def health(self) -> HealthBody:
        """How the parts of the server are. Needs no key."""
        return _parsed(HealthBody, self._ask("GET", "/health"))

    def _told(self, kind: type[B], method: str, path: str, **request: Any) -> B:
        return _parsed(kind, self._ask(method, path, **request))

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
            refused = _refused_line(error)
            if isinstance(refused, ssl.SSLCertVerificationError):
                raise BadRequestError(
                    f"The certificate of {self.server} is not trusted here "
                    f"({refused.verify_message.rstrip('.')}): correct the address, or "
                    "name the file of its authority in SSL_CERT_FILE."
                ) from error
            if refused is not None:
                raise BadRequestError(
                    f"What answers at {self.server} does not speak https: correct the "
                    "address (without a proxy of yours it begins with http://)."
                ) from error
            raise self._streams.away() from error


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


def _refused_line(error: BaseException | None) -> ssl.SSLError | None:
    """What https itself ran into; None if it is not that."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _parsed(kind: type[B], answer: httpx2.Response) -> B:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        raise _foreign(answer) from error


def _error_of(answer: httpx2.Response) -> PrsnlError:
    """The error that a problem document tells, as the class with its code."""
    return problem_of(answer.content) or _foreign(answer)


def _foreign(answer: httpx2.Response) -> UnavailableError:
    return UnavailableError(
        f"What answers at {answer.url.copy_with(path='/', query=None)} (status "
        f"{answer.status_code}) is not a PRSNL server of this version: correct the "
        "address, or update."
    )


def _encodable(name: str) -> str:
    """A file name as the wire can carry it; a byte that is no UTF-8 becomes a mark."""
    return os.fsencode(name).decode(errors="replace")
