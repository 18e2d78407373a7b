"""scripts/test_phase1_celery.py: every task over HTTP, judged by what came of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from prsnl.core.db import Database
from prsnl.embedded.datadir import free_port
from tests.acceptance.staff import Crew

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[str]:
    """An API, a scheduler, and one worker of every queue that has tasks."""
    port = free_port()
    told = {**environment, "PRSNL_PORT": str(port)}
    with Crew(database, told, tmp_path / "logs") as crew:
        crew.hire("api")
        crew.hire("scheduler")
        crew.hire("worker", "ai_processing", "file_processing", "media_processing")
        url = f"http://127.0.0.1:{port}"
        crew.until(lambda: is_ready(url), timeout_s=120)
        yield url


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
