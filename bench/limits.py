"""What twenty workers make of a limit, and of a provider that goes away.

A scheduler and several worker processes with threads, as they run in production, do
tasks that ask a server of this process one question each, through the gate:

- `limit`: more tasks wait than may be asked. No stretch of a minute has more requests
  than the limit, and the run uses nearly all of it.
- `down`: the server refuses connections when the tasks come, and is back later. How
  many times it was tried meanwhile, how many requests came in each second after, how
  soon all are done; and no task has spent a try.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import machine
from asking_worker import ASK, URL, Ask
from prsnl.core.db import connect
from prsnl.work.ring import Channel, ringing
from prsnl.work.submit import submission, submit
from scratch import Scratch, scratch

PROCESSES: Final = 5
THREADS: Final = 4
USED: Final = 0.9
_ANSWER_S: Final = 0.3
_LONGEST_S: Final = 300.0


@dataclass
class Server:
    """Answers after a while, and knows when it was asked."""

    times: list[float] = field(default_factory=list)
    port: int = 0
    _http: ThreadingHTTPServer | None = None

    def come(self) -> None:
        """Answer from now on, at the same port."""
        asked = self.times

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """One question."""
                asked.append(time.monotonic())
                self.rfile.read(int(self.headers["content-length"]))
                time.sleep(_ANSWER_S)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The measurement prints."""

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def go(self) -> None:
        """Refuse connections."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None


def main() -> int:
    """Measure, print, and tell by the exit status whether the bars hold."""
    parser = argparse.ArgumentParser(prog="bench limits", description=__doc__)
    parser.add_argument("--per-minute", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--tasks", type=int, default=100, help="of the turn `down`")
    parser.add_argument("--away", type=float, default=20.0, help="seconds of `down`")
    parser.add_argument("--quick", action="store_true", help="one minute, less away")
    asked = parser.parse_args()
    if asked.quick:
        asked.minutes, asked.tasks, asked.away = 1.0, 40, 5.0
    print(machine.described())
    print(
        f"{PROCESSES} worker processes of {THREADS} threads, answers in {_ANSWER_S} s"
    )
    server = Server()
    server.come()
    with scratch() as stack:
        is_kept = _limit(stack, server, asked.per_minute, asked.minutes)
        is_kept &= _down(stack, server, asked.tasks, asked.away)
    return 0 if is_kept else 1


def _limit(stack: Scratch, server: Server, per_minute: int, minutes: float) -> bool:
    more = {"PRSNL_LLM_REQUESTS_PER_MINUTE": str(per_minute)}
    with _workers(stack, server, more):
        _submit(stack, int(per_minute * (minutes + 1)))
        _until(lambda: bool(server.times))
        time.sleep(minutes * 60)
        times = sorted(server.times)
    times = [at for at in times if at <= times[0] + minutes * 60]
    most = most_within(times, 60)
    used = len(times) / (per_minute * minutes)
    print(
        f"\nlimit: {len(times)} requests in {minutes:g} min, at most {most} in any "
        f"minute of {per_minute} allowed, {used:.1%} of the limit used"
    )
    print(f"claims for each answer: {_claims(stack):.2f}; retries: {_retries(stack)}")
    return most <= per_minute and used >= USED


def _down(stack: Scratch, server: Server, tasks: int, away_s: float) -> bool:
    server.go()
    with connect(stack.urls.database_url) as connection:
        connection.execute("truncate tasks, workers, providers, limits, calls cascade")
    server.times.clear()
    with _workers(stack, server, {}):
        _submit(stack, tasks)
        time.sleep(away_s)
        tried = _count(stack, "calls")
        parked = _count(stack, "tasks where status = 'parked'")
        server.come()
        back = time.monotonic()
        _until(lambda: _count(stack, "tasks where status = 'success'") == tasks)
        took_s = time.monotonic() - back
    by_second = [0] * (int(took_s) + 1)
    for at in server.times:
        by_second[min(int(at - back), int(took_s))] += 1
    retries = _retries(stack)
    print(
        f"\ndown: {parked} of {tasks} parked after {away_s:g} s and {tried} tries; all "
        f"done {took_s:.1f} s after it was back; retries: {retries}"
    )
    print("requests in each second after: " + " ".join(map(str, by_second)))
    return parked >= tasks - 1 and retries == 0 and len(server.times) == tasks


def most_within(times: list[float], seconds: float) -> int:
    """The most that fall into any stretch of time of that length."""
    most, first = 0, 0
    for place, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, place - first + 1)
    return most


@contextmanager
def _workers(stack: Scratch, server: Server, more: dict[str, str]) -> Iterator[None]:
    environment = {URL: f"http://127.0.0.1:{server.port}/", **more}
    names = [f"worker-{number}" for number in range(PROCESSES)]
    stack.supervisor.add(stack.spec("scheduler", "prsnl.proving.scheduler"))
    for name in names:
        stack.supervisor.add(
            stack.spec(name, "asking_worker", str(THREADS), more=environment)
        )
    try:
        there = "workers where kind = 'worker' and seen_at > now() - interval '9 s'"
        _until(lambda: _count(stack, there) == PROCESSES)
        yield
    finally:
        for name in (*names, "scheduler"):
            stack.supervisor.remove(name, wait=False)
        for name in (*names, "scheduler"):
            stack.supervisor.remove(name)


def _submit(stack: Scratch, tasks: int) -> None:
    wanted = [
        submission(ASK, Ask(number=number), owner="bench") for number in range(tasks)
    ]
    url = stack.urls.database_url
    with connect(url) as connection, ringing(url) as ring:
        with connection.transaction():
            submit(connection, wanted)
        ring.ring(Channel.DUE)


def _claims(stack: Scratch) -> float:
    done = "tasks where status = 'success'"
    with connect(stack.urls.database_url) as connection:
        row = connection.execute("select sum(claim_no) as n from tasks").fetchone()
    return float(row["n"] if row else 0) / max(1, _count(stack, done))


def _retries(stack: Scratch) -> int:
    with connect(stack.urls.database_url) as connection:
        row = connection.execute(
            "select coalesce(sum(retries + crashes), 0) as n from tasks"
        ).fetchone()
    return int(row["n"]) if row else 0


def _count(stack: Scratch, what: str) -> int:
    with connect(stack.urls.database_url) as connection:
        row = connection.execute(f"select count(*) as n from {what}").fetchone()
    return int(row["n"]) if row else 0


def _until(condition: object) -> None:
    assert callable(condition)
    gives_up_at = time.monotonic() + _LONGEST_S
    while not condition():
        if time.monotonic() > gives_up_at:
            raise TimeoutError("it never came true")
        time.sleep(0.1)


if __name__ == "__main__":
    raise SystemExit(main())
