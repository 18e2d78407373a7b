"""What somebody else has put into the broker's lists costs no worker its life."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from redis import Redis

from prsnl.core.db import Database
from prsnl.proving.specs import COUNT, Count
from prsnl.work.broker_kind import is_amqp
from tests.acceptance.staff import staff
from tests.unit.work.test_carrier import HEADERS, message

FORGED = [
    b"\xff\xfe{not json",
    b"[]",
    b"5",
    b"[" * 200_000,
    json.dumps(message(headers={"task": "nobody", "id": "x"})).encode(),
    json.dumps(message(headers={"task": ["x"], "id": str(uuid4())})).encode(),
    json.dumps(message(headers="task")).encode(),
    json.dumps(message(body=7)).encode(),
    json.dumps(message(body="%%%")).encode(),
    json.dumps(message(headers={"task": "nobody", "id": str(uuid4())})).encode(),
    json.dumps(message(**{"content-type": "application/x-pickle"})).encode(),
    json.dumps(message(headers={**HEADERS, "eta": "never", "expires": "x"})).encode(),
]


def test_forged_messages_are_dropped_and_the_work_goes_on(
    database: Database,
    environment: Mapping[str, str],
    tmp_path: Path,
    broker_url: str,
) -> None:
    """With several threads; `prove` does it to workers with one."""
    if is_amqp(broker_url):
        pytest.skip("broker: these are forged for a list of Redis")
    with staff(database, environment, tmp_path / "logs") as crew:
        worker = crew.worker("--threads=4")
        with Redis.from_url(broker_url) as broker:
            broker.lpush("file_processing", *FORGED)
            crew.until(lambda: not broker.llen("file_processing"))
        crew.hire("scheduler")
        (task_id,) = crew.submit(COUNT, Count(stages=1, units=1, work_ms=0))
        crew.until(lambda: crew.row(task_id)["status"] == "success")

        assert worker.is_running()
        assert worker.status() != psutil.STATUS_ZOMBIE
