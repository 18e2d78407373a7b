"""Redis and RabbitMQ of the system: killed at work, nothing is lost or doubled."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from kombu.connection import Connection

from prsnl.access import openness
from prsnl.core.db import Database
from prsnl.core.errors import SettingsError
from prsnl.proving.specs import COUNT, Count
from prsnl.work.broker import broker_at
from tests import brokers
from tests.acceptance.staff import Staff, staff
from tests.conftest import need

#: Starting it takes ten seconds of both cores.
RABBITMQ = pytest.param("rabbitmq", marks=pytest.mark.full)
QUEUE = "file_processing"


@pytest.fixture
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[brokers.Server]:
    kind = request.param
    need(kind, is_there=brokers.is_here(kind), why="not installed")
    with brokers.server(kind, home / kind) as made:
        yield made


@pytest.fixture
def crew(
    server: brokers.Server,
    database: Database,
    environment: Mapping[str, str],
    tmp_path: Path,
) -> Iterator[Staff]:
    told = {**environment, "PRSNL_BROKER_URL": server.url}
    with staff(database, told, tmp_path / "logs") as made:
        made.hire("scheduler")
        yield made


def ended(crew: Staff) -> int:
    return len(crew.all("select 1 from tasks where status = 'success'"))


def effects(crew: Staff) -> tuple[int, set[int]]:
    """How many there are, and how often each was made."""
    rows = crew.all("select n from proving_effects")
    return len(rows), {row["n"] for row in rows}


@pytest.mark.parametrize("server", ["redis", RABBITMQ], indirect=True)
@pytest.mark.timeout(300)
def test_a_broker_of_others_is_killed_and_comes_back(
    server: brokers.Server, crew: Staff
) -> None:
    """One worker does one task at a time, one has threads: each hears of it anew."""
    workers = [crew.worker(), crew.worker("--threads=2")]
    crew.submit(COUNT, *[Count(stages=2, work_ms=40) for _ in range(60)])
    crew.until(lambda: ended(crew) >= 10)
    server.kill()
    crew.submit(COUNT, *[Count(stages=2, work_ms=10) for _ in range(20)])
    crew.until(
        lambda: crew.all("select 1 from workers where trouble like '%%broker%%'")
    )
    server.start()

    crew.until(lambda: ended(crew) == 80, timeout_s=120)
    assert effects(crew) == (160, {1})
    assert {row["claim_no"] for row in crew.all("select claim_no from tasks")} == {1}
    assert all(worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


@pytest.mark.parametrize("server", ["redis", RABBITMQ], indirect=True)
def test_a_broker_of_others_is_named_and_asks_for_a_password(
    server: brokers.Server,
) -> None:
    broker = broker_at(server.url)
    said = broker.version()
    broker.close()

    assert server.kind in said.casefold()
    assert not openness.broker_is_open(server.url)


@pytest.mark.full
@pytest.mark.parametrize("server", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(300)
def test_forged_messages_in_rabbitmq_are_dropped(
    server: brokers.Server, crew: Staff
) -> None:
    workers = [crew.worker(), crew.worker("--threads=2")]
    forged: list[tuple[bytes, dict[str, object]]] = [
        (b"\xff\xfe{not json", {}),
        (b"[]", {}),
        (b"[[], {}, {}]", {"task": COUNT.name}),
        (b"[[], {}, {}]", {"task": COUNT.name, "id": "x"}),
        (b"[[], {}, {}]", {"task": COUNT.name, "id": 7}),
        (b"[[], {}, {}]", {"task": "nobody", "id": str(uuid4())}),
        (b"[[], {}, {}]", {"task": COUNT.name, "id": str(uuid4())}),
        (base64.b64encode(b"%%%"), {"task": COUNT.name, "id": str(uuid4())}),
    ]
    with Connection(server.url) as line, line.channel() as channel:
        for body, headers in forged * 4:
            message = channel.prepare_message(
                body, content_type="application/json", headers=headers
            )
            channel.basic_publish(message, routing_key=QUEUE)
        crew.until(lambda: not waiting(channel))
    crew.submit(COUNT, *[Count(stages=1, work_ms=50) for _ in range(8)])

    crew.until(lambda: ended(crew) == 8)
    assert effects(crew) == (8, {1})
    assert all(worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


@pytest.mark.full
@pytest.mark.parametrize("server", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(300)
def test_rabbitmq_may_lose_its_patience_with_a_long_task(
    server: brokers.Server, crew: Staff
) -> None:
    """It closes the channel of a hint not acknowledged in time: here five seconds."""
    for arguments in ((), ("--threads=2",)):
        crew.worker(*arguments)
    crew.submit(COUNT, *[Count(stages=10, work_ms=9000) for _ in range(2)])
    time.sleep(1)
    crew.submit(COUNT, *[Count(stages=1, work_ms=10) for _ in range(6)])

    crew.until(lambda: ended(crew) == 8, timeout_s=200)
    assert effects(crew) == (26, {1})
    assert {row["claim_no"] for row in crew.all("select claim_no from tasks")} == {1}
    assert "timed out" in (server.folder / "broker.log").read_text(), "it was patient"


def waiting(channel: object) -> int:
    """What nobody has taken."""
    declare = channel.queue_declare  # type: ignore[attr-defined]
    return int(declare(QUEUE, passive=True).message_count)


def test_a_broker_of_no_known_kind_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="PRSNL_BROKER_URL") as refused:
        broker_at("kafka://host/topic")

    assert "amqp://" in refused.value.message
    assert "topic" not in json.dumps(refused.value.message)
