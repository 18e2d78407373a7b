"""Sends files a few at a time, and follows their tasks side by side."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from prsnl.client import Client
from prsnl.core.errors import (
    NotFoundError,
    PrsnlError,
    TooManyTasksError,
    UnavailableError,
)
from prsnl.core.ids import new_id
from prsnl.terminal.inputs import InputFile
from prsnl.terminal.outcome import Outcome, failed, fetch
from prsnl.wire.tasks import StatusBody, TaskBody
from prsnl.work.specs import ENDED, Status

#: Tasks that are followed at a time: more than a machine runs at a time.
_FOLLOWERS: Final = 8
#: Files that are sent at a time: more would only wait for the server's disk.
_SENDERS: Final = 3
#: Requests at a time when everything is cancelled.
_CANCELLERS: Final = 8
#: A server that is gone for so long does not come back by itself.
_PATIENCE_S: Final = 60.0
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 3.0
#: Short enough that a stop is noticed.
_POLL_S: Final = 10.0
_CANCEL_WITHIN_S: Final = 5.0
_ENDED_BEFORE: Final = tuple(state for state in ENDED if state is not Status.REVOKED)


@dataclass(frozen=True)
class Sending:
    """A file is on its way to the server."""

    file: InputFile


@dataclass(frozen=True)
class Progressed:
    """A task has changed."""

    file: InputFile
    task: TaskBody


@dataclass(frozen=True)
class _Fault:
    """A thread has ended by an error that nobody had foreseen."""

    error: BaseException

    def told(self) -> PrsnlError:
        where = traceback.extract_tb(self.error.__traceback__)[-1]
        return PrsnlError(
            "This command failed by a defect of its own, and what was sent goes on "
            f"({type(self.error).__name__}: {self.error}; {Path(where.filename).name}, "
            f"line {where.lineno}): start it again, and please report it."
        )


@dataclass(frozen=True)
class Cancelled:
    """What became of the files of a command that was stopped."""

    files: int
    #: These had ended, and nobody had looked yet.
    ended: int
    #: These go on, since another command made them.
    others: int


Event = Sending | Progressed | Outcome
T = TypeVar("T")


@dataclass
class _Job:
    file: InputFile
    sent_at: float
    task: TaskBody
    is_known: bool


@dataclass
class Run:
    """One command's files on their way. Its threads die with the process."""

    client: Client
    local_only: bool
    #: Opens the protected PDFs among the files.
    password: str | None = field(default=None, repr=False, kw_only=True)
    _events: queue.Queue[Event | _Fault] = field(default_factory=queue.Queue)
    _jobs: queue.Queue[_Job] = field(default_factory=queue.Queue)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: Tasks that were made for us, and have not ended.
    _open: set[UUID] = field(default_factory=set)
    #: Tasks of others, that our uploads merely found under way.
    _found: set[UUID] = field(default_factory=set)
    _senders: list[threading.Thread] = field(default_factory=list)
    #: The server has not answered for long: nobody waits for it again.
    _is_gone: bool = False

    def outcomes(self, files: Sequence[InputFile]) -> Iterator[Event]:
        """Process the files; tell what happens, at the end one outcome a file.

        Raises:
            PrsnlError: A defect of ours, with no outcome for some file.
        """
        unsent = iter(files)
        for _ in range(min(_SENDERS, len(files))):
            self._senders.append(self._started(self._send_all, unsent))
        for _ in range(min(_FOLLOWERS, len(files))):
            self._started(self._follow_all)
        left = len(files)
        while left:
            event = self._events.get()
            if isinstance(event, _Fault):
                self._stop.set()
                raise event.told() from event.error
            left -= isinstance(event, Outcome)
            yield event

    def submit_only(self, files: Sequence[InputFile]) -> Iterator[Outcome | TaskBody]:
        """Send the files and leave them; tell each one's task, or why it has none."""
        for file in files:
            try:
                yield self._send(file).task
            except (PrsnlError, OSError) as error:
                yield failed(file, error)

    def cancel(self) -> Cancelled:
        """Cancel what was submitted here and has not ended.

        Waits a few seconds for those that run to end.
        """
        self._stop.set()
        give_up_at = time.monotonic() + _CANCEL_WITHIN_S
        for sender in self._senders:
            sender.join(max(0.0, give_up_at - time.monotonic()))
        with self._lock:
            tasks, others = list(self._open), len(self._found)
        with ThreadPoolExecutor(_CANCELLERS) as pool:
            told = list(pool.map(self._cancel, tasks))
        give_up_at = time.monotonic() + _CANCEL_WITHIN_S
        for status in told:
            self._await_end(status, give_up_at)
        ended = sum(one is not None and one.status in _ENDED_BEFORE for one in told)
        return Cancelled(len(tasks) - ended, ended=ended, others=others)

    def _send_all(self, unsent: Iterator[InputFile]) -> None:
        while not self._stop.is_set():
            with self._lock:
                file = next(unsent, None)
            if file is None:
                return
            began = time.monotonic()
            self._events.put(Sending(file))
            try:
                job = self._send(file)
            except (PrsnlError, OSError) as error:
                waited_s = time.monotonic() - began
                self._events.put(failed(file, error, seconds=waited_s))
                continue
            self._events.put(Progressed(file, job.task))
            self._jobs.put(job)

    def _send(self, file: InputFile) -> _Job:
        began = time.monotonic()
        # Sent again after a lost answer, the task is still known as ours.
        key = f"process {new_id()}"
        if self.password is not None:
            return self._send_protected(file, began, key, self.password)
        sent = self._patiently(
            lambda: self.client.upload(
                file.path,
                local_only=self.local_only or file.local_only,
                idempotency_key=key,
                file_name=file.upload_as,
            )
        )
        assert sent.task is not None
        if sent.task.status not in ENDED:
            with self._lock:
                under_way = self._open if sent.is_new_task else self._found
                under_way.add(sent.task.task_id)
        return _Job(
            file,
            began,
            sent.task,
            is_known=sent.duplicate_of is not None and sent.task.status in ENDED,
        )

    def _send_protected(
        self, file: InputFile, began: float, key: str, password: str
    ) -> _Job:
        """First the file, then its password: an address never holds one."""
        sent = self._patiently(
            lambda: self.client.upload(
                file.path,
                process=False,
                local_only=self.local_only or file.local_only,
                file_name=file.upload_as,
            )
        )
        accepted = self._patiently(
            lambda: self.client.process_document(
                sent.attachment.id,
                password=password,
                local_only=self.local_only or file.local_only,
                idempotency_key=key,
            )
        )
        with self._lock:
            self._open.add(accepted.task_id)
        return _Job(file, began, self._status(accepted.task_id, None), is_known=False)

    def _follow_all(self) -> None:
        while not self._stop.is_set():
            job = self._jobs.get()
            try:
                self._events.put(self._follow(job))
            except PrsnlError as error:
                waited_s = time.monotonic() - job.sent_at
                self._events.put(failed(job.file, error, seconds=waited_s))

    def _follow(self, job: _Job) -> Outcome:
        seq = None
        while True:
            status = self._status(job.task.task_id, seq)
            if status.status in ENDED:
                break
            seq = status.seq
            self._events.put(Progressed(job.file, status))
        enrichment = self._enriched(job, status)
        with self._lock:
            self._open.discard(job.task.task_id)
            self._found.discard(job.task.task_id)
        return self._patiently(
            lambda: fetch(
                self.client,
                job.file,
                status,
                is_known=job.is_known,
                waited_s=time.monotonic() - job.sent_at,
                enrichment=enrichment,
            )
        )

    def _enriched(self, job: _Job, status: StatusBody) -> StatusBody | None:
        """Wait for a language model's summary, but not for a model that is away."""
        named = (status.result or {}).get("enrichment")
        if named is None:
            return None
        task_id, seq = UUID(named), None
        with self._lock:
            if job.task.task_id in self._open:
                self._open.add(task_id)
        try:
            while True:
                told = self._status(task_id, seq)
                if told.status in ENDED or told.status is Status.PARKED:
                    return told
                if told.status is Status.QUEUED and told.error is not None:
                    return told  # it failed, and is tried again in a minute or two
                seq = told.seq
                self._events.put(Progressed(job.file, told))
        except NotFoundError:
            return None
        finally:
            with self._lock:
                self._open.discard(task_id)

    def _status(self, task_id: UUID, seq: int | None) -> StatusBody:
        return self._patiently(
            lambda: self.client.status(task_id, seq=seq, wait_s=_POLL_S)
        )

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again for a while when the server does not answer: it may restart.

        Where as many tasks wait as may, some end by themselves: then for as long as
        it takes.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return ask()
            except TooManyTasksError as error:
                if self._stop.wait(error.retry_after_s or _LONGEST_WAIT_S):
                    raise
                continue
            except UnavailableError:
                if self._is_gone or time.monotonic() + wait_s > give_up_at:
                    self._is_gone = True
                    raise
            self._stop.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _cancel(self, task_id: UUID) -> StatusBody | None:
        try:
            return self.client.cancel(task_id)
        except PrsnlError:
            return None  # the server is gone; its next start finds the task as it is

    def _await_end(self, status: StatusBody | None, give_up_at: float) -> None:
        while status is not None and status.status not in ENDED:
            left_s = give_up_at - time.monotonic()
            if left_s <= 0:
                return
            try:
                status = self.client.status(
                    status.task_id, seq=status.seq, wait_s=left_s
                )
            except PrsnlError:
                return

    def _started(self, work: Callable[..., None], *values: Any) -> threading.Thread:
        def told() -> None:
            try:
                work(*values)
            except BaseException as error:  # noqa: BLE001 - raised by `outcomes`
                self._events.put(_Fault(error))

        thread = threading.Thread(target=told, daemon=True)
        thread.start()
        return thread
