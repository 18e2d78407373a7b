"""The supervisor with real processes: start, restart, stop, tether."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from prsnl.core.errors import StartError
from prsnl.embedded.supervisor import (
    ProcessSpec,
    ProcessState,
    State,
    Supervisor,
    cut_log,
)

SLEEP = ("sleep", "600")
PATIENCE_S = 30.0


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as running:
        yield running


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true"
        time.sleep(0.02)


def state_of(supervisor: Supervisor, name: str) -> ProcessState:
    return next(state for state in supervisor.states() if state.name == name)


def is_running(supervisor: Supervisor, name: str) -> bool:
    return state_of(supervisor, name).state is State.RUNNING


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = state_of(supervisor, name).pid
    assert pid is not None
    return pid


def has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_start_waits_until_the_process_is_ready(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    mark = tmp_path / "ready"

    supervisor.start(
        ProcessSpec(
            name="slow",
            argv=("sh", "-c", f"sleep 0.2; touch '{mark}'; exec sleep 600"),
            ready=lambda _pid: mark.exists(),
        )
    )

    assert mark.exists()
    assert state_of(supervisor, "slow").state is State.RUNNING


def test_what_ends_is_started_again_and_counted(supervisor: Supervisor) -> None:
    supervisor.start(ProcessSpec(name="sleeper", argv=SLEEP))
    first = pid_of(supervisor, "sleeper")

    os.kill(first, signal.SIGKILL)

    until(lambda: state_of(supervisor, "sleeper").restarts == 1)
    until(lambda: is_running(supervisor, "sleeper"))
    assert state_of(supervisor, "sleeper").last_exit == -signal.SIGKILL
    assert pid_of(supervisor, "sleeper") != first


def test_a_first_start_that_fails_says_why(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    def explain(output: str) -> StartError | None:
        return StartError("The kettle is empty.") if "empty" in output else None

    log = tmp_path / "kettle.log"
    log.write_text("of an earlier run\n")
    with pytest.raises(StartError, match="The kettle is empty"):
        supervisor.start(
            ProcessSpec(
                name="kettle",
                argv=("sh", "-c", "echo empty; exit 3"),
                log=log,
                ready=lambda _pid: False,
                explain=explain,
            )
        )

    assert supervisor.states() == ()


def test_the_words_of_an_earlier_run_explain_nothing(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """A log is appended to: an old "disk full" must not be told for a new fault."""
    heard: list[str] = []

    def explain(output: str) -> StartError:
        heard.append(output)
        return StartError("Over.")

    log = tmp_path / "log"
    log.write_text("No space left on device\n")
    with pytest.raises(StartError, match=r"Over\."):
        supervisor.start(
            ProcessSpec(
                name="brief",
                argv=("sh", "-c", "echo now"),
                log=log,
                ready=lambda _pid: False,
                explain=explain,
            )
        )

    assert heard == ["now\n"]


def test_a_program_that_is_not_there_is_told(supervisor: Supervisor) -> None:
    spec = ProcessSpec(name="ghost", argv=("/no/such/program",), is_tethered=False)

    with pytest.raises(StartError, match=r"ghost cannot be started: No such file"):
        supervisor.start(spec)


def test_what_is_never_ready_is_told_and_stopped(supervisor: Supervisor) -> None:
    spec = ProcessSpec(
        name="mute", argv=SLEEP, ready=lambda _pid: False, ready_timeout_s=0.3
    )

    with pytest.raises(StartError, match="mute did not become ready"):
        supervisor.start(spec)

    assert supervisor.states() == ()


def test_processes_come_and_go_while_others_run(supervisor: Supervisor) -> None:
    supervisor.start(ProcessSpec(name="api", argv=SLEEP))
    supervisor.add(ProcessSpec(name="worker-1", argv=SLEEP))
    supervisor.add(ProcessSpec(name="worker-2", argv=SLEEP))
    for name in ("worker-1", "worker-2"):
        until(partial(is_running, supervisor, name))

    supervisor.remove("worker-1")

    assert [state.name for state in supervisor.states()] == ["api", "worker-2"]


def test_a_name_is_taken_once(supervisor: Supervisor) -> None:
    supervisor.add(ProcessSpec(name="api", argv=SLEEP))

    with pytest.raises(StartError, match="api is running already"):
        supervisor.add(ProcessSpec(name="api", argv=SLEEP))


def test_the_highest_level_stops_first(tmp_path: Path) -> None:
    """A worker must be gone before the database that it writes to."""
    order = tmp_path / "order"
    ready = tmp_path / "ready"

    def spec(name: str, level: int, drain_s: float) -> ProcessSpec:
        script = (
            f"trap 'sleep {drain_s}; echo {name} >> \"{order}\"; exit' TERM;"
            f' echo {name} >> "{ready}"; while :; do sleep 0.05; done'
        )
        return ProcessSpec(
            name=name,
            argv=("sh", "-c", script),
            level=level,
            ready=lambda _pid: ready.exists() and name in ready.read_text().split(),
        )

    with Supervisor() as supervisor:
        supervisor.start(spec("database", 0, 0))
        supervisor.start(spec("worker", 1, 0.4))
        supervisor.start(spec("api", 2, 0.2))

    assert order.read_text().split() == ["api", "worker", "database"]


def test_what_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    script = f"trap '' TERM; touch '{mark}'; while :; do sleep 0.05; done"
    with Supervisor() as supervisor:
        supervisor.start(
            ProcessSpec(
                name="deaf",
                argv=("sh", "-c", script),
                ready=lambda _pid: mark.exists(),
                stop_timeout_s=0.3,
            )
        )
        pid = pid_of(supervisor, "deaf")

    assert has_ended(pid)


def test_the_niceness_is_added_to_ours(supervisor: Supervisor) -> None:
    supervisor.start(ProcessSpec(name="worker", argv=SLEEP, nice=3))
    pid = pid_of(supervisor, "worker")

    ours = os.getpriority(os.PRIO_PROCESS, 0)
    until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == min(19, ours + 3))


HOLDER = """
import sys, threading
from contextlib import suppress
from prsnl.embedded.supervisor import ProcessSpec, Supervisor
supervisor = Supervisor()
spec = ProcessSpec(name="worker", argv=("sleep", "600"))
adder = threading.Thread(target=supervisor.start, args=(spec,))
adder.start()
adder.join()
with supervisor.signals():
    with suppress(KeyboardInterrupt):  # it may come before the wait
        print(supervisor.states()[0].pid, flush=True)
        supervisor.wait()
    supervisor.stop()
    print("stopped", flush=True)
"""


def holder() -> subprocess.Popen[str]:
    """A process with a supervisor whose worker was added by a thread that is over."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="tethers are Linux's")
def test_a_killed_supervisor_takes_its_workers_with_it() -> None:
    with holder() as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert not has_ended(worker)

        process.kill()

        until(lambda: has_ended(worker))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(number: signal.Signals) -> None:
    with holder() as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())

        process.send_signal(number)

        assert process.stdout.readline() == "stopped\n"
        assert process.wait(PATIENCE_S) == 0
        assert has_ended(worker)


def test_a_long_log_is_moved_aside_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old " * 100)

        cut_log(log, max_bytes=100)
        writer.write(b"new")

    assert log.read_bytes() == b"new"
    assert (tmp_path / "log.1").read_bytes() == b"old " * 100
