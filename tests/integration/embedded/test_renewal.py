"""Renewal: what reads a setting ends gently and starts anew, at a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.embedded.supervisor import ProcessSpec, State, Supervisor
from tests.integration.embedded.test_supervisor import (
    SLEEP,
    is_running,
    pid_of,
    state_of,
    until,
)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as running:
        yield running


def drains(folder: Path) -> tuple[str, ...]:
    """A program that notes its start, and takes a moment to leave."""
    script = (
        f"echo began >> '{folder}/life'; "
        f"trap \"sleep 0.3; echo left >> '{folder}/life'; exit 0\" TERM; "
        f"touch '{folder}/ready'; while true; do sleep 0.02; done"
    )
    return ("sh", "-c", script)


def test_what_renews_drains_and_starts_anew_and_the_others_stay(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(
        ProcessSpec(
            name="worker",
            argv=drains(tmp_path),
            renews=True,
            ready=lambda _pid: (tmp_path / "ready").exists(),
        )
    )
    supervisor.start(ProcessSpec(name="database", argv=SLEEP))
    worker, database = pid_of(supervisor, "worker"), pid_of(supervisor, "database")

    supervisor.renew()
    supervisor.renew()  # while it drains: once is enough

    until(lambda: is_running(supervisor, "worker"))
    assert pid_of(supervisor, "worker") != worker
    assert pid_of(supervisor, "database") == database
    assert state_of(supervisor, "worker").restarts == 0  # it did not fail
    until(lambda: (tmp_path / "life").read_text().split() == ["began", "left", "began"])


def test_one_that_waits_for_its_next_try_is_started_at_once(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """It may have failed by the very setting that was corrected."""
    script = f"test -e '{tmp_path}/mended' && exec sleep 600; exit 1"
    supervisor.add(ProcessSpec(name="worker", argv=("sh", "-c", script), renews=True))
    # After three more tries it waits for four seconds.
    until(
        lambda: (
            state_of(supervisor, "worker").restarts >= 3
            and state_of(supervisor, "worker").state is State.BACKOFF
        )
    )
    (tmp_path / "mended").touch()
    began = time.monotonic()

    supervisor.renew()

    until(lambda: is_running(supervisor, "worker"))
    assert time.monotonic() - began < 3


def test_a_stop_goes_before_a_renewal(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(
        ProcessSpec(
            name="worker",
            argv=drains(tmp_path),
            renews=True,
            ready=lambda _pid: (tmp_path / "ready").exists(),
        )
    )

    supervisor.renew()
    supervisor.stop()

    assert supervisor.states() == ()
    assert (tmp_path / "life").read_text().split() == ["began", "left"]


PROGRAM = """
import sys
from prsnl.embedded.supervisor import ProcessSpec, Supervisor
script = sys.argv[1]
with Supervisor() as supervisor, supervisor.signals():
    supervisor.start(ProcessSpec(name="worker", argv=("sh", "-c", script), renews=True))
    supervisor.start(ProcessSpec(name="other", argv=("sleep", "600")))
    print("up", flush=True)
    supervisor.wait()
    print("stopped", flush=True)
"""


def test_a_signal_renews_and_the_program_goes_on(tmp_path: Path) -> None:
    life = tmp_path / "life"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"echo $$ >> '{life}'; exec sleep 600"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "up\n"
        until(lambda: life.exists() and len(life.read_text().split()) == 1)

        for _ in range(5):  # whatever its main thread does just then
            program.send_signal(signal.SIGUSR1)

        until(lambda: len(life.read_text().split()) >= 2)
        assert program.poll() is None
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "stopped\n"
        assert program.wait(timeout=30) == 0
