"""WS /api/background/ws/progress... and SSE /api/background/events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, WebSocket, status
from fastapi.responses import StreamingResponse
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Send
from starlette.websockets import WebSocketDisconnect

from prsnl.monitoring.reader import Follower, OfOwner, OfTask, Reader, Told, told
from prsnl.web.bodies import event_body
from prsnl.web.dependencies import Caller, Parts, Shared
from prsnl.wire.tasks import GapEvent, ReadyEvent
from prsnl.work import feed
from prsnl.work.feed import Cursor

#: How a socket is closed (RFC 6455, section 7.4.1, and the range of our own).
ENDED: Final = 1000
RESTARTING: Final = 1012
GONE: Final = 4404
#: A comment so often, that both ends notice when the other is gone.
HEART_BEAT_S: Final = 15.0
#: A browser comes back after so long.
_RETRY: Final = "retry: 1000\n"
_GAP: Final = (
    "What came after this cursor is no longer kept: read the lists anew; from here on "
    "everything is told again."
)

_PREFIX: Final = "/api/background"
_EVENTS: Final = "/events"

router = APIRouter(prefix=_PREFIX, tags=["Tasks"])


def is_stream(scope: Mapping[str, Any] | None) -> bool:
    """Whether a connection's request is one that goes on by itself."""
    return scope is not None and (
        scope["type"] == "websocket" or scope["path"] == _PREFIX + _EVENTS
    )


def reader_of(connection: HTTPConnection) -> Reader:
    """The one reader of this process."""
    reader = connection.app.state.reader
    assert isinstance(reader, Reader)
    return reader


Reading = Annotated[Reader, Depends(reader_of)]
#: For the description; `Cursor.parse` decides.
_CURSOR: Final[JsonDict] = {"pattern": f"^({feed.CURSOR.pattern})?$"}
_EVENT: Final = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string"},
        "event": {"enum": ["ready", "progress", "gap"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
FeedCursor = Annotated[
    str | None,
    Query(
        max_length=60,
        description="The `cursor` of the last event: what came after it is told first.",
        json_schema_extra=_CURSOR,
    ),
]


class EventStream(StreamingResponse):
    """Server-sent events; what makes them is let go when the client has gone."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[str], status_code: int = 200) -> None:
        super().__init__(
            pieces,
            status_code,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Send until there is no more, or nobody to send it to."""
        async with aclosing(self._pieces):  # type: ignore[type-var]
            await super().stream_response(send)


@router.websocket("/ws/progress")
async def follow_all(
    websocket: WebSocket,
    parts: Parts,
    owner: Caller,
    reader: Reading,
    cursor: FeedCursor = None,
) -> None:
    """All of the caller's tasks."""
    reader.require_room(owner)
    place, first = await _begin(parts, owner, cursor)
    await websocket.accept()
    with reader.following(owner, place) as follower:
        await _send(websocket, follower, [first])


@router.websocket("/ws/progress/{task_id}")
async def follow(
    *,
    websocket: WebSocket,
    task_id: UUID,
    parts: Parts,
    owner: Caller,
    reader: Reading,
    seq: Annotated[
        int | None,
        Query(ge=-1, lt=2**63, description="The newest `seq` that is known."),
    ] = None,
) -> None:
    """One task: what came after `seq`, or how it is now; then whatever it does."""
    reader.require_room(owner)
    begin = await run_in_threadpool(
        parts.database.run,
        lambda connection: feed.begin_task(connection, task_id, owner=owner, seq=seq),
    )
    first = []
    if begin.has_gap and begin.state is not None:
        first.append(_gap(begin.state.cursor))
    if begin.state is not None:
        first.append(told(event_body(begin.state)))
    await websocket.accept()
    with reader.following(owner, OfTask(task_id, begin.seq)) as follower:
        if begin.has_ended:
            follower.end()
        await _send(websocket, follower, first, has_task_ended=begin.has_ended)


@router.get(
    _EVENTS,
    status_code=status.HTTP_200_OK,
    response_class=EventStream,
    responses={
        200: {
            "description": "Each event has a line `id:` with its cursor, `event:` "
            "(`ready`, `progress` or `gap`), and `data:` with the event as JSON.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        }
    },
)
async def events(
    parts: Parts,
    owner: Caller,
    reader: Reading,
    cursor: FeedCursor = None,
    last_event_id: Annotated[
        str,
        Header(
            max_length=60,
            description="As `cursor`, and before it: what a browser "
            "sends when it comes back.",
            json_schema_extra=_CURSOR,
        ),
    ] = "",
) -> EventStream:
    """All of the caller's tasks, as server-sent events; goes on until it is closed."""
    reader.require_room(owner)
    place, first = await _begin(parts, owner, last_event_id or cursor)
    return EventStream(_pieces(reader, place, first))


async def _begin(parts: Shared, owner: str, cursor: str | None) -> tuple[OfOwner, Told]:
    """Where a feed begins, and what it begins with."""
    known = Cursor.parse(cursor) if cursor else None
    begin = await run_in_threadpool(
        parts.database.run, lambda connection: feed.begin(connection, known)
    )
    place = OfOwner(owner, begin.cursor)
    if begin.has_gap:
        return place, _gap(begin.cursor)
    ready = ReadyEvent(cursor=str(begin.cursor))
    return place, Told(ready.event, ready.cursor, ready.model_dump_json())


def _gap(cursor: Cursor) -> Told:
    gap = GapEvent(cursor=str(cursor), message=_GAP)
    return Told(gap.event, gap.cursor, gap.model_dump_json())


async def _send(
    websocket: WebSocket,
    follower: Follower,
    first: Sequence[Told],
    *,
    has_task_ended: bool = False,
) -> None:
    """Send until the task has ended, the client has gone, or the server stops."""
    listening = asyncio.create_task(_listen(websocket, follower))
    try:
        for event in first:
            await websocket.send_text(event.json)
        while not follower.has_ended:
            for event in await follower.more():
                await websocket.send_text(event.json)
                if event.is_end and isinstance(follower.place, OfTask):
                    has_task_ended = True
                    follower.end()
        if has_task_ended:
            await websocket.close(ENDED, "The task has ended.")
        elif follower.is_gone:
            await websocket.close(GONE, "The task is no longer there.")
        else:
            await websocket.close(
                RESTARTING, "The server stops: come back with your last number."
            )
    except WebSocketDisconnect:
        pass  # the client has gone
    finally:
        listening.cancel()


async def _listen(websocket: WebSocket, follower: Follower) -> None:
    """Notice when the client goes; what it says is of no matter."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            follower.end()
            return


async def _pieces(reader: Reader, place: OfOwner, first: Told) -> AsyncIterator[str]:
    with reader.following(place.owner, place) as follower:
        yield _RETRY + _block(first)
        while not follower.has_ended:
            batch = await follower.more(HEART_BEAT_S)
            yield "".join(map(_block, batch)) or ": still here\n\n"


def _block(event: Told) -> str:
    return f"id: {event.cursor}\nevent: {event.event}\ndata: {event.json}\n\n"
