"""One child, as its user sees it: files in, frames out, every end a named error."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

import structlog

from prsnl.core.errors import (
    BadRequestError,
    Category,
    ChildCrashedError,
    ChildKilledError,
    CorruptError,
    DiskFullError,
    EmptyError,
    EncryptedError,
    OutOfMemoryError,
    PrsnlError,
    TimeLimitError,
    TooLargeError,
    UnsupportedError,
)
from prsnl.core.storage import no_room
from prsnl.engines.contracts import OPERATION_TITLES, JsonObject
from prsnl.engines.sandbox.child import OUT_OF_MEMORY_STATUS
from prsnl.engines.sandbox.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    FrameTooLargeError,
    body_bytes,
    decode,
    encode,
)
from prsnl.engines.sandbox.layers import Layers
from prsnl.engines.sandbox.orders import Ending
from prsnl.engines.sandbox.process import NurseryProcess, log_tail
from prsnl.engines.sandbox.scratch import Scratch

_log = structlog.get_logger()

_MIB: Final = 2**20
#: How often the child's files and log are looked at, in seconds.
_WATCH_S: Final = 0.5
#: A child that closed its channel without ending is killed after so long.
_FAREWELL_S: Final = 0.5
_LOG_BYTES: Final = _MIB
_RECEIVE_BYTES: Final = 2**18
#: With less than this it is the disk that is full, and not the child's share of it.
_NO_ROOM_BYTES: Final = 16 * _MIB
_MESSAGE_CHARACTERS: Final = 500
#: What an operation may say of its input; the rest is not for a child to decide.
_TELLABLE: Final = (
    BadRequestError,
    TooLargeError,
    UnsupportedError,
    EncryptedError,
    CorruptError,
    EmptyError,
    OutOfMemoryError,
    TimeLimitError,
)
#: What libraries print before they abort for want of memory.
_MEMORY_WORDS: Final = (
    "bad_alloc",
    "memory allocation of",
    "MemoryError",
    "out of memory",
    "Out of memory",
    "Cannot allocate memory",
)


@dataclass(frozen=True, kw_only=True)
class ChildLimits:
    """What is the same for every child.

    Attributes:
        disk_bytes: What it may write, in all its files together.
        cpu_s: Processor seconds in its whole life; a backstop behind the time limit
            of each call.
        nice: How far it gives way to other processes.
        open_files: File descriptors.
        frame_bytes: The largest answer in one frame.
        request_bytes: The largest request, which goes in one frame too.
        answer_bytes: All frames of one operation together.
        start_timeout_s: Seconds until a start has failed.
        take_timeout_s: Seconds that a use waits for one that others have.
    """

    disk_bytes: int
    cpu_s: int = 3600
    nice: int = 0
    open_files: int = 256
    frame_bytes: int = 16 * _MIB
    request_bytes: int = 128 * _MIB
    answer_bytes: int = 1024 * _MIB
    start_timeout_s: float = 60.0
    take_timeout_s: float = 900.0


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one child may use, and the variable that sets each of it.

    Attributes:
        memory_bytes: Its address space.
        cpu_s: Processor seconds in its whole life.
    """

    memory_bytes: int
    cpu_s: int
    memory_setting: str = "PRSNL_CHILD_MEMORY_BYTES"
    time_setting: str = "PRSNL_CHILD_UNIT_TIMEOUT_S"
    cpu_setting: str = "PRSNL_CHILD_CPU_S"


class Child:
    """A child at work; one thread talks with it, and any may kill it."""

    def __init__(
        self,
        *,
        nursery: NurseryProcess,
        channel: socket.socket,
        scratch: Scratch,
        log: IO[bytes],
        limits: ChildLimits,
        bounds: Bounds,
    ) -> None:
        self.scratch = scratch
        self.layers = nursery.layers
        #: Most resident memory so far, in bytes, as far as told.
        self.peak_memory_bytes = 0
        #: How many calls it has answered.
        self.calls = 0
        self._nursery = nursery
        self._channel = channel
        self._child_log = log
        self._limits = limits
        self._bounds = bounds
        self._received = bytearray()
        self._is_busy = False
        self._is_killed = False
        self._ended = False
        #: A nursery forks the next child once this one has ended: a late `kill` must
        #: not reach that.
        self._ending_lock = threading.Lock()
        self._answer_bytes = 0

    @classmethod
    def greet(
        cls,
        *,
        nursery: NurseryProcess,
        channel: socket.socket,
        scratch: Scratch,
        log: IO[bytes],
        limits: ChildLimits,
        bounds: Bounds,
    ) -> Self:
        """Wait for the first frame of a child, which tells its layers.

        Raises:
            PrsnlError: It ended, or did not speak in time.
        """
        child = cls(
            nursery=nursery,
            channel=channel,
            scratch=scratch,
            log=log,
            limits=limits,
            bounds=bounds,
        )
        try:
            hello = child._receive("start", limits.start_timeout_s)
        except PrsnlError:
            child.end()
            raise
        child.layers = Layers.from_wire(hello.get("layers", {}))
        return child

    @property
    def is_reusable(self) -> bool:
        """Whether it waits for the next call."""
        return not (self._is_busy or self._is_killed or self._ended)

    def put(self, name: str) -> Path:
        """Where to place an input that the child sees as `inputs / name`.

        Raises:
            BadRequestError: The name is not a plain file name.
        """
        return self.scratch.inputs / _plain(name)

    def output(self, name: str, *, max_bytes: int = 16 * _MIB) -> Path:
        """A file that the child wrote, copied out of its reach.

        It is gone when the child is given back: read it or move it before.

        Args:
            name: As the child told it.
            max_bytes: The largest that is taken, in bytes.

        Raises:
            ChildCrashedError: There is no such regular file.
            DiskFullError: It is larger.
        """
        found = self.scratch.output(_plain(name), max_bytes=max_bytes)
        if found is None:
            raise ChildCrashedError(
                "What read the file named a result that it did not leave. Try again."
            )
        return found

    def call(
        self, operation: str, params: JsonObject, *, timeout_s: float
    ) -> JsonObject:
        """Run an operation that answers with exactly one frame.

        Args:
            operation: Its name in the pool's table.
            params: Goes to the operation as JSON.
            timeout_s: Seconds of wall time.

        Raises:
            TooLargeError: The request, or a frame of the answer, is over the limit.
            PrsnlError: What the operation raised, or how the child ended.
        """
        frames = self.stream(operation, params, unit_timeout_s=timeout_s)
        first = next(frames, None)
        if first is None or next(frames, None) is not None:
            raise PrsnlError(
                f"{_what(operation)} did not give exactly one answer. This is a "
                "defect of ours; please report it."
            )
        return first

    def stream(
        self, operation: str, params: JsonObject, *, unit_timeout_s: float
    ) -> Iterator[JsonObject]:
        """Run an operation, and yield its frames as they come.

        A stream that is not read to its end leaves the child busy: it is discarded.

        Args:
            operation: Its name in the pool's table.
            params: Goes to the operation as JSON.
            unit_timeout_s: Seconds of wall time until the first frame, and between
                two.

        Raises:
            TooLargeError: The request, or a frame of the answer, is over the limit.
            PrsnlError: What the operation raised, or how the child ended.
        """
        try:
            yield from self._streamed(operation, params, unit_timeout_s)
        except PrsnlError as error:
            error.engine = operation
            raise

    def _streamed(
        self, operation: str, params: JsonObject, unit_timeout_s: float
    ) -> Iterator[JsonObject]:
        if self._is_killed:
            raise ChildKilledError(f"{_what(operation)} was stopped.")
        if not self.is_reusable:
            raise PrsnlError(f"{_what(operation)}: this child is busy or has ended.")
        request = self._request(operation, params)
        self.scratch.open_inputs()
        self._is_busy = True
        self._answer_bytes = 0
        self._send(operation, request, unit_timeout_s)
        while True:
            told = self._receive(operation, unit_timeout_s)
            kind, value = told.get("kind"), told.get("value")
            if kind != "frame":
                break
            if not isinstance(value, dict):
                self._fail(operation, ChildCrashedError, "sent a damaged answer")
            yield value
        self._finish(operation, told)

    def kill(self) -> None:
        """Kill it at once, from any thread; a call that waits gets ChildKilledError."""
        with self._ending_lock:
            self._is_killed = True
            if not self._ended:
                self._nursery.kill_child()

    def log_tail(self) -> str:
        """The last lines it or its libraries printed; for our own log alone."""
        return "" if self._child_log.closed else log_tail(self._child_log)

    def end(self) -> None:
        """End it if it has not ended, and remove its files; the nursery stays."""
        if not self._ended:
            self._await_ending(kill=True)
        self._channel.close()
        self._child_log.close()
        self.scratch.remove()

    def _finish(self, operation: str, told: Frame) -> None:
        """Take the last frame of an operation: its end, or what it raised."""
        peak = told.get("peak_memory_bytes")
        if isinstance(peak, int):
            self.peak_memory_bytes = max(self.peak_memory_bytes, peak)
        kind = told.get("kind")
        self._watch(operation)
        if kind == "end":
            self.calls += 1
            self._is_busy = False
        elif kind == "error" and isinstance(told.get("error"), dict):
            error = self._told_error(operation, told["error"])
            if error.category is Category.PERMANENT:
                self.calls += 1
                self._is_busy = False
            raise error
        elif kind == "memory":
            self._await_ending(kill=True)
            raise self._out_of_memory(operation)
        elif kind == "bug":
            name = "".join(c for c in str(told.get("type"))[:80] if c.isidentifier())
            _log.warning(
                "sandbox.operation_failed", operation=operation, trace=self.log_tail()
            )
            self._await_ending(kill=True)
            raise PrsnlError(
                f"{_what(operation)} failed on this input ({name or 'unknown'}). If it "
                "fails again, please report it."
            )
        else:
            self._fail(operation, ChildCrashedError, "sent a damaged answer")

    def _told_error(self, operation: str, told: dict[str, Any]) -> PrsnlError:
        try:
            error = PrsnlError.from_wire({**told, "provider": None})
        except (TypeError, ValueError):
            error = PrsnlError("")
        if isinstance(error, DiskFullError):
            return self._disk_full(operation)
        if not isinstance(error, _TELLABLE):
            return PrsnlError(
                f"{_what(operation)} failed on this input. If it fails again, please "
                "report it."
            )
        message = error.message[:_MESSAGE_CHARACTERS]
        message = message.replace(str(self.scratch.inputs) + os.sep, "")
        return type(error)(message.replace(str(self.scratch.folder), ""))

    def _request(self, operation: str, params: JsonObject) -> bytes:
        maximum = self._limits.request_bytes
        try:
            return encode({"operation": operation, "params": params}, maximum=maximum)
        except FrameTooLargeError as error:
            raise TooLargeError(
                f"{_what(operation)} takes at most {maximum // _MIB} MiB of text at "
                "once. Divide the file, and process its parts."
            ) from error

    def _send(self, operation: str, request: bytes, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        data = memoryview(request)
        while data:
            self._wait(operation, select.POLLOUT, deadline, timeout_s)
            try:
                data = data[self._channel.send(data) :]
            except BlockingIOError:
                continue
            except OSError:
                self._lost(operation)

    def _receive(self, operation: str, timeout_s: float) -> Frame:
        deadline = time.monotonic() + timeout_s
        try:
            header = self._receive_bytes(operation, HEADER_BYTES, deadline, timeout_s)
            length = body_bytes(header, maximum=self._limits.frame_bytes)
            self._answer_bytes += length
            if self._answer_bytes > self._limits.answer_bytes:
                self._await_ending(kill=True)
                raise self._endless(operation)
            body = self._receive_bytes(operation, length, deadline, timeout_s)
            return decode(body)
        except FrameError:
            self._fail(operation, ChildCrashedError, "sent a damaged answer")

    def _receive_bytes(
        self, operation: str, count: int, deadline: float, timeout_s: float
    ) -> bytes:
        while len(self._received) < count:
            self._wait(operation, select.POLLIN, deadline, timeout_s)
            try:
                part = self._channel.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            if not part:
                self._lost(operation)
            self._received += part
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def _wait(
        self, operation: str, event: int, deadline: float, timeout_s: float
    ) -> None:
        """Wait until the channel is ready; watch time and disk meanwhile."""
        poll = select.poll()
        poll.register(self._channel, event)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self._await_ending(kill=True)
                if self._is_killed:
                    raise ChildKilledError(f"{_what(operation)} was stopped.")
                raise TimeLimitError(
                    f"{_what(operation)} took longer than {timeout_s:g} s for one "
                    f"step. Try a smaller file, or raise {self._bounds.time_setting}."
                )
            if poll.poll(1000 * min(left, _WATCH_S)):
                return
            self._watch(operation)

    def _watch(self, operation: str) -> None:
        limit = self._limits.disk_bytes
        if self.scratch.used_bytes(enough=limit + 1) > limit:
            self._await_ending(kill=True)
            raise self._disk_full(operation)
        if os.fstat(self._child_log.fileno()).st_size > _LOG_BYTES:
            with contextlib.suppress(OSError):
                os.ftruncate(self._child_log.fileno(), 0)

    def _fail(self, operation: str, kind: type[PrsnlError], what: str) -> NoReturn:
        self._await_ending(kill=True)
        if self._is_killed:
            raise ChildKilledError(f"{_what(operation)} was stopped.")
        raise kind(
            f"{_what(operation)}: the process that did it {what}. It is tried again."
        )

    def _lost(self, operation: str) -> NoReturn:
        """The child has ended, or closed its channel: say why."""
        ending = self._await_ending(kill=False)
        if self._is_killed:
            raise ChildKilledError(f"{_what(operation)} was stopped.")
        if ending is None:
            raise ChildCrashedError(
                f"{_what(operation)}: the process that did it was lost. It is tried "
                "again."
            )
        if self._ran_out_of_time(ending):
            raise TimeLimitError(
                f"{_what(operation)} used more than {self._bounds.cpu_s} s of "
                "processor time. Try a smaller file, or raise "
                f"{self._bounds.cpu_setting}."
            )
        if ending.signal == signal.SIGXFSZ:
            raise self._disk_full(operation)
        if self._ran_out_of_memory(ending):
            raise self._out_of_memory(operation)
        how = (
            f"was ended by {signal.Signals(ending.signal).name}"
            if ending.signal
            else f"ended without an answer (status {ending.status})"
        )
        _log.warning("sandbox.child_crashed", operation=operation, how=how)
        raise ChildCrashedError(
            f"{_what(operation)}: the process that did it {how}. It is tried again; "
            "if it stays, the file may be damaged."
        )

    def _ran_out_of_time(self, ending: Ending) -> bool:
        return ending.signal == signal.SIGXCPU or (
            ending.signal == signal.SIGKILL and ending.cpu_s >= self._bounds.cpu_s
        )

    def _ran_out_of_memory(self, ending: Ending) -> bool:
        """SIGKILL that is not ours is the kernel's, for want of memory."""
        return (
            ending.signal == signal.SIGKILL
            or ending.status == OUT_OF_MEMORY_STATUS
            or any(word in self.log_tail() for word in _MEMORY_WORDS)
        )

    def _out_of_memory(self, operation: str) -> OutOfMemoryError:
        return OutOfMemoryError(
            f"{_what(operation)} needed more than "
            f"{self._bounds.memory_bytes // _MIB} MiB of memory, or the machine had "
            "no more. Try a smaller file, give the machine more memory, or raise "
            f"{self._bounds.memory_setting}."
        )

    def _disk_full(self, operation: str) -> DiskFullError:
        if shutil.disk_usage(self.scratch.folder).free < _NO_ROOM_BYTES:
            return no_room()
        return DiskFullError(
            f"{_what(operation)} wrote more than {self._limits.disk_bytes // _MIB} "
            "MiB, or the disk is full. Free some space, or raise "
            "PRSNL_CHILD_DISK_BYTES."
        )

    def _endless(self, operation: str) -> TooLargeError:
        return TooLargeError(
            f"{_what(operation)} gave more than {self._limits.answer_bytes // _MIB} "
            "MiB, and was stopped. Divide the file, or raise PRSNL_CHILD_ANSWER_BYTES."
        )

    def _await_ending(self, *, kill: bool) -> Ending | None:
        """Have it ended; everything that it started is gone on return.

        Returns:
            How it ended by itself; None where it was killed, or is lost.
        """
        with self._ending_lock:
            if self._ended:
                return None
            self._ended = True
        own = None if kill else self._nursery.ending(timeout_s=_FAREWELL_S)
        last = own
        if last is None:
            self._nursery.kill_child()
            last = self._nursery.ending()
        if last is None:
            self._nursery.stop()
        else:
            self.peak_memory_bytes = max(self.peak_memory_bytes, last.peak_memory_bytes)
        return own


def _what(operation: str) -> str:
    """What an operation does, as a user is told."""
    return OPERATION_TITLES.get(operation, operation)


def _plain(name: str) -> str:
    if not name or name in {".", ".."} or "/" in name or "\0" in name:
        raise BadRequestError(f"{os.strerror(errno.EINVAL)}: not a plain file name.")
    return name
