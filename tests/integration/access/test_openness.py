"""A database or a broker that lets anybody in: real ones, opened on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from prsnl.access import openness
from prsnl.client import Client
from prsnl.core import schema
from prsnl.core.db import connect
from prsnl.core.errors import StartError
from prsnl.discovery import RunningServer
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import Supervisor
from tests.conftest import open_folder

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def opened() -> Iterator[StackUrls]:
    """Servers of this test alone, that no longer ask for a password."""
    with (
        open_folder() as folder,
        Supervisor() as supervisor,
        EmbeddedStack(folder / "data", supervisor, is_durable=False) as urls,
    ):
        schema.migrate(urls.database_url)
        with connect(urls.database_url) as connection:
            row = connection.execute("show hba_file").fetchone()
            assert row is not None
            hba = Path(row["hba_file"])
            rules = hba.read_text().replace("scram-sha-256", "trust")
            hba.write_text(rules)
            connection.execute("select pg_reload_conf()")
        with Redis.from_url(urls.broker_url) as broker:
            broker.config_set("requirepass", "")
        wait_until_open(urls)
        yield urls


def wait_until_open(urls: StackUrls) -> None:
    """The database reads its rules again a moment after it was told to."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not openness.database_is_open(urls.database_url):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()


def test_servers_that_ask_for_a_password_are_not_open(stack: StackUrls) -> None:
    assert not openness.database_is_open(stack.database_url)
    assert not openness.broker_is_open(stack.broker_url)
    assert openness.check(stack.database_url, stack.broker_url, is_insecure=False) == ()


def test_servers_that_let_anybody_in_are_refused_by_name(opened: StackUrls) -> None:
    with pytest.raises(StartError) as refused:
        openness.check(opened.database_url, opened.broker_url, is_insecure=False)

    said = refused.value.message
    for part in ("PRSNL_DATABASE_URL", "PRSNL_BROKER_URL", "--insecure"):
        assert part in said
    password = urlsplit(opened.database_url).password
    assert password is not None
    assert password not in said


def test_servers_that_do_not_answer_are_no_finding() -> None:
    """Who needs them says that they are away, and how to mend it."""
    nowhere = "127.0.0.1:1"

    assert not openness.database_is_open(f"postgresql://a:b@{nowhere}/c")
    assert not openness.broker_is_open(f"redis://{nowhere}/0")
    assert not openness.broker_is_open(f"rediss://{nowhere}/0")


@pytest.mark.parametrize("command", [["api"], ["scheduler"], ["worker", "insights"]])
def test_no_process_starts_on_them(
    opened: StackUrls, tmp_path: Path, command: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", *command],
        env=environment(opened, tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 1
    assert "lets anybody in" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_insecure_the_start_and_health_say_so(
    opened: StackUrls, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "prsnl", "api", "--insecure"],
            env=environment(opened, tmp_path),
            stderr=told,
        )
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while (running := RunningServer.find(tmp_path / "data")) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        with Client(running.url) as client:
            problems = " ".join(client.health().problems)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)

    for said in (problems, log.read_text()):
        assert "--insecure" in said
        assert "broker" in said
        assert "database" in said


def environment(opened: StackUrls, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "PRSNL_DATABASE_URL": opened.database_url,
        "PRSNL_BROKER_URL": without_password(opened.broker_url),
        "PRSNL_DATA_DIR": str(folder / "data"),
        "PRSNL_PORT": "0",
    }
