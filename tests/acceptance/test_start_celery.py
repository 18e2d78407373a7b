"""scripts/start_celery.sh: the workers of a host, as many as the queue table says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from prsnl.client import local_key
from prsnl.core.db import Database
from prsnl.work.queues import QUEUES, Queue
from tests.acceptance.staff import wait_until
from tests.acceptance.test_service import running, serving

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/start_celery.sh"
WORKERS = {row.queue: row.workers for row in QUEUES}


def run(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    """What the script says, and its exit status."""
    ended = subprocess.run(
        [str(SCRIPT), *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def host(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What a host is told; its workers are stopped at the end."""
    told = {**environment, "PATH": os.environ["PATH"]}
    try:
        yield told
    finally:
        run(told, "stop")


def alive(database: Database) -> list[str]:
    """The queues of the live workers, one a process."""
    rows = database.run(
        lambda connection: connection.execute(
            "select queues from workers where kind = 'worker' and state = 'running'"
        ).fetchall()
    )
    return [queue for row in rows for queue in row["queues"]]


@pytest.mark.timeout(240)
def test_workers_start_tell_and_leave(host: dict[str, str], database: Database) -> None:
    queue = Queue.INSIGHTS
    status, told = run(host, "start", queue)
    assert status == 0, told
    assert f"{WORKERS[queue]} workers run" in told
    until = time.monotonic() + 90
    while alive(database) != [queue] * WORKERS[queue]:
        assert time.monotonic() < until, told
        time.sleep(0.2)
    run(host, "start", queue)  # once more changes nothing

    assert run(host, "status", queue)[0] == 0
    assert alive(database) == [queue] * WORKERS[queue]
    assert run(host, "stop", queue) == (0, "Stopped.\n")
    assert alive(database) == []
    status, told = run(host, "status", queue)
    assert status == 1
    assert told.count("does not run") == WORKERS[queue]


@pytest.mark.full
@pytest.mark.timeout(900)
def test_the_acceptance_run_passes_with_the_workers_of_the_whole_table(
    host: dict[str, str], database: Database, tmp_path: Path
) -> None:
    with (
        serving(host, tmp_path / "api.log") as client,
        running(host, tmp_path / "scheduler.log", "scheduler"),
    ):
        assert run(host, "start")[0] == 0
        wait_until(lambda: len(alive(database)) == sum(WORKERS.values()), timeout_s=240)
        ended = subprocess.run(
            [sys.executable, str(ROOT / "scripts/test_phase1_celery.py")],
            env={
                **host,
                "PRSNL_SERVER": str(client.server),
                "PRSNL_API_KEY": str(local_key(Path(host["PRSNL_DATA_DIR"]))),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "(100 %)" in ended.stdout


def test_without_servers_or_with_another_queue_it_says_what_is_missing(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    nowhere = {"PATH": os.environ["PATH"], "PRSNL_DATA_DIR": str(tmp_path)}

    assert run(nowhere, "start") == (
        2,
        (
            "PRSNL_DATABASE_URL and PRSNL_BROKER_URL are not set: workers need both. "
            "(On one machine ./prsnl up starts everything.)\n"
        ),
    )
    assert "bees is no queue; there are ai_processing" in run(environment, "bees")[1]
