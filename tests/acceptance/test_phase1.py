"""scripts/test_phase1_celery.py: every task over HTTP, judged by what came of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from prsnl.embedded.datadir import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(environment: Mapping[str, str], tmp_path: Path) -> Iterator[str]:
    """An API, a scheduler, and one worker of every queue that has tasks."""
    port = free_port()
    told = {**environment, "PRSNL_PORT": str(port)}
    queues = ("ai_processing", "file_processing", "media_processing")
    processes = []
    for command in (["api"], ["scheduler"], ["worker", *queues]):
        with (tmp_path / f"{command[0]}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "prsnl", *command],
                    env=told,
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 120
        while not is_ready(url):
            assert time.monotonic() < until
            time.sleep(0.2)
        yield url
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/ready", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.timeout(480)
def test_the_acceptance_run_passes_whole(
    server: str, environment: Mapping[str, str]
) -> None:
    key = Path(environment["PRSNL_DATA_DIR"], "api-key").read_text().strip()
    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts/test_phase1_celery.py")],
        env={**environment, "PRSNL_SERVER": server, "PRSNL_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "(100 %)" in ended.stdout
