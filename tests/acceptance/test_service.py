"""The service as processes: without a broker, with large uploads, with a full queue."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from prsnl.client import Client, local_key
from prsnl.core.db import Database
from prsnl.discovery import RunningServer
from prsnl.embedded.programs import installed_programs
from prsnl.proving.specs import CALL, COUNT, Call, Count
from prsnl.work.specs import Status
from tests.acceptance.staff import staff, wait_until

MIB = 1 << 20


@contextmanager
def running(
    environment: Mapping[str, str], log: Path, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of ours, stopped after the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "prsnl", *arguments],
            env=dict(environment),
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def serving(environment: Mapping[str, str], log: Path) -> Iterator[Client]:
    """The API, and a client of its own machine."""
    folder = Path(environment["PRSNL_DATA_DIR"])
    folder.mkdir(exist_ok=True)
    with running({**environment, "PRSNL_PORT": "0"}, log, "api"):
        wait_until(
            lambda: RunningServer.find(folder) is not None,
            told=lambda: log.read_text(errors="replace"),
        )
        with Client.local(folder) as client:
            yield client


#: A broker that lets anybody in would be refused by whoever starts after it.
SECRET = "broker-of-a-test"


@contextmanager
def broker(port: int, folder: Path) -> Iterator[None]:
    """A broker of this test alone, with nothing in it."""
    with subprocess.Popen(
        [
            str(installed_programs().valkey),
            *("--port", str(port), "--bind", "127.0.0.1", "--save", ""),
            *("--requirepass", SECRET),
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def http_of(client: Client, environment: Mapping[str, str]) -> httpx2.Client:
    """Bare HTTP with the first key."""
    key = local_key(Path(environment["PRSNL_DATA_DIR"]))
    return httpx2.Client(
        base_url=client.server,
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        trust_env=False,
    )


def test_submits_are_taken_while_the_broker_is_stopped_and_run_once_it_is_back(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    environment["PRSNL_BROKER_URL"] = f"redis://:{SECRET}@127.0.0.1:{port}/0"
    with (
        serving(environment, tmp_path / "api.log") as client,
        http_of(client, environment) as http,
        running(environment, tmp_path / "scheduler.log", "scheduler"),
        running(environment, tmp_path / "worker.log", "worker", "ai_processing"),
    ):
        answers = [
            http.post("/api/background/ai/analyze-content", json={"content": f"A {n}."})
            for n in range(5)
        ]
        assert [answer.status_code for answer in answers] == [202] * 5
        ids = [answer.json()["task_id"] for answer in answers]
        wait_until(
            lambda: "broker" in str(client.status(ids[0]).waiting_because).lower(),
            told=lambda: str(client.status(ids[0])),
        )
        with broker(port, tmp_path):
            ended = [client.wait(task_id) for task_id in ids]
    assert [task.status for task in ended] == [Status.SUCCESS] * 5
    assert [task.attempt for task in ended] == [1] * 5


def pieces(size: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    piece = b"noise" * 50_000
    for _ in range(size // len(piece)):
        yield piece
    yield b"\r\n--x--\r\n"


def test_a_large_upload_takes_no_more_memory_than_a_small_one(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = Path(environment["PRSNL_DATA_DIR"])
    with (
        serving(environment, tmp_path / "api.log") as client,
        http_of(client, environment) as http,
    ):
        found = RunningServer.find(folder)
        assert found is not None
        process = psutil.Process(found.pid)
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        path = "/api/attachments?process=false"
        http.post(path, content=pieces(MIB), headers=form).raise_for_status()
        before = process.memory_info().rss
        peak = before

        def watched() -> Iterator[bytes]:
            nonlocal peak
            for piece in pieces(128 * MIB):
                yield piece
                peak = max(peak, process.memory_info().rss)

        answer = http.post(path, content=watched(), headers=form)

    assert answer.status_code == 202
    assert answer.json()["attachment"]["size_bytes"] > 127 * MIB
    assert (peak - before) / MIB <= 50


def test_a_queue_whose_workers_are_all_held_holds_up_no_other(
    database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    with staff(database, environment, tmp_path / "logs") as people:
        people.hire("scheduler")
        people.worker()
        ai = people.hire("worker", "ai_processing")
        people.until(lambda: people.all("select 1 from workers where pid = %s", ai.pid))
        (held,) = people.submit(COUNT, Count(stages=1, work_ms=3_600_000))
        people.until(lambda: people.row(held)["status"] == "running")
        waiting = people.submit(COUNT, Count(stages=1, work_ms=0))
        # Nobody listens there: each is parked, after it has started.
        others = people.submit(CALL, *[Call(port=1)] * 3)
        people.until(
            lambda: all(people.row(one)["started_at"] is not None for one in others)
        )

        assert people.row(held)["status"] == "running"
        assert people.row(waiting[0])["status"] == "queued"
