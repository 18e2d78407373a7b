"""deploy/: what it starts is what the tables say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from prsnl.work.queues import QUEUES
from tests.conftest import need

DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORDS = ("POSTGRES_PASSWORD", "BROKER_PASSWORD", "FLOWER_PASSWORD")
#: Images of others, which keep what they need to start.
THEIRS = {"postgres"}


def services(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return dict(told["services"])


def test_each_queue_has_a_service_with_as_many_workers_as_its_row() -> None:
    found = services("compose.yaml")

    for row in QUEUES:
        service = found[str(row.queue)]
        assert service["command"] == ["worker", str(row.queue)]
        assert service["deploy"]["replicas"] == row.workers


@pytest.mark.parametrize("name", ["compose.yaml", "home.yaml"])
def test_nothing_runs_as_root_writes_its_image_or_takes_all_memory(name: str) -> None:
    for title, service in services(name).items():
        if title not in THEIRS:
            assert service["read_only"], title
            assert service["cap_drop"] == ["ALL"], title
            assert service["security_opt"] == ["no-new-privileges:true"], title
        if service["image"] == "prsnl":
            assert not service["user"].startswith("0"), title
        if title != "migrate":
            assert service["deploy"]["resources"]["limits"]["memory"], title


@pytest.mark.parametrize("name", ["compose.yaml", "home.yaml"])
def test_what_listens_does_so_on_this_machine_alone(name: str) -> None:
    for service in services(name).values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["compose.yaml", "home.yaml"])
def test_compose_takes_the_file(name: str) -> None:
    client = shutil.which("docker")
    command = [client or "docker", "compose"]
    is_there = (
        client is not None
        and not subprocess.run(
            [*command, "version"], capture_output=True, check=False
        ).returncode
    )
    need("docker compose", is_there=is_there, why="not installed")
    told = subprocess.run(
        [*command, "-f", str(DEPLOY / name), "config", "--quiet"],
        env={**os.environ, **dict.fromkeys(PASSWORDS, "x")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_the_example_names_each_password_and_holds_none() -> None:
    lines = (DEPLOY / "example.env").read_text().splitlines()

    for name in PASSWORDS:
        assert f"{name}=" in lines


def test_what_is_not_set_reaches_no_container_as_an_empty_address() -> None:
    """The library of the bucket takes an empty AWS_ENDPOINT_URL for one, and ends."""
    for title, service in services("compose.yaml").items():
        if service["image"] == "prsnl":
            assert not [n for n in service["environment"] if n.startswith("AWS_")]
            assert service["env_file"] == [{"path": ".env", "required": False}], title
