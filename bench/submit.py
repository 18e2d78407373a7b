"""What a submit costs, beside an endpoint that validates and one that inserts.

One API process with one event loop; the load comes from another process over kept
connections, each with one request under way. All three take the same body.

- `validate`: parses and validates the body, and answers. No key is looked at.
- `insert`: the same, and one durable INSERT of its own for each request.
- `submit`: POST /api/background/ai/analyze-content, as a client uses it: the key, the
  task's row and its first event, durable, and the ring.

No scheduler runs: nothing else reads the rows meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import psutil

import machine
from prsnl.client import Client
from prsnl.core.errors import UnavailableError
from prsnl.web.keys import new_key
from scratch import BENCH, Scratch, scratch

#: Of the rate of the endpoint that only validates, at each number of connections.
ALLOWED: Final = 0.35
ALLOWED_P99_MS: Final = 30.0
CONNECTIONS: Final = (8, 50, 200)
SIDES: Final = {
    "validate": "/bench/validate",
    "insert": "/bench/insert",
    "submit": "/api/background/ai/analyze-content",
}
BODY: Final = json.dumps(
    {
        "content": "The rent is 940 EUR, due on the first of each month. " * 4,
        "options": {"summary_length": 3, "extract_entities": True},
    }
)


def main() -> int:
    """Measure in turns, print, and tell by the exit status whether the bars hold."""
    parser = argparse.ArgumentParser(prog="bench submit", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--profile", metavar="FILE", help="of the server, by cProfile")
    asked = parser.parse_args()
    if asked.quick:
        asked.seconds, asked.rounds = 2, 2
    print(machine.described())
    told: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with scratch() as stack:
        url, key = _serve(stack, asked.profile)
        _warm(url, key)
        for _ in range(asked.rounds):
            for count in CONNECTIONS:
                for side in SIDES:
                    spent = _cpu_s(stack)
                    seen = _turn(url, side, key, count, asked.seconds)
                    seen["cpu_ms"] = (_cpu_s(stack) - spent) / seen["answers"] * 1e3
                    told.setdefault((side, count), []).append(seen)
    print(
        f"\nmedians of {asked.rounds} interleaved rounds of {asked.seconds:g} s, "
        f"fsync on, load {os.getloadavg()[0]:.1f} at the end"
    )
    return _judge(told)


def _serve(stack: Scratch, profile: str | None) -> tuple[str, str]:
    key = new_key()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module = ["submit_server", key, str(port)]
    if profile:
        module = [
            "cProfile",
            "-o",
            profile,
            str(BENCH / "submit_server.py"),
            *module[1:],
        ]
    stack.supervisor.add(stack.spec("api", *module))
    url = f"http://127.0.0.1:{port}"
    with Client(url) as client:
        gives_up_at = time.monotonic() + 60
        while True:
            try:
                client.health()
            except UnavailableError:
                if time.monotonic() > gives_up_at:
                    raise
                time.sleep(0.1)
            else:
                return url, key


def _cpu_s(stack: Scratch) -> float:
    """What the API and the database have used: it tells more on a busy machine."""
    spent = 0.0
    for pid in stack.pids("api", "postgres"):
        for process in (psutil.Process(pid), *psutil.Process(pid).children()):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent += times.user + times.system
    return spent


def _warm(url: str, key: str) -> None:
    for side in SIDES:
        _turn(url, side, key, connections=8, seconds=1)


def _turn(
    url: str, side: str, key: str, connections: int, seconds: float
) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            str(BENCH / "load.py"),
            f"{url}{SIDES[side]}",
            f"--key={key}",
            f"--body={BODY}",
            f"--connections={connections}",
            f"--seconds={seconds}",
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 30,
    )
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["wrong"] == 0, f"{side}: {seen['wrong']} answers were not a 202"
    return seen


def _judge(told: dict[tuple[str, int], list[dict[str, Any]]]) -> int:
    def median(side: str, count: int, what: str) -> float:
        return statistics.median(one[what] for one in told[side, count])

    rows = []
    for count in CONNECTIONS:
        for side in SIDES:
            rates = [one["rate"] for one in told[side, count]]
            share = median(side, count, "rate") / median("validate", count, "rate")
            rows.append(
                [
                    f"{side}, {count}",
                    f"{median(side, count, 'rate'):.0f}",
                    f"{min(rates):.0f}-{max(rates):.0f}",
                    f"{share:.2f}",
                    f"{median(side, count, 'p50_ms'):.1f}",
                    f"{median(side, count, 'p99_ms'):.1f}",
                    f"{median(side, count, 'cpu_ms'):.2f}",
                ]
            )
    heads = [
        "side, connections",
        "req/s",
        "least-most",
        "of validate",
        "p50 ms",
        "p99 ms",
        "CPU ms",
    ]
    print(machine.table(heads, rows))
    shares = [
        median("submit", count, "rate") / median("validate", count, "rate")
        for count in CONNECTIONS
    ]
    p99_ms = median("submit", CONNECTIONS[0], "p99_ms")
    print(
        f"allowed: submit at least {ALLOWED} of validate (least: {min(shares):.2f}), "
        f"p99 at {CONNECTIONS[0]} connections under {ALLOWED_P99_MS:g} ms "
        f"({p99_ms:.1f})"
    )
    return 0 if min(shares) >= ALLOWED and p99_ms < ALLOWED_P99_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
