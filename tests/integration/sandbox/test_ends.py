"""However the worker ends, nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from prsnl.engines.sandbox.pool import SandboxPool
from tests.integration.sandbox.pools import TIMEOUT_S, pool

_ROOT = Path(__file__).parents[3]
_WORKER = """
import sys
from pathlib import Path
from tests.integration.sandbox.pools import pool
with pool(Path(sys.argv[1]), without=frozenset(sys.argv[2].split())) as made:
    with made.child("document") as child:
        for frame in child.stream("cling", {"name": "cling"}, unit_timeout_s=600):
            print("ready", flush=True)
"""


@pytest.mark.parametrize(
    "without", ["", "process_namespace", "namespaces landlock system_call_filter"]
)
def test_a_killed_worker_leaves_no_child_and_the_next_one_clears_up(
    tmp_path: Path, without: str
) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(tmp_path), without],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])},
    )
    with worker:
        assert worker.stdout is not None
        assert b"ready\n" in worker.stdout  # after what its log says of layers
        family = psutil.Process(worker.pid).children(recursive=True)
        assert len(family) >= 2
        worker.send_signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(family, timeout=TIMEOUT_S)
    assert not alive
    assert list(tmp_path.glob("pool-*"))
    with pool(tmp_path) as following:
        assert len(list(tmp_path.glob("pool-*"))) == 1
        assert following.probe_layers().resource_limits


def test_a_closed_pool_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        with made.child("document") as child:
            child.call("echo", {}, timeout_s=TIMEOUT_S)
        assert nurseries()
    assert not nurseries()
    assert not list(tmp_path.glob("pool-*"))


def test_what_is_idle_too_long_is_given_up_and_the_next_use_starts_cold(
    tmp_path: Path,
) -> None:
    from datetime import timedelta  # noqa: PLC0415

    with pool(tmp_path, idle=timedelta(seconds=0.2)) as made:
        ask_echo(made)
        first = nurseries()
        assert first
        deadline = time.monotonic() + TIMEOUT_S
        while nurseries() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not nurseries()
        ask_echo(made)


def ask_echo(made: SandboxPool) -> None:
    with made.child("document") as child:
        child.call("echo", {}, timeout_s=TIMEOUT_S)


def nurseries() -> list[int]:
    """The launchers that this test process has started."""
    return [
        each.pid
        for each in psutil.Process().children()
        if each.status() != psutil.STATUS_ZOMBIE
        and "prsnl.engines.sandbox" in each.cmdline()
    ]
