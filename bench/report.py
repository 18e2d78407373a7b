"""The same jobs done inside the request, then queued, side by side in one run.

A job is a note of a page, uploaded, read, analysed and embedded, its result stored.

- `in the request`: a server with a process a core, each of which does the job by the
  product's own engines while its client waits, and answers when the result is stored.
- `queued`: the product as it is: the upload is answered at once, and a worker a core
  does the job.

A number of users send their share of the jobs, each the next one when the last is
answered, while somebody else asks for a list. Then a process that does the work is
killed while ten users send, and nobody sends anything again.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import psutil

import costs
import machine
from batch import note
from prsnl.client import local_key
from prsnl.core.db import Database
from prsnl.discovery import RunningServer
from prsnl.embedded.datadir import free_port
from report_server import TABLE
from scratch import BENCH, Scratch, scratch

USERS: Final = (1, 10, 50)
#: An answer that a person does not wait for.
PROMPT_S: Final = 1.0
_ASK_EVERY_S: Final = 0.05
_PATIENCE_S: Final = 600.0
_LINE: Final = "--x"

_numbers: Final = count()


@dataclass(frozen=True)
class Side:
    """One way to do the jobs."""

    name: str
    port: int
    #: Where a note goes to, and what somebody else asks meanwhile.
    post: str
    ask: str
    headers: dict[str, str]
    #: How many results are stored, over all.
    done: Callable[[], int]
    #: The processes that do the jobs: one of them is killed.
    hands: Callable[[], list[psutil.Process]]
    #: All processes of it, servers apart.
    pids: Callable[[], list[int]]

    def send(self, name: str) -> float | None:
        """Seconds until the answer; None if there was none, or not the right one."""
        body = (
            f'{_LINE}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{name}"\r\nContent-Type: text/markdown\r\n\r\n'
            f"{note(int(name.split('.', maxsplit=1)[0]))}\r\n{_LINE}--\r\n"
        ).encode()
        content = {"Content-Type": f"multipart/form-data; boundary={_LINE[2:]}"}
        return self._asked("POST", self.post, body, content)

    def look(self) -> float | None:
        """Seconds until the list is there."""
        return self._asked("GET", self.ask, None, {})

    def _asked(
        self, method: str, path: str, body: bytes | None, more: dict[str, str]
    ) -> float | None:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        began = time.perf_counter()
        try:
            line.request(method, path, body, {**self.headers, **more})
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()
        is_right = answer.status in {200, 202}
        return time.perf_counter() - began if is_right else None


@dataclass
class Turn:
    """What came of one load."""

    answers_s: list[float] = field(default_factory=list)
    #: Of the user who asks for a list meanwhile.
    looks_s: list[float] = field(default_factory=list)
    whole_s: float = 0.0
    jobs: int = 0
    unanswered: list[str] = field(default_factory=list)
    lost: int = 0
    #: Of the cores of the machine, by the side's own processes.
    used: float = 0.0


def load(side: Side, users: int, jobs: int, *, kill_after: int | None = None) -> Turn:
    """Send *jobs* notes by so many users, and wait for the results."""
    names = [f"{next(_numbers):06}.md" for _ in range(jobs)]
    turn, before = Turn(jobs=jobs), side.done()
    spent, began = costs.cpu_s(side.pids()), time.perf_counter()
    stop = threading.Event()
    with ThreadPoolExecutor(users + 1) as pool:
        asking = pool.submit(_ask, side, turn.looks_s, stop)
        shares = [names[place::users] for place in range(users)]
        sending = [pool.submit(_send, side, share, turn) for share in shares]
        while kill_after is not None and side.done() - before < kill_after:
            time.sleep(0.01)
        if kill_after is not None:
            side.hands()[0].kill()
        for one in sending:
            one.result()
        _settle(side, before + jobs - (len(turn.unanswered) if kill_after else 0))
        turn.whole_s = time.perf_counter() - began
        stop.set()
        asking.result()
    turn.lost = before + jobs - side.done()
    spent = costs.cpu_s(side.pids()) - spent
    turn.used = spent / (turn.whole_s * machine.cores())
    return turn


def _send(side: Side, names: Sequence[str], turn: Turn) -> None:
    for name in names:
        took_s = side.send(name)
        if took_s is None:
            turn.unanswered.append(name)
        else:
            turn.answers_s.append(took_s)


def _ask(side: Side, told: list[float], stop: threading.Event) -> None:
    while not stop.wait(_ASK_EVERY_S):
        took_s = side.look()
        if took_s is not None:
            told.append(took_s)


def _settle(side: Side, wanted: int) -> None:
    """Wait until the results are there."""
    gives_up_at = time.monotonic() + _PATIENCE_S
    while side.done() < wanted and time.monotonic() < gives_up_at:
        time.sleep(0.02)


@contextmanager
def in_the_request(stack: Scratch, database: Database) -> Iterator[Side]:
    """The server without a queue, a process a core."""
    database.run(lambda connection: connection.execute(TABLE))
    port = free_port()
    module = ("uvicorn", "report_server:app", f"--port={port}", "--log-level=warning")
    workers = f"--workers={machine.cores()}"
    stack.supervisor.add(
        stack.spec("in-the-request", *module, f"--app-dir={BENCH}", workers)
    )

    def processes() -> list[psutil.Process]:
        (pid,) = stack.pids("in-the-request")
        return [
            child
            for child in psutil.Process(pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]

    side = Side(
        "in the request",
        port,
        post="/job",
        ask="/jobs",
        headers={},
        done=_counted(database, "bench_done"),
        hands=processes,
        pids=lambda: stack.pids("in-the-request"),
    )
    _until(lambda: side.look() is not None)
    yield side


@contextmanager
def queued(stack: Scratch, database: Database) -> Iterator[Side]:
    """The product: the API, a scheduler, a worker a core."""
    names = ["api", "scheduler", *(f"worker-{n}" for n in range(machine.cores()))]
    queues = ("file_processing", "ai_processing")
    stack.supervisor.add(
        stack.spec("api", "prsnl", "api", more={"PRSNL_PORT": "0"}),
    )
    stack.supervisor.add(stack.spec("scheduler", "prsnl", "scheduler"))
    for name in names[2:]:
        stack.supervisor.add(stack.spec(name, "prsnl", "worker", *queues))
    _until(lambda: RunningServer.find(stack.folder) is not None)
    running = RunningServer.find(stack.folder)
    assert running is not None
    _until(lambda: _counted(database, "workers")() == len(names) - 1)
    yield Side(
        "queued",
        int(running.url.rsplit(":", 1)[1]),
        post="/api/attachments?process=true",
        ask="/api/items?limit=20",
        headers={"Authorization": f"Bearer {local_key(stack.folder)}"},
        done=_counted(database, "tasks where status = 'success'"),
        hands=lambda: [psutil.Process(pid) for pid in stack.pids(*names[2:])],
        pids=lambda: stack.pids(*names),
    )


def main() -> int:
    """Measure in turns, and print; there is no bar: it tells what a queue changes."""
    parser = argparse.ArgumentParser(prog="bench report", description=__doc__)
    parser.add_argument("--jobs", type=int, default=120, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="30 jobs a turn")
    asked = parser.parse_args()
    jobs = 30 if asked.quick else asked.jobs
    print(machine.described())
    with (
        scratch() as stack,
        Database.open(stack.urls.database_url, size=4, name="bench") as database,
        in_the_request(stack, database) as plain,
        queued(stack, database) as ours,
    ):
        sides = (plain, ours)
        for side in sides:
            load(side, 2 * machine.cores(), 12)  # warm
        turns = {
            (side.name, users): load(side, users, jobs)
            for users in USERS
            for side in sides
        }
        hurt = {side.name: load(side, 10, jobs, kill_after=jobs // 4) for side in sides}
    print(f"\n{jobs} jobs a turn, load {os.getloadavg()[0]:.1f} at the end\n")
    _tell(turns, hurt)
    return 0


def _tell(turns: dict[tuple[str, int], Turn], hurt: dict[str, Turn]) -> None:
    heads = [
        "users, side",
        "answer p50",
        "p95",
        "most",
        "list p95",
        "all done",
        "jobs/s",
        "cores used",
    ]
    rows = [
        [
            f"{users}, {name}",
            *(_ms(_quantile(turn.answers_s, share)) for share in (0.5, 0.95, 1)),
            _ms(_quantile(turn.looks_s, 0.95)),
            f"{turn.whole_s:.1f} s",
            f"{turn.jobs / turn.whole_s:.1f}",
            f"{100 * turn.used:.0f} %",
        ]
        for (name, users), turn in turns.items()
    ]
    print(machine.table(heads, rows))
    print()
    names = list(hurt)
    served = [str(_served(turns, name)) for name in names]
    lines = [
        [f"users with an answer within {PROMPT_S:g} s (p95)", *served],
        [
            "killed at work: requests without an answer",
            *(str(len(hurt[name].unanswered)) for name in names),
        ],
        ["killed at work: jobs lost", *(str(hurt[name].lost) for name in names)],
        [
            "killed at work: all that is left done",
            *(f"{hurt[name].whole_s:.1f} s" for name in names),
        ],
    ]
    print(machine.table(["what", *names], lines))


def _served(turns: dict[tuple[str, int], Turn], name: str) -> int:
    """The most users, of those tried, whom one in twenty answers keeps no longer."""
    return max(
        (
            users
            for (side, users), turn in turns.items()
            if side == name and _quantile(turn.answers_s, 0.95) <= PROMPT_S
        ),
        default=0,
    )


def _counted(database: Database, what: str) -> Callable[[], int]:
    def now() -> int:
        with database.connection() as connection:
            row = connection.execute(f"select count(*) as n from {what}").fetchone()
        assert row is not None
        return int(row["n"])

    return now


def _until(condition: Callable[[], bool], timeout_s: float = 120) -> None:
    gives_up_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < gives_up_at, "it never came true"
        time.sleep(0.05)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values) or [float("nan")]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms"


if __name__ == "__main__":
    raise SystemExit(main())
