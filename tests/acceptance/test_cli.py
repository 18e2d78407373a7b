"""The commands as a person runs them: real processes, real files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from prsnl.discovery import RunningServer
from prsnl.embedded.datadir import free_port
from tests.acceptance.staff import wait_until

PATIENCE_S = 150.0
LEASE = (
    "Lease agreement\n\nThe monthly rent is 940.00 EUR, due on 12 May 2024. "
    "The deposit is three monthly rents. The lease begins on 1 June 2024.\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A lease, the same as Markdown in a sub-folder, and a program."""
    folder = tmp_path / "my files"
    (folder / "sub").mkdir(parents=True)
    (folder / "lease.txt").write_text(LEASE)
    (folder / "sub" / "lease.md").write_text(f"# {LEASE}")
    (folder / "program.bin").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(200))
    return folder


def run(
    environment: dict[str, str], *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prsnl", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def processes_of(environment: dict[str, str]) -> list[psutil.Process]:
    """What still runs on a data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PRSNL_DATA_DIR") == environment["PRSNL_DATA_DIR"]:
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def service(environment: dict[str, str]) -> Iterator[RunningServer]:
    """`./prsnl up --background`, and `down` at the end."""
    started = run({**environment, "PRSNL_PORT": str(free_port())}, "up", "--background")
    assert started.returncode == 0, started.stderr
    try:
        found = RunningServer.find(Path(environment["PRSNL_DATA_DIR"]))
        assert found is not None
        yield found
    finally:
        stopped = run(environment, "down")
    assert stopped.returncode == 0, stopped.stderr
    assert stopped.stdout.startswith("Stopped `prsnl up`")
    # It lets go of the folder as the last thing that it does, and then ends.
    wait_until(lambda: processes_of(environment) == [], timeout_s=10)


def test_a_folder_goes_in_and_knowledge_comes_out(
    environment: dict[str, str], files: Path, tmp_path: Path
) -> None:
    """On servers of the user's own, nothing but our own processes is started."""
    out = tmp_path / "out"
    done = run(environment, "process", files, "--output", out)

    assert done.returncode == 1, done.stderr  # the program
    assert "lease.txt" in done.stdout
    assert "940.00 EUR" in done.stdout
    assert "1 file is of a kind that this version does not read" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 done, 1 failed in ")
    assert (out / "lease.txt.txt").read_text().startswith("Lease agreement")
    assert (out / "sub" / "lease.md.md").read_text().startswith("---\ntitle:")
    told = json.loads((out / "program.bin.json").read_text())
    assert told["status"] == "failure"
    assert told["error"]["code"] == "unsupported"
    assert processes_of(environment) == []


def test_json_is_one_object_a_line_and_a_second_run_has_nothing_to_do(
    environment: dict[str, str], files: Path
) -> None:
    first = run(environment, "process", files / "lease.txt", "--json")
    second = run(environment, "process", files / "lease.txt")

    assert first.returncode == 0, first.stderr
    (told,) = map(json.loads, first.stdout.splitlines())
    assert told["file"] == "lease.txt"
    assert told["status"] == "success"
    assert told["language"] == "en"
    assert told["pages"][0]["status"] == "ok"
    assert ["due_date", "2024-05-12"] in [
        [one["kind"], one["value"]] for one in told["insights"]
    ]
    assert "lease.txt   (already there)" in second.stdout
    assert second.returncode == 0


def test_the_embedded_stack_needs_nothing_else(home: Path, files: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PRSNL_")
    }
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    environment["PRSNL_DATA_DIR"] = str(home / "a data folder")
    done = run(environment, "process", files / "lease.txt")

    assert done.returncode == 0, done.stderr
    assert "1 done, 0 failed" in done.stdout
    assert processes_of(environment) == []


def test_what_runs_is_used_and_shown_and_stopped(
    environment: dict[str, str], files: Path
) -> None:
    with service(environment) as running:
        done = run(environment, "process", files / "lease.txt", "--json")
        task_id = json.loads(done.stdout)["task_id"]
        all_of_it = run(environment, "status")
        one = run(environment, "status", task_id)
        cancelled = run(environment, "cancel", task_id)
        retried = run(environment, "retry", task_id)
        detached = run(environment, "process", "--detach", files / "sub")
        second = run(environment, "up")
        doctor = run(environment, "doctor")

        assert RunningServer.find(Path(environment["PRSNL_DATA_DIR"])) == running
    assert task_id in all_of_it.stdout
    assert one.stdout.startswith(f"process_document_task   {task_id}\n  success")
    assert "it had ended already" in cancelled.stdout
    assert retried.returncode == 1
    assert "has not failed" in retried.stderr
    assert detached.returncode == 0
    assert detached.stdout.startswith("lease.md   ")
    assert second.returncode == 1
    assert "in use by `prsnl up`" in second.stderr
    assert "ok  database: PostgreSQL" in doctor.stdout
    assert environment["PRSNL_DATABASE_URL"] not in doctor.stdout


def test_ctrl_c_cancels_what_was_sent_and_leaves_nothing_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.txt").write_text(LEASE * 40 + str(number))
    process = subprocess.Popen(
        [sys.executable, "-m", "prsnl", "process", str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # Several are sent at a time: any of them may end first.
    assert re.match(r"\d\d\.txt   ", process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert "Cancelled" in said
    assert "Traceback" not in said
    assert processes_of(environment) == []
    with service(environment):
        shown = run(environment, "status")
    assert "Nothing is under way" in shown.stdout
    assert "revoked" in shown.stdout


def test_ctrl_c_leaves_alone_what_an_earlier_command_has_sent(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Without a worker nothing ends by itself, so that the moment is no matter."""
    file = tmp_path / "lease.txt"
    file.write_text(LEASE)
    with api_alone(environment) as running:
        key = (
            Path(environment["PRSNL_DATA_DIR"]) / "api-key"
        ).read_text()  # with a line's end
        named = {**environment, "PRSNL_SERVER": running.url, "PRSNL_API_KEY": key}
        detached = run(named, "process", "--detach", "--json", file)
        assert detached.returncode == 0, detached.stderr
        task_id = json.loads(detached.stdout)["task_id"]
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "prsnl", "process", str(file)],
            env=named,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline().startswith("lease.txt: ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        shown = run(named, "status", task_id)

    assert process.returncode == 130
    assert "Cancelled 0 files" in said
    assert "from an earlier command, and not cancelled: 1 file." in said
    assert "queued" in shown.stdout


@contextmanager
def api_alone(environment: dict[str, str]) -> Iterator[RunningServer]:
    """`./prsnl api` without scheduler and workers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "prsnl", "api"],
        env={**environment, "PRSNL_PORT": str(free_port())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        found = None
        while found is None:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
            found = RunningServer.find(Path(environment["PRSNL_DATA_DIR"]))
        yield found
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
