"""A server's live streams, followed by a client that comes back after an outage."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx2
from pydantic import TypeAdapter, ValidationError

from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.wire.base import Problem
from prsnl.wire.tasks import FeedEvent, GapEvent, ProgressEvent, ReadyEvent

#: A server that is gone for so long does not come back by itself.
PATIENCE_S: Final = 60.0
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 3.0
#: The server is heard every 15 seconds, if only by a comment or a ping.
_SILENCE_S: Final = 45.0
_CONNECT_S: Final = 5.0
_TASK_HAS_ENDED: Final = 1000
#: A server that starts, a database that restarts, a proxy before them.
_TRY_AGAIN: Final = (502, 503, 504)
#: The API's paths; only here.
_FEED: Final = "/api/background/events"
_TASK: Final = "/api/background/ws/progress/{}"

_EVENT: Final[TypeAdapter[FeedEvent]] = TypeAdapter(FeedEvent)


class _Interrupted(Exception):  # noqa: N818 - a pause, not an error
    """The stream broke off, or there is none just now: come back."""


@dataclass
class Patience:
    """How long to go on trying, once it has been well."""

    limit_s: float
    _is_begun: bool = False
    _wait_s: float = _FIRST_WAIT_S
    _give_up_at: float | None = None

    def renew(self) -> None:
        """It is well."""
        self._is_begun = True
        self._wait_s, self._give_up_at = _FIRST_WAIT_S, None

    def wait(self, outage: UnavailableError) -> None:
        """Wait a little longer than the last time.

        Raises:
            UnavailableError: This has lasted too long, or it never was well.
        """
        now = time.monotonic()
        if self._give_up_at is None:
            self._give_up_at = now + self.limit_s
        if not self._is_begun or now + self._wait_s > self._give_up_at:
            raise outage
        time.sleep(self._wait_s)
        self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)


@dataclass(frozen=True)
class Streams:
    """The streams of one server."""

    server: str
    headers: Mapping[str, str]
    http: httpx2.Client
    is_local: bool
    patience_s: float = field(default=PATIENCE_S)

    def feed(self, cursor: str | None) -> Iterator[FeedEvent]:
        """What happens to all tasks, from a cursor or from now on."""
        has_begun = False
        patience = Patience(self.patience_s)
        while True:
            try:
                for event in self._feed_once(cursor, patience):
                    cursor = event.cursor
                    if not (has_begun and isinstance(event, ReadyEvent)):
                        yield event
                    has_begun = True
            except _Interrupted:
                pass
            patience.wait(self.away())

    def task(self, task_id: UUID | str, seq: int | None) -> Iterator[ProgressEvent]:
        """What happens to one task, from a number or from now on, until it ends."""
        patience = Patience(self.patience_s)
        while True:
            try:
                for event in self._task_once(task_id, seq, patience):
                    seq = event.seq
                    yield event
            except _Interrupted:
                patience.wait(self.away())
            else:
                return

    def _feed_once(self, cursor: str | None, patience: Patience) -> Iterator[FeedEvent]:
        wait = httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S)
        params = {} if cursor is None else {"cursor": cursor}
        try:
            with self.http.sse(_FEED, params=params, timeout=wait) as source:
                if source.response.is_error:
                    raise refused(source.response.status_code, source.response.read())
                for told in source:
                    patience.renew()
                    yield _parsed(told.data)
        except httpx2.TransportError as error:
            raise _Interrupted from error

    def _task_once(
        self, task_id: UUID | str, seq: int | None, patience: Patience
    ) -> Iterator[ProgressEvent]:
        # Few programs follow a task, and this costs all of them a moment.
        from websockets.exceptions import (  # noqa: PLC0415
            ConnectionClosed,
            InvalidHandshake,
            InvalidStatus,
        )
        from websockets.sync.client import connect  # noqa: PLC0415

        query = "" if seq is None else f"?seq={seq}"
        address = f"ws{self.server.removeprefix('http')}{_TASK.format(task_id)}{query}"
        options: dict[str, Any] = {"proxy": None} if self.is_local else {}
        try:
            with connect(
                address,
                additional_headers=dict(self.headers),
                compression=None,
                open_timeout=_CONNECT_S,
                close_timeout=1,
                **options,
            ) as socket:
                patience.renew()
                while True:
                    event = _parsed(socket.recv())
                    # Of a gap nothing is left but how the task is: it comes next.
                    if isinstance(event, ProgressEvent):
                        yield event
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code != _TASK_HAS_ENDED:
                raise _Interrupted from closed
        except InvalidStatus as error:
            answer = error.response
            raise refused(answer.status_code, answer.body or b"") from error
        except (OSError, InvalidHandshake) as error:  # TimeoutError is an OSError
            raise _Interrupted from error

    def away(self) -> UnavailableError:
        """Nothing answers there."""
        return UnavailableError(
            f"No server answers at {self.server}: start it with ./prsnl up, or "
            "correct the address."
        )


def refused(status: int, body: bytes | bytearray) -> Exception:
    """What follows when a stream is not begun: an error, or another try."""
    if status in _TRY_AGAIN:
        return _Interrupted()
    return problem_of(bytes(body)) or UnavailableError(
        f"The server answers with status {status} where its stream of events should "
        "be: it is no PRSNL server of this version. Correct the address, or update."
    )


def problem_of(body: bytes) -> PrsnlError | None:
    """The error that a problem document tells, as the class with its code."""
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return None
    return PrsnlError.from_wire(
        {
            "code": problem.code,
            "message": problem.detail,
            "retry_after_s": problem.retry_after_s,
        }
    )


def _parsed(told: str | bytes) -> ProgressEvent | ReadyEvent | GapEvent:
    try:
        return _EVENT.validate_json(told)
    except ValidationError as error:
        raise UnavailableError(
            "The server tells events that this version does not know: update."
        ) from error
