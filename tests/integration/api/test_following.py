"""The Python client and the command that follow tasks, through outages too."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.client import Client
from prsnl.core.errors import NotFoundError, UnauthorizedError, UnavailableError
from prsnl.work.specs import Status
from tests.fakes.progress_events import step, steps, submitted
from tests.fakes.proxy import Proxy, proxied
from tests.integration.api.conftest import Person, Server

PATIENCE_S = 60.0
#: A client has seen so much of an outage.
OUTAGE_S = 0.5


@pytest.fixture
def wire(server: Server, ada: Person) -> Iterator[tuple[Proxy, Client]]:
    """A client, and the wire to its server."""
    with (
        proxied(server.url) as (proxy, url),
        Client(url, server.key(ada.owner)) as client,
    ):
        yield proxy, client


@contextmanager
def cut(proxy: Proxy) -> Iterator[None]:
    """The wire is cut, as long as the block runs and a moment more."""
    proxy.cut()
    try:
        yield
        time.sleep(OUTAGE_S)
    finally:
        proxy.mend()


def end(server: Server, task_id: UUID, status: Status = Status.SUCCESS) -> None:
    with server.database.connection() as connection:
        step(connection, task_id, "Over", status)


def test_a_task_is_followed_to_its_end_through_a_cut_wire(
    server: Server, ada: Person, wire: tuple[Proxy, Client]
) -> None:
    proxy, client = wire
    task_id = submitted(server.database, ada.owner)
    events = client.follow(task_id)
    seen = [next(events).seq]
    for number in range(3):
        with cut(proxy):
            steps(server.database, task_id, f"{number} one", f"{number} two")
        seen += [next(events).seq, next(events).seq]
    end(server, task_id)
    seen += [event.seq for event in events]

    assert seen == list(range(8))


def test_all_tasks_are_followed_through_a_cut_wire(
    server: Server, ada: Person, wire: tuple[Proxy, Client]
) -> None:
    proxy, client = wire
    events = client.events()
    kinds = [next(events).event]
    task_id = submitted(server.database, ada.owner)
    kinds.append(next(events).event)
    for _ in range(2):
        with cut(proxy):
            steps(server.database, task_id, "one", "two")
        kinds += [next(events).event, next(events).event]

    assert kinds == ["ready"] + ["progress"] * 5


def test_a_program_goes_on_from_the_cursor_that_it_has_kept(
    server: Server, ada: Person
) -> None:
    events = ada.client.events()
    next(events)
    task_id = submitted(server.database, ada.owner)
    cursor = next(events).cursor
    steps(server.database, task_id, "one")
    again = ada.client.events(cursor=cursor)

    assert [next(again).event, next(again).event] == ["ready", "progress"]


def test_what_is_not_there_is_told_at_once(server: Server, ada: Person) -> None:
    with pytest.raises(NotFoundError):
        next(ada.client.follow(uuid4()))
    with Client(server.url, "prsnl_wrong") as stranger:
        with pytest.raises(UnauthorizedError):
            next(stranger.events())
        with pytest.raises(UnauthorizedError):
            next(stranger.follow(uuid4()))


def test_a_server_that_is_not_there_is_told_at_once(server: Server) -> None:
    with (
        proxied(server.url) as (proxy, url),
        Client(url, server.key("nobody")) as client,
    ):
        proxy.cut()
        with pytest.raises(UnavailableError, match=r"\./prsnl up"):
            next(client.events())
        with pytest.raises(UnavailableError, match=r"\./prsnl up"):
            next(client.follow(uuid4()))


def environment_of(server: Server, ada: Person) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
        "PRSNL_SERVER": server.url,
        "PRSNL_API_KEY": server.key(ada.owner),
        "COLUMNS": "120",
    }


def watching(server: Server, ada: Person, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "prsnl", "status", "--watch", *arguments],
        env=environment_of(server, ada),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("status", "code"), [(Status.SUCCESS, 0), (Status.FAILURE, 1)])
def test_the_command_tells_each_step_of_a_task_and_how_it_ended(
    server: Server, ada: Person, status: Status, code: int
) -> None:
    task_id = submitted(server.database, ada.owner)
    command = watching(server, ada, str(task_id))
    assert command.stdout is not None
    assert command.stdout.readline().startswith("queued: No scheduler is running")
    steps(server.database, task_id, "one", "two")
    assert command.stdout.readline() == "running: one\n"
    assert command.stdout.readline() == "running: two\n"
    end(server, task_id, status)
    told, complaints = command.communicate(timeout=PATIENCE_S)

    assert told.startswith(f"{status}: Over\nanalyze_content_task")
    assert complaints == ""
    assert command.returncode == code


def test_ctrl_c_ends_the_watching_of_everything_without_a_word(
    server: Server, ada: Person
) -> None:
    command = watching(server, ada)
    assert command.stdout is not None
    assert command.stdout.readline().startswith(server.url)
    task_id = submitted(server.database, ada.owner)
    for line in command.stdout:
        if line.startswith(f"{task_id}  analyze_content_task  queued"):
            break
    command.send_signal(signal.SIGINT)
    _, complaints = command.communicate(timeout=PATIENCE_S)

    assert complaints == ""
    assert command.returncode == 130


def test_on_a_terminal_it_is_shown_in_place(server: Server, ada: Person) -> None:
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "prsnl", "status", "--watch"],
        env={**environment_of(server, ada), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    task_id = submitted(server.database, ada.owner)
    timer = threading.Timer(2, steps, [server.database, task_id, "Boiling the kettle"])
    timer.start()
    shown = read_until(ours, "Boiling the kettle")
    timer.join()
    command.send_signal(signal.SIGINT)
    command.wait(PATIENCE_S)
    os.close(ours)

    assert str(task_id) in shown
    assert "Traceback" not in shown
    assert command.returncode == 130


def read_until(terminal: int, word: str) -> str:
    shown = ""
    give_up_at = time.monotonic() + PATIENCE_S
    while word not in shown:
        assert time.monotonic() < give_up_at, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65_536).decode(errors="replace")
    return shown
