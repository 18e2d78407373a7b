"""Real servers for every test that asks: a PostgreSQL and a Valkey a process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from prsnl.core import schema
from prsnl.core.db import Database, connect
from prsnl.core.settings import Settings
from prsnl.core.settings import engines as engine_settings
from prsnl.core.settings import service as settings_of
from prsnl.core.storage import FolderStorage
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import Supervisor
from prsnl.wiring import Wiring
from prsnl.wiring import read as wire
from tests import brokers

_TEMPLATE = "prsnl_template"
_numbers = count()
#: The places of a broker of others, where the suite is to be carried by one.
_outside: list[str] = []


def need(part: str, *, is_there: bool, why: str) -> None:
    """Skip where *part* is absent; fail where PRSNL_TEST_REQUIRE names it."""
    if is_there:
        return
    required = os.environ.get("PRSNL_TEST_REQUIRE", "").split(",")
    if part in required:
        pytest.fail(f"{part} is required here: {why}")
    pytest.skip(f"{part}: {why}")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files that PRSNL_TEST_CORPUS names."""
    named = os.environ.get("PRSNL_TEST_CORPUS", "")
    need(
        "corpus",
        is_there=bool(named) and Path(named, "manifest.jsonl").is_file(),
        why="PRSNL_TEST_CORPUS names no corpus",
    )
    return Path(named)


@pytest.fixture(scope="session")
def tesseract() -> str:
    """The system's tesseract."""
    found = shutil.which("tesseract")
    need("tesseract", is_there=found is not None, why="not installed")
    return str(found)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter, gone after the block.

    As root the servers run as another user; pytest's own folders shut him out.
    """
    folder = Path(tempfile.mkdtemp(prefix="prsnl-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of this test's own that a whole stack can live in."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUrls]:
    """Both servers, started once; without fsync, for no test cuts the power."""
    with (
        open_folder() as folder,
        Supervisor() as supervisor,
        EmbeddedStack(folder / "data", supervisor, is_durable=False) as urls,
    ):
        with connect(urls.database_url) as connection:
            connection.execute(f"create database {_TEMPLATE}")
        schema.migrate(_named(urls.database_url, _TEMPLATE))
        with brokers.wanted(folder / "broker") as places:
            _outside.extend(places)
            yield urls


@contextmanager
def fresh_database(stack: StackUrls, *, template: str = _TEMPLATE) -> Iterator[str]:
    """A database that is gone after the block."""
    name = f"test_{uuid4().hex}"
    with connect(stack.database_url) as connection:
        connection.execute(f"create database {name} template {template}")
        yield _named(stack.database_url, name)
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def database_url(stack: StackUrls) -> Iterator[str]:
    """A database of this test's own, with the newest schema."""
    with fresh_database(stack) as url:
        yield url


@pytest.fixture
def empty_database_url(stack: StackUrls) -> Iterator[str]:
    """A database of this test's own, without a schema."""
    with fresh_database(stack, template="template1") as url:
        yield url


@pytest.fixture
def broker_url(stack: StackUrls) -> str:
    """A place in the broker that nobody else uses now, emptied."""
    return fresh_broker(stack)


@pytest.fixture
def box(broker_url: str) -> Iterator[brokers.Box]:
    """A look into this test's broker."""
    with brokers.box_at(broker_url) as opened:
        yield opened


def fresh_broker(stack: StackUrls) -> str:
    """A place in the broker that nobody else uses now, emptied."""
    places = _outside or [
        _named(stack.broker_url, str(number)) for number in range(brokers.PLACES)
    ]
    url = places[next(_numbers) % len(places)]
    with brokers.box_at(url) as box:
        box.forget()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on the test's own database."""
    with Database.open(database_url, size=8, name="test", patience_s=5) as opened:
        yield opened


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    """A storage of this test's own."""
    made = FolderStorage(tmp_path / "storage")
    made.prepare()
    return made


@pytest.fixture
def wiring(database_url: str, broker_url: str, tmp_path: Path) -> Wiring:
    """The product's own wiring, on the test's own databases and folder."""
    return wired(database_url, broker_url, tmp_path / "data")


def wired(database_url: str, broker_url: str, data_dir: Path) -> Wiring:
    """The product's own wiring, with the waits of a test."""
    settings = Settings(
        storage=settings_of.Storage(data_dir=data_dir),
        database=settings_of.Database(database_url=SecretStr(database_url)),
        broker=settings_of.Broker(broker_url=SecretStr(broker_url)),
        server=settings_of.Server(),
        work=settings_of.Work(lease_s=timedelta(seconds=3), retry_waits_scale=0.01),
        children=engine_settings.Children(),
        watch=settings_of.Watch(),
        logs=settings_of.Logs(),
    )
    return wire(settings)


@pytest.fixture
def environment(
    stack: StackUrls, database_url: str, broker_url: str, tmp_path: Path
) -> dict[str, str]:
    """What a process of the product needs to work on the test's own databases."""
    del stack
    source = str(Path(__file__).parents[1] / "src")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([source, str(Path(__file__).parents[1])]),
        "PRSNL_DATABASE_URL": database_url,
        "PRSNL_BROKER_URL": broker_url,
        "PRSNL_DATA_DIR": str(tmp_path / "data"),
        "PRSNL_LEASE_S": "3",
        "PRSNL_RETRY_WAITS_SCALE": "0.01",
    }


def _named(url: str, database: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{database}"
