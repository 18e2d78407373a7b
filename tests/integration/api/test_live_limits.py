"""What live progress may cost: slow clients, those that go, a server that stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from prsnl.api import make_app
from prsnl.core.db import Database
from prsnl.monitoring.reader import BATCH, OfTask, Reader
from prsnl.wiring import Wiring
from tests.fakes.progress_events import steps, submitted
from tests.integration.api.conftest import Server, serving
from tests.integration.api.listening import (
    FEED,
    PATIENCE_S,
    heard,
    heard_messages,
    socket,
)

OWNER = "ada"


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
