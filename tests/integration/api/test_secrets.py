"""No key, cookie or link is in a log, an error or an address."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx2

from prsnl.client import Client
from prsnl.discovery import RunningServer
from prsnl.web.keys import FILE_NAME

PATIENCE_S = 60.0


def test_what_lets_people_in_is_told_to_nobody_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    data_dir, log = Path(environment["PRSNL_DATA_DIR"]), tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "prsnl", "api"],
            env={**environment, "PRSNL_PORT": "0", "PRSNL_LOG_LEVEL": "debug"},
            stdout=told,
            stderr=told,
        )
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while (running := RunningServer.find(data_dir)) is None:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        key = (data_dir / FILE_NAME).read_text().strip()
        secrets, answers = used(running.url, key)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)

    spoken = log.read_text()
    assert "api.listening" in spoken
    for secret in secrets:
        assert secret not in spoken
        assert not [one.url for one in answers if secret in one.text]
        assert not [one.url for one in answers if secret in str(one.url)]


def used(url: str, key: str) -> tuple[list[str], list[httpx2.Response]]:
    """Use every kind of secret, rightly and wrongly; what they are, what was said."""
    wrong = "prsnl_wrong-but-still-not-to-be-told"
    with Client(url, key) as client:
        link = client.make_link().url.partition("#")[2]
        unused = client.make_link().url.partition("#")[2]
        made = client.create_key(owner="somebody", name="one")
    with httpx2.Client(base_url=url, trust_env=False, headers={"Origin": url}) as page:
        answers = [
            page.get("/link"),
            page.post("/link", data={"token": link}),
            page.post("/link", data={"token": unused + "x"}),
            page.get("/api/me"),
            page.get("/api/me", headers={"Authorization": f"Bearer {wrong}"}),
            page.get("/api/keys", headers={"Authorization": f"Bearer {key}"}),
            page.get("/api/sessions"),
            page.get("/api/attachments/nonsense"),
            page.post("/api/keys", content=b"\xff"),
        ]
        cookie = next(iter(page.cookies.values()))
        with httpx2.Client(base_url=url, trust_env=False) as other:
            other.headers["Origin"] = url
            answers.append(other.post("/link", data={"token": link}))
    return [key, wrong, link, unused, made.key, cookie], answers
