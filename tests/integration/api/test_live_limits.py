"""What live progress may cost: slow clients, those that go, a server that stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus

from prsnl.api import make_app
from prsnl.core.db import Database
from prsnl.monitoring.reader import BATCH, MOST_STREAMS, OfTask, Reader
from prsnl.wiring import Wiring
from tests.fakes.progress_events import steps, submitted
from tests.fakes.proxy import proxied
from tests.integration.api.conftest import Server, serving
from tests.integration.api.listening import (
    FEED,
    PATIENCE_S,
    heard,
    heard_messages,
    is_silent,
    socket,
)

OWNER = "ada"
#: Longer than the reader waits before it asks again.
AWAY_S = 2.0


@dataclass(frozen=True)
class Streaming:
    """An API of a test's own, and a look inside."""

    server: Server
    app: FastAPI
    key: str

    @property
    def reader(self) -> Reader:
        """The one reader of this API."""
        found = self.app.state.reader
        assert isinstance(found, Reader)
        return found

    def followers(self) -> int:
        """How many clients are followed for."""
        return len(self.reader._followers)

    def most_held(self) -> int:
        """The most events that are held for a client."""
        return max(len(one._taken) for one in self.reader._followers)

    def farthest_behind(self) -> int:
        """The number up to which the slowest client has been read for."""
        places = [one.place for one in self.reader._followers]
        return min(place.seq for place in places if isinstance(place, OfTask))


@pytest.fixture
def streaming(wiring: Wiring) -> Iterator[Streaming]:
    app = make_app(wiring)
    with (
        serving(app) as url,
        Database.open(wiring.database_url, size=2, name="test", patience_s=5) as pool,
    ):
        server = Server(url, wiring, pool)
        yield Streaming(server, app, server.key(OWNER))


def test_a_slow_client_costs_one_batch_and_misses_nothing(
    streaming: Streaming,
) -> None:
    """The table is its buffer."""
    url, key = streaming.server.url, streaming.key
    task_id = submitted(streaming.server.database, OWNER)
    path, number = f"{FEED}/{task_id}", 4 * BATCH
    with socket(url, key, path, is_slow=True) as slow:
        heard(slow)
        long = [f"{place} {'x' * 40_000}" for place in range(number)]
        steps(streaming.server.database, task_id, *long)
        with socket(url, key, path, seq=number - 1) as quick:
            assert heard(quick)["seq"] == number
        time.sleep(1)
        assert streaming.most_held() <= 2 * BATCH
        assert streaming.farthest_behind() < number
        messages = heard_messages(slow, number)

    assert [int(message.split()[0]) for message in messages] == list(range(number))


def test_a_client_that_goes_leaves_nothing_behind(streaming: Streaming) -> None:
    url, key = streaming.server.url, streaming.key
    task_id = submitted(streaming.server.database, OWNER)
    with streaming.server.http(key) as http:
        for _ in range(5):
            with (
                socket(url, key) as feed,
                socket(url, key, f"{FEED}/{task_id}") as own,
                http.stream("GET", "/api/background/events") as stream,
            ):
                heard(feed)
                heard(own)
                lines = stream.iter_lines()
                next(lines)
                assert streaming.followers() >= 3
    give_up_at = time.monotonic() + PATIENCE_S
    while streaming.followers():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_one_owner_leaves_sockets_to_the_others(streaming: Streaming) -> None:
    url, key = streaming.server.url, streaming.key
    with ExitStack() as opened, streaming.server.http(key) as http:
        for _ in range(MOST_STREAMS):
            heard(opened.enter_context(socket(url, key)))
        with pytest.raises(InvalidStatus) as refused, socket(url, key):
            pass
        assert refused.value.response.status_code == 429
        assert http.get("/api/background/events").status_code == 429
        with socket(url, streaming.server.key("ben")) as other:
            assert heard(other)["event"] == "ready"


def test_streams_outlive_a_database_that_is_away(wiring: Wiring) -> None:
    """They wait, and then tell all of what was committed meanwhile, once."""
    with (
        proxied(wiring.database_url) as (proxy, url),
        serving(make_app(replace(wiring, database_url=url))) as address,
        Database.open(wiring.database_url, size=2, name="test", patience_s=5) as pool,
    ):
        key = Server(address, wiring, pool).key(OWNER)
        task_id = submitted(pool, OWNER)
        with (
            socket(address, key) as feed,
            socket(address, key, f"{FEED}/{task_id}") as own,
        ):
            assert (heard(feed)["event"], heard(own)["seq"]) == ("ready", 0)
            proxy.cut()
            steps(pool, task_id, "one", "two")
            assert is_silent(feed)
            assert is_silent(own)
            time.sleep(AWAY_S)
            proxy.mend()
            assert heard_messages(feed, 2) == ["one", "two"]
            assert heard_messages(own, 2) == ["one", "two"]
            assert is_silent(feed)
