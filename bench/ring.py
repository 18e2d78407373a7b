"""What the ring costs those who submit, on a slow disk.

The clients are 32 connections of pgbench, which is in C, so that the server is what
is measured. Each sends the product's own INSERT of one task, in autocommit. The disk
is slow on purpose: `commit_delay` adds 3 ms to every flush, as a cloud's disk would.

- `no ring`: the INSERT alone.
- `ring`: beside it, this many API processes ring as often as they may, the whole
  time: more than any real submits would have them ring.
- `notify`: the INSERT's own transaction notifies, as one would do without the ring.

A relay's listener listens on every side.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import machine
from prsnl.core.db import connect
from prsnl.work.ring import Channel, Listener, ringing
from prsnl.work.submit import INSERT
from scratch import Scratch, scratch

CLIENTS: Final = 32
ALLOWED: Final = 0.9
_SLOW_DISK: Final = {"commit_delay": 3000, "commit_siblings": 0}
_RINGERS: Final = 2
_RING_EVERY_S: Final = 0.002
#: pgbench's variables stand for what a client of ours would send.
_ARRAYS: Final = {
    "ids": "array[uuidv7()]",
    "owners": "array['owner-' || :client_id]",
    "names": "array['process_document_task']",
    "queues": "array['file_processing']",
    "priorities": "array[0]",
    "commands": """array['{"attachment_id": "0190", "options": {}}']""",
    "hashes": "array[sha256(uuidv7()::text::bytea)]",
    "keys": "array[uuidv7()::text]",
    "parents": "array[null]",
    "attachments": "array[null]",
    "held": "array[false]",
}
SIDES: Final = ("no ring", "ring", "notify")


def main() -> int:
    """Measure in turns, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(prog="bench ring", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    asked = parser.parse_args()
    if asked.quick:
        asked.seconds, asked.rounds = 2, 2
    print(machine.described())
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    with scratch() as stack, _slow_disk(stack):
        scripts = _scripts(stack.folder)
        _inserts_per_s(stack, scripts["no ring"], seconds=1)
        for _ in range(asked.rounds):
            for side in SIDES:
                with ExitStack() as ringers:
                    if side == "ring":
                        for _ in range(_RINGERS):
                            ringers.enter_context(_ringing_always(stack))
                    rate = _inserts_per_s(stack, scripts[side], asked.seconds)
                rates[side].append(rate)
    medians = {side: statistics.median(told) for side, told in rates.items()}
    disk = ", ".join(f"{name} {value}" for name, value in _SLOW_DISK.items())
    print(
        f"\n{CLIENTS} clients, {disk}, fsync on, "
        f"medians of {asked.rounds} interleaved rounds of {asked.seconds} s"
    )
    rows = [
        [
            side,
            f"{medians[side]:.0f}",
            f"{min(rates[side]):.0f}-{max(rates[side]):.0f}",
            f"{medians[side] / medians['no ring']:.3f}",
        ]
        for side in SIDES
    ]
    print(machine.table(["side", "INSERTs/s", "least-most", "of no ring"], rows))
    kept = medians["ring"] / medians["no ring"]
    print(f"allowed: at least {ALLOWED} of the rate without the ring")
    return 0 if kept >= ALLOWED else 1


@contextmanager
def _slow_disk(stack: Scratch) -> Iterator[None]:
    url = stack.urls.database_url
    with connect(url) as connection:
        for name, value in _SLOW_DISK.items():
            connection.execute(f"alter system set {name} = {value}")
        connection.execute("select pg_reload_conf()")
    stop = threading.Event()
    listener = Listener(url, Channel.DUE)

    def listen() -> None:
        while not stop.is_set():
            listener.wait(0.5)
        listener.close()

    thread = threading.Thread(target=listen, name="listener")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _ringing_always(stack: Scratch) -> Iterator[None]:
    stop = threading.Event()
    with ringing(stack.urls.database_url) as ring:

        def ask() -> None:
            while not stop.wait(_RING_EVERY_S):
                ring.ring(Channel.DUE, Channel.PROGRESS)

        thread = threading.Thread(target=ask, name="ringer")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _scripts(folder: Path) -> dict[str, Path]:
    insert = (INSERT % {name: _ARRAYS[name] for name in _ARRAYS}).strip()
    told = {
        "no ring": insert,
        "ring": insert,
        "notify": insert.replace(
            "select id from new",
            f"select id, pg_notify('{Channel.DUE}', '') from new",
        ),
    }
    scripts = {}
    for side, text in told.items():
        scripts[side] = folder / f"{side.replace(' ', '-')}.sql"
        scripts[side].write_text(f"{text};\n", encoding="utf-8")
    return scripts


def _inserts_per_s(stack: Scratch, script: Path, seconds: int) -> float:
    with connect(stack.urls.database_url) as connection:
        connection.execute("truncate tasks cascade")
    told = stack.pgbench(
        script,
        f"--client={CLIENTS}",
        f"--jobs={machine.cores()}",
        seconds=seconds,
    )
    found = re.search(r"tps = ([\d.]+)", told)
    assert found is not None, told
    return float(found[1])


if __name__ == "__main__":
    raise SystemExit(main())
