"""The API as the process that production runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

import httpx2
import pytest

from prsnl.client import Client
from prsnl.core.db import Database
from prsnl.discovery import RunningServer
from prsnl.monitoring.live import RESTARTING
from prsnl.web.keys import FILE_NAME, FIRST_OWNER
from tests.fakes.progress_events import steps, submitted
from tests.integration.api.listening import FEED, end_of, heard, socket

PATIENCE_S = 60.0


@contextmanager
def api_process(environment: dict[str, str], **more: str) -> Iterator[RunningServer]:
    """`./prsnl api`, once it listens; what it says is in `api.log`."""
    data_dir = Path(environment["PRSNL_DATA_DIR"])
    with (data_dir.parent / "api.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prsnl", "api"],
            env={**environment, "PRSNL_PORT": "0", **more},
            stderr=log,
        )
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while (found := RunningServer.find(data_dir)) is None:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        assert found.pid == process.pid
        yield found
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


def test_the_first_key_is_made_once_and_for_its_user_alone(
    environment: dict[str, str],
) -> None:
    path = Path(environment["PRSNL_DATA_DIR"]) / FILE_NAME
    keys = []
    for _ in range(2):
        with api_process(environment) as running:
            keys.append(path.read_text().strip())
            with Client(running.url, keys[-1]) as client:
                assert client.tasks() == []

    assert keys[0] == keys[1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_request_whose_head_never_ends_is_cut_and_no_other_connection(
    environment: dict[str, str],
) -> None:
    """Otherwise a few thousand such lines would hold every file that it may open."""
    with api_process(environment, PRSNL_REQUEST_SILENCE_S="1") as running:
        place = urlsplit(running.url)
        assert place.hostname is not None
        with create_connection((place.hostname, place.port), PATIENCE_S) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            heard_last = b"".join(iter(lambda: line.recv(4096), b""))
        with Client(running.url) as client:
            assert client.health().database == "ok"

    assert heard_last.startswith(b"HTTP/1.1 408")


def test_told_to_stop_it_sends_home_who_waits(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """A long poll of half a minute must not hold the process."""
    note = tmp_path / "note.txt"
    note.write_text("A note.")
    data_dir = Path(environment["PRSNL_DATA_DIR"])
    answers: list[int] = []
    with api_process(environment) as running:
        key = (data_dir / FILE_NAME).read_text().strip()
        with Client(running.url, key) as client:
            task = client.upload(note).task
        assert task is not None

        def poll() -> None:
            answer = httpx2.get(
                f"{running.url}/api/background/status/{task.task_id}",
                params={"seq": task.seq, "wait_s": 30},
                headers={"Authorization": f"Bearer {key}"},
                timeout=PATIENCE_S,
                trust_env=False,
            )
            answers.append(answer.status_code)

        waiting = threading.Thread(target=poll)
        waiting.start()
        time.sleep(0.5)
        told_at = time.monotonic()
    waiting.join(PATIENCE_S)

    assert answers == [200]
    assert time.monotonic() - told_at < 20
    assert RunningServer.find(data_dir) is None


def test_told_to_stop_it_ends_what_streams_at_once(
    environment: dict[str, str], database: Database
) -> None:
    """One that takes nothing any more holds nobody up either."""
    path = Path(environment["PRSNL_DATA_DIR"]) / FILE_NAME
    task_id = submitted(database, FIRST_OWNER)
    with ExitStack() as opened:
        with api_process(environment) as running:
            key = path.read_text().strip()
            own = f"{FEED}/{task_id}"
            one = opened.enter_context(socket(running.url, key, own))
            stuck = opened.enter_context(socket(running.url, key, is_slow=True))
            http = opened.enter_context(
                httpx2.Client(
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=PATIENCE_S,
                    trust_env=False,
                )
            )
            address = f"{running.url}/api/background/events"
            source = iter(opened.enter_context(http.sse(address)))
            assert next(source).event == "ready"
            assert heard(stuck)["event"] == "ready"
            steps(database, task_id, *["x" * 40_000] * 400)
            while heard(one)["seq"] < 400:
                pass
            while json.loads(next(source).data)["seq"] < 400:
                pass
        log = (path.parents[1] / "api.log").read_text()
        assert "shutdown exceeded" not in log, log
        assert end_of(one)[0] == RESTARTING
        assert list(source) == []


def test_a_port_that_is_taken_is_one_sentence(environment: dict[str, str]) -> None:
    with api_process(environment) as running:
        port = running.url.rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-m", "prsnl", "api"],
            env={**environment, "PRSNL_PORT": port},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    assert second.returncode == 1
    assert "PRSNL_PORT" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_database_without_the_schema_names_the_command(
    environment: dict[str, str], empty_database_url: str
) -> None:
    environment["PRSNL_DATABASE_URL"] = empty_database_url
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", "api"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 1
    assert "./prsnl migrate" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("PRSNL_PORT", "many"), ("PRSNL_HOST", "no.such.host.invalid")]
)
def test_a_wrong_setting_is_one_sentence_that_names_it(
    environment: dict[str, str], name: str, value: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", "api"],
        env={**environment, name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 1
    assert name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
