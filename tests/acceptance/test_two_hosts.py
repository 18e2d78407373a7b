"""A worker on another host needs the database, the broker and the bucket, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from prsnl.proving.audit import Audit

ROOT: Final = Path(__file__).parents[2]
#: A network of A's own; who is not root gets it with a user namespace.
APART: Final = (
    ("unshare", "--net")
    if os.geteuid() == 0
    else ("unshare", "--user", "--map-current-user", "--keep-caps", "--net")
)
#: All that the program does with networks, in networks that end with the shell.
_TRIAL: Final = (
    "ip link add to-b type veth peer name to-a && "
    "ip rule add from 10.77.0.1 to 10.77.0.9 blackhole && "
    "unshare --net --mount --uts hostname host-b"
)


def has_networks() -> bool:
    """Whether this system lets us have networks of our own."""
    try:
        tried = subprocess.run(
            [*APART, "sh", "-c", _TRIAL], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


#: The name of what was tried stands in the name of the test.
NETWORK: Final = has_networks()
BETWEEN: Final = "two networks" if NETWORK else "two data folders"


def told(home: Path, *arguments: str) -> dict[str, Any]:
    """What came of it."""
    done = subprocess.run(
        [
            *(APART if NETWORK else ()),
            sys.executable,
            "-m",
            "tests.acceptance.two_hosts",
            str(home),
            *arguments,
            *(["--network"] if NETWORK else []),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), "."])},
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"between the hosts: {BETWEEN}\n{done.stdout}{done.stderr}")
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def check(result: dict[str, Any]) -> None:
    books = Audit(**result["audit"])
    assert books.is_clean, result
    assert books.tasks > 20
    assert books.items >= 4
    assert len(result["worked_on"]) == 1
    if NETWORK:
        assert result["worked_on"] == ["host-b"]


@pytest.mark.full
@pytest.mark.parametrize("between", [BETWEEN])
@pytest.mark.timeout(400)
def test_a_host_that_loses_the_broker_then_the_database_loses_and_doubles_nothing(
    home: Path, between: str
) -> None:
    assert between == BETWEEN
    check(told(home))


@pytest.mark.full
@pytest.mark.parametrize("between", [BETWEEN])
@pytest.mark.timeout(900)
def test_a_host_with_three_workers_loses_each_of_them_again_and_again(
    home: Path, between: str
) -> None:
    assert between == BETWEEN
    check(told(home, "--rounds=6", "--workers=3"))
