"""One API a process on a real socket; every test is owners of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from prsnl.api import configured, make_app
from prsnl.client import Client
from prsnl.core.db import Database
from prsnl.embedded.stack import StackUrls
from prsnl.web import keys
from prsnl.wire.access import Scope
from prsnl.wiring import Wiring
from tests.conftest import fresh_broker, fresh_database, wired


@dataclass(frozen=True)
class Server:
    """A running API, and a way around it."""

    url: str
    wiring: Wiring
    database: Database

    def key(self, owner: str, scopes: frozenset[Scope] = frozenset(Scope)) -> str:
        """A new key of an owner."""
        key = keys.new_key()
        self.database.run(
            lambda connection: keys.ensure(
                connection, key, owner=owner, name="test", scopes=scopes
            )
        )
        return key

    def http(self, key: str | None) -> httpx2.Client:
        """Bare HTTP with a key, or without."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=60, trust_env=False
        )


@dataclass(frozen=True)
class Person:
    """An owner with a key: as a program, and as bare HTTP."""

    owner: str
    client: Client
    http: httpx2.Client


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """An application on a socket of its own, as long as the block runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(64)
        server = uvicorn.Server(configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@contextmanager
def api_over(wiring: Wiring) -> Iterator[Server]:
    """The product's API over a wiring."""
    with (
        serving(make_app(wiring)) as url,
        Database.open(wiring.database_url, size=4, name="test", patience_s=5) as pool,
    ):
        yield Server(url, wiring, pool)


@pytest.fixture(scope="session")
def server(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The API of this test process."""
    with (
        fresh_database(stack) as database_url,
        api_over(
            wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("api"))
        ) as running,
    ):
        yield running


@pytest.fixture
def people() -> Iterator[Callable[..., Person]]:
    """Makes owners on a server."""
    with ExitStack() as opened:

        def make(server: Server, scopes: frozenset[Scope] = frozenset(Scope)) -> Person:
            owner = f"owner {uuid4().hex[:8]}"
            key = server.key(owner, scopes)
            return Person(
                owner,
                opened.enter_context(Client(server.url, key)),
                opened.enter_context(server.http(key)),
            )

        yield make


@pytest.fixture
def ada(server: Server, people: Callable[[Server], Person]) -> Person:
    """An owner of this test alone."""
    return people(server)


@pytest.fixture
def ben(server: Server, people: Callable[[Server], Person]) -> Person:
    """Another one."""
    return people(server)


@contextmanager
def signed_in(server: Server, person: Person) -> Iterator[httpx2.Client]:
    """A browser with a session of its own."""
    token = person.http.post("/api/links").json()["url"].partition("#")[2]
    with httpx2.Client(
        base_url=server.url,
        headers={"Origin": server.url},
        timeout=60,
        trust_env=False,
    ) as client:
        assert client.post("/link", data={"token": token}).status_code == 303
        yield client


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A small file with bytes that no other test has."""
    path = tmp_path / "note.txt"
    path.write_text(f"A note about {uuid4()}.\n")
    return path


def limited(wiring: Wiring, **limits: int) -> Wiring:
    """The same wiring with other limits of the storage."""
    storage = wiring.settings.storage.model_copy(update=limits)
    return replace(wiring, settings=replace(wiring.settings, storage=storage))
