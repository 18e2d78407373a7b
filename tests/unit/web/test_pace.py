"""Slow bodies and crowds get an answer, and everybody else is left alone."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from prsnl.web.crowd import Crowd, Room
from prsnl.web.pace import BodyPace, Pace
from prsnl.web.silent import SilentCut

HTTP: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}


class Client:
    """Sends a body in pieces, each after a wait, and keeps the answer."""

    def __init__(self, *pieces: tuple[float, bytes], ends: bool = True) -> None:
        self._pieces = list(pieces)
        self._ends = ends
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        if not self._pieces:
            await asyncio.Event().wait()
        wait_s, body = self._pieces.pop(0)
        await asyncio.sleep(wait_s)
        more = bool(self._pieces) or not self._ends
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    """Read the body; make of one that is cut off what the framework makes of it."""
    del scope
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            await send({"type": "http.response.start", "status": 400, "headers": []})
            raise ClientDisconnect
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})


def asked(client: Client, **pace: float) -> Client:
    usual: dict[str, Any] = {"silence_s": 60.0, "least_bytes_per_s": 0, **pace}
    app = BodyPace(reads_all, pace=Pace(**usual))
    asyncio.run(app(HTTP, client.receive, client.send))
    return client


def test_a_body_that_stays_away_ends_with_a_408_that_closes() -> None:
    client = asked(Client((0, b"a"), ends=False), silence_s=0.05)

    assert client.status == 408
    assert (b"connection", b"close") in client.sent[0]["headers"]
    told = json.loads(client.sent[1]["body"])
    assert told["code"] == "too_slow"
    assert "PRSNL_REQUEST_SILENCE_S" in told["detail"]


def test_a_body_that_trickles_for_ever_ends_too() -> None:
    drops = [(0.02, b"a")] * 500
    client = asked(Client(*drops), least_bytes_per_s=1000, grace_s=0.05)

    assert client.status == 408


def test_a_body_in_its_time_is_left_alone() -> None:
    client = asked(Client((0, b"a" * 100), (0.01, b"b")), least_bytes_per_s=1000)

    assert client.status == 200


@pytest.mark.parametrize(
    ("room", "headers", "named"),
    [
        (Room(1, 9, 1 << 30), [], "PRSNL_REQUESTS_AT_ONCE"),
        (Room(9, 1, 1 << 30), [], "PRSNL_UPLOADS_AT_ONCE"),
        (
            Room(9, 9, 40 << 20),
            [(b"transfer-encoding", b"chunked")],
            "PRSNL_REQUEST_MEMORY_BYTES",
        ),
    ],
)
def test_what_comes_on_top_of_the_room_is_told_to_come_again(
    room: Room, headers: list[tuple[bytes, bytes]], named: str
) -> None:
    path = "/upload" if "UPLOADS" in named else "/"
    scope = {**HTTP, "path": path, "headers": headers}
    first, second, third = Client(), Client(), Client()

    async def meet() -> None:
        leaves = asyncio.Event()

        async def stays(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await leaves.wait()

        app = Crowd(stays, room=room, uploads=frozenset({"/upload"}))
        one = asyncio.create_task(app(scope, first.receive, first.send))
        await asyncio.sleep(0)
        await app(scope, second.receive, second.send)
        leaves.set()
        await one
        await app(scope, third.receive, third.send)

    asyncio.run(meet())

    assert [each.status for each in (first, second, third)] == [200, 503, 200]
    told = dict(second.sent[0]["headers"])
    assert told[b"retry-after"] == b"2"
    assert named in json.loads(second.sent[1]["body"])["detail"]


class Line:
    """A connection as the server keeps it."""

    def __init__(self, *, scope: Any = None, cycle: Any = None) -> None:
        self.scope = scope
        self.cycle = cycle
        self.written = b""
        self.is_closed = False
        self.transport = SimpleNamespace(write=self._write, close=self._close)

    def _write(self, data: bytes) -> None:
        self.written += data

    def _close(self) -> None:
        self.is_closed = True


def test_a_connection_that_never_ends_its_head_is_cut() -> None:
    time = [0.0]
    cut = SilentCut(30, now=lambda: time[0])
    silent, begun = Line(), Line(scope={})
    working = Line(cycle=SimpleNamespace(response_complete=False))
    between = Line(cycle=SimpleNamespace(response_complete=True))
    lines = [silent, begun, working, between, SimpleNamespace()]

    cut.look(lines)
    time[0] = 20
    between.cycle = SimpleNamespace(response_complete=True)  # it asked again meanwhile
    cut.look(lines)
    time[0] = 31
    assert cut.look(lines) == 2

    assert silent.is_closed
    assert silent.written == b""
    assert begun.written.startswith(b"HTTP/1.1 408")
    assert not working.is_closed
    assert not between.is_closed
