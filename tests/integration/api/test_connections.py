"""The same dependency lets in a request, a WebSocket and a stream of events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from prsnl.api import configured, make_app
from prsnl.core.db import Database
from prsnl.web.dependencies import Caller
from prsnl.wiring import Wiring
from tests.integration.api.conftest import Server, serving


def with_streams(app: FastAPI) -> FastAPI:
    """The API with one socket and one stream that never end by themselves."""

    @app.websocket("/api/test/socket")
    async def socket(websocket: WebSocket, owner: Caller) -> None:
        await websocket.accept()
        await websocket.send_text(owner)
        await websocket.receive_text()

    @app.get("/api/test/stream")
    async def stream(owner: Caller) -> StreamingResponse:
        async def forever() -> AsyncIterator[str]:
            yield f"data: {owner}\n\n"
            await asyncio.sleep(3600)

        return StreamingResponse(forever(), media_type="text/event-stream")

    return app


@pytest.fixture
def streaming(wiring: Wiring) -> Iterator[Server]:
    with (
        serving(with_streams(make_app(wiring))) as url,
        Database.open(wiring.database_url, size=2, name="test", patience_s=5) as pool,
    ):
        yield Server(url, wiring, pool)


def opened(
    server: Server, key: str | None, origin: str | None = None
) -> ClientConnection:
    address = server.url.replace("http://", "ws://") + "/api/test/socket"
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return connect(address, additional_headers=headers, origin=origin, proxy=None)


def revoke(server: Server, owner: str) -> None:
    server.database.run(
        lambda connection: connection.execute(
            "update api_keys set revoked_at = now() where owner = %s", [owner]
        )
    )


def test_a_socket_is_let_in_by_a_key(streaming: Server) -> None:
    with opened(streaming, streaming.key("ada")) as socket:
        assert socket.recv(timeout=10) == "ada"


def test_a_socket_without_a_key_gets_the_problem_in_the_place_of_a_handshake(
    streaming: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(streaming, None)

    answer = refused.value.response
    assert answer.status_code == 401
    assert json.loads(answer.body or b"")["code"] == "unauthorized"
    assert not [each for each in caplog.records if each.exc_info]


def test_another_sites_page_opens_no_socket(streaming: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(streaming, streaming.key("ada"), origin="https://evil.example")

    assert refused.value.response.status_code == 403
    assert b"PRSNL_PUBLIC_URL" in (refused.value.response.body or b"")


def test_a_revoked_key_ends_what_it_has_open(streaming: Server) -> None:
    """Whoever lost a phone wants it to see nothing more, not the next page only."""
    key = streaming.key("ada")
    with (
        opened(streaming, key) as socket,
        opened(streaming, streaming.key("ben")) as other,
        streaming.http(key) as http,
        http.stream("GET", "/api/test/stream") as stream,
    ):
        pieces = stream.iter_raw()
        assert next(pieces) == b"data: ada\n\n"
        assert (socket.recv(timeout=10), other.recv(timeout=10)) == ("ada", "ben")
        began = time.monotonic()
        revoke(streaming, "ada")

        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=30)
        assert list(pieces) == []
        assert time.monotonic() - began < 20
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        with pytest.raises(TimeoutError):
            other.recv(timeout=0.2)


def test_a_connection_that_rests_is_kept_for_longer_than_a_client_keeps_it(
    wiring: Wiring,
) -> None:
    usual_s = 60

    assert configured(make_app(wiring)).timeout_keep_alive > usual_s
