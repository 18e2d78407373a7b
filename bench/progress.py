"""How long after its commit an event reaches the client that follows the task.

An API process serves the sockets of clients, each an owner with tasks of his own. The
events are committed by pgbench, which is in C, so that the server and the API are what
is measured: each transaction is the product's own statement, paced to so many a second
in all, on connections whose transactions overlap. Every event carries the time of its
statement, so that the lag holds its COMMIT with the wait for the disk, the ring, the
reader and the socket. Rings come from as many processes' bells as there are workers,
as often as they may. What was received is compared with what the table holds.

- `feed`: each client follows all of its tasks, over one socket.
- `task`: each client follows its one task.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent))

import costs
import machine
from prsnl.core.db import connect
from prsnl.discovery import RunningServer
from prsnl.web import keys
from prsnl.work.ring import Channel, ringing
from prsnl.work.stages import RAISE
from scratch import BENCH, Scratch, scratch

ALLOWED_MS: Final = 100.0
SIDES: Final = ("feed", "task")
_TASKS_EACH: Final = 2
_CONNECTIONS: Final = 16
_RINGERS: Final = 4
_RING_EVERY_S: Final = 0.005
_CLIENT_PROCESSES: Final = 2
_STARTED_S: Final = 60.0
#: The last events of a run arrive within so long, or are missed.
_SETTLE_S: Final = 3.0
_TASK: Final = "('00000000-0000-7000-8000-' || lpad({}::text, 12, '0'))::uuid"
_TASKS: Final = f"""
insert into tasks (id, owner, name, queue, command, command_hash, status, claim_no,
                   lease_until)
select {_TASK.format("n")}, 'owner-' || n %% %(owners)s, 'process_document_task',
       'file_processing', '{{}}', '', 'running', 1, now() + interval '1 day'
from generate_series(0, %(tasks)s - 1) n
"""


@dataclass(frozen=True)
class Result:
    """What one turn has shown."""

    lags_ms: list[float]
    committed: int
    missed: int
    doubled: int
    per_s: float
    api_cores: float


def main() -> int:
    """Measure in turns, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(prog="bench progress", description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--per-second", type=int, default=2000, help="events in all")
    parser.add_argument("--seconds", type=int, default=20, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=SIDES)
    parser.add_argument("--quick", action="store_true", help="one short round")
    asked = parser.parse_args()
    if asked.quick:
        asked.seconds, asked.rounds = 8, 1
    sides = [asked.only] if asked.only else list(SIDES)
    print(machine.described())
    print(machine.versions("uvicorn", "websockets", "uvloop", "psycopg"))
    results: dict[str, list[Result]] = {side: [] for side in sides}
    with scratch() as stack, _api(stack) as api:
        lines = _owners(stack, api.url, asked.clients)
        for number in range(1, asked.rounds + 1):
            for side in sides:
                result = _turn(stack, side, lines, asked)
                results[side].append(result)
                print(
                    f"  round {number}: {side} p99 {_share(result.lags_ms, 99):.0f} ms,"
                    f" load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    return _report(results, asked)


@contextmanager
def _api(stack: Scratch) -> Iterator[RunningServer]:
    stack.supervisor.add(stack.spec("api", "prsnl", "api", more={"PRSNL_PORT": "0"}))
    try:
        give_up_at = time.monotonic() + _STARTED_S
        while (found := RunningServer.find(stack.folder)) is None:
            if time.monotonic() > give_up_at:
                raise TimeoutError("The API did not start.")
            time.sleep(0.1)
        yield found
    finally:
        stack.supervisor.remove("api")


def _owners(stack: Scratch, url: str, number: int) -> dict[str, list[str]]:
    """Owners with keys and tasks; by side the line that each client needs."""
    address = f"{url.replace('http', 'ws', 1)}/api/background/ws/progress"
    lines: dict[str, list[str]] = {side: [] for side in SIDES}
    with connect(stack.urls.database_url) as connection:
        connection.execute(_TASKS, {"owners": number, "tasks": number * _TASKS_EACH})
        for place in range(number):
            key = keys.new_key()
            keys.ensure(connection, key, owner=f"owner-{place}", name="bench")
            lines["feed"].append(f"{address} {key}\n")
            lines["task"].append(f"{address}/{_id(place)} {key}\n")
    return lines


def _id(number: int) -> UUID:
    return UUID(f"00000000-0000-7000-8000-{number:012d}")


def _turn(
    stack: Scratch,
    side: str,
    lines: dict[str, list[str]],
    asked: argparse.Namespace,
) -> Result:
    with connect(stack.urls.database_url) as connection:
        connection.execute("truncate task_progress")
        connection.execute("vacuum analyze tasks")
    tasks = asked.clients * (_TASKS_EACH if side == "feed" else 1)
    with ExitStack() as exits:
        clients = [
            exits.enter_context(_clients(stack, number, lines[side]))
            for number in range(_CLIENT_PROCESSES)
        ]
        for client in clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        exits.enter_context(_ringing_always(stack))
        pids = stack.pids("api")
        before = costs.cpu_s(pids)
        _commit(stack, tasks, asked)
        cores = (costs.cpu_s(pids) - before) / asked.seconds
        time.sleep(_SETTLE_S)
        for client in clients:
            client.communicate(timeout=60)
            assert client.returncode == 0
    return _compare(stack, asked.seconds, cores)


@contextmanager
def _clients(
    stack: Scratch, number: int, lines: Sequence[str]
) -> Iterator[subprocess.Popen[str]]:
    first = number * len(lines) // _CLIENT_PROCESSES
    own = lines[first : (number + 1) * len(lines) // _CLIENT_PROCESSES]
    process = subprocess.Popen(
        [
            sys.executable,
            str(BENCH / "progress_clients.py"),
            str(_received(stack, number)),
            str(first),
            str(len(own)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.writelines(own)
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()


def _received(stack: Scratch, number: int) -> Path:
    return stack.folder / f"received-{number}.jsonl"


@contextmanager
def _ringing_always(stack: Scratch) -> Iterator[None]:
    stop = threading.Event()
    with ExitStack() as rings:
        bells = [
            rings.enter_context(ringing(stack.urls.database_url))
            for _ in range(_RINGERS)
        ]

        def ask() -> None:
            while not stop.wait(_RING_EVERY_S):
                for bell in bells:
                    bell.ring(Channel.PROGRESS)

        thread = threading.Thread(target=ask, name="ringer")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _commit(stack: Scratch, tasks: int, asked: argparse.Namespace) -> None:
    """Events at the wanted rate, each in a transaction of its own."""
    statement = RAISE % {
        "current": "1",
        "total": "null",
        "message": "extract(epoch from clock_timestamp())::text",
        "is_commit": "false",
        "is_event": "true",
        "id": _TASK.format(":task"),
        "claim_no": "1",
    }
    script = stack.folder / "progress.sql"
    script.write_text(
        f"\\set task random(0, {tasks - 1})\n{statement.strip()};\n", encoding="utf-8"
    )
    stack.pgbench(
        script,
        f"--rate={asked.per_second}",
        f"--client={_CONNECTIONS}",
        "--jobs=1",
        seconds=asked.seconds,
    )


def _compare(stack: Scratch, seconds: int, api_cores: float) -> Result:
    """What came, beside what was committed."""
    with connect(stack.urls.database_url) as connection:
        rows = connection.execute(
            "select task_id, seq, owner, created_at from task_progress"
        ).fetchall()
    wanted = {(str(row["task_id"]), row["seq"]): row["owner"] for row in rows}
    got: Counter[tuple[str, int]] = Counter()
    lags_ms = []
    for number in range(_CLIENT_PROCESSES):
        for line in _received(stack, number).open(encoding="utf-8"):
            client, task_id, seq, sent_at, at = json.loads(line)
            assert wanted[task_id, seq] == f"owner-{client}", "another's event"
            got[task_id, seq] += 1
            lags_ms.append((at - sent_at) * 1000)
    return Result(
        lags_ms=lags_ms,
        committed=len(wanted),
        missed=len(wanted.keys() - got.keys()),
        doubled=sum(count - 1 for count in got.values()),
        per_s=len(wanted) / seconds,
        api_cores=api_cores,
    )


def _share(values: Sequence[float], percent: float) -> float:
    """The value below which so many lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _report(results: dict[str, list[Result]], asked: argparse.Namespace) -> int:
    print(
        f"\n{asked.clients} clients, {asked.per_second} events/s asked for, "
        f"{asked.rounds} rounds of {asked.seconds} s, fsync on, "
        f"load {os.getloadavg()[0]:.1f} at the end"
    )
    table = []
    is_met = True
    for side, turns in results.items():
        lags = [lag for turn in turns for lag in turn.lags_ms]
        missed = sum(turn.missed for turn in turns)
        doubled = sum(turn.doubled for turn in turns)
        p99s = [_share(turn.lags_ms, 99) for turn in turns]
        table.append(
            [
                side,
                f"{sum(turn.per_s for turn in turns) / len(turns):.0f}",
                *(f"{_share(lags, percent):.0f}" for percent in (50, 95, 99)),
                f"{min(p99s):.0f}-{max(p99s):.0f}",
                f"{max(lags):.0f}",
                str(missed),
                str(doubled),
                f"{sum(turn.api_cores for turn in turns) / len(turns):.2f}",
            ]
        )
        is_met &= _share(lags, 99) < ALLOWED_MS and not missed and not doubled
    heads = ["side", "events/s", "p50 ms", "p95", "p99", "p99 by round", "most"]
    print(machine.table([*heads, "missed", "doubled", "API cores"], table))
    print(f"allowed: p99 under {ALLOWED_MS:.0f} ms, none missed, none doubled")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
