"""Flower beside the workers: real names, real ends, behind a password."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core.db import Database
from prsnl.core.ids import new_id
from prsnl.embedded.datadir import free_port
from prsnl.work.ring import Channel
from prsnl.work.submit import submission, submit
from tests.acceptance.staff import Crew

NAME = ANALYZE_CONTENT.name


def until(look: Callable[[], Any], *, within_s: float = 120) -> Any:
    """What a look tells as soon as it tells something."""
    end = time.monotonic() + within_s
    while not (told := look()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return told


@pytest.fixture
def flower(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[str]:
    """Its address, with a scheduler and a worker beside it."""
    port = free_port()
    told = {**environment, "PRSNL_FLOWER": "true", "PRSNL_FLOWER_PORT": str(port)}
    with Crew(database, told, tmp_path / "logs") as crew:
        crew.hire("scheduler")
        crew.hire("worker", "ai_processing")
        crew.hire("flower")
        yield f"http://127.0.0.1:{port}"


def listening(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False).status_code == 401
    except httpx2.TransportError:
        return False


@pytest.mark.timeout(240)
def test_flower_shows_names_and_ends_to_who_has_the_password(
    flower: str, environment: Mapping[str, str], database: Database
) -> None:
    until(lambda: listening(flower))
    password = Path(environment["PRSNL_DATA_DIR"], "flower-password").read_text()
    with httpx2.Client(
        base_url=flower, auth=("prsnl", password.strip()), trust_env=False
    ) as asked:
        until(lambda: asked.get("/workers?json=1").json()["data"])
        good, bad = (
            submission(ANALYZE_CONTENT, command, owner="ada")
            for command in (
                AnalyzeContent(content="The rent is 940 EUR."),
                AnalyzeContent(content_id=new_id()),
            )
        )
        with database.connection() as connection:
            submit(connection, [good, bad])
            connection.execute(f"notify {Channel.DUE}")

        def ends() -> dict[str, str] | None:
            told = asked.get("/api/tasks").json()
            found = {one: task["state"] for one, task in told.items()}
            is_over = len(found) == 2 and set(found.values()) <= {"SUCCESS", "FAILURE"}
            return found if is_over else None

        assert until(ends) == {str(good.id): "SUCCESS", str(bad.id): "FAILURE"}
        told = asked.get("/api/tasks").json()
        assert {task["name"] for task in told.values()} == {NAME}
        assert told[str(bad.id)]["exception"] == "Failed('not_found')"
        refused = asked.post(f"/api/task/revoke/{good.id}")
        assert refused.status_code == 403  # to look at: the rows decide
