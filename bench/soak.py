"""Hours of a steady mixed load: memory, files, connections and tables stay flat.

`./prsnl up` runs as it does for anybody; documents, scans, notes, recordings, questions
to the local engine, searches and streams go on at one pace, and the oldest items are
deleted. Each process is looked at every few seconds. What it holds of its own in the
last third of the run is compared with the middle third: more than 3 MiB is a leak, and
status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import machine
from prsnl.client import Client
from prsnl.discovery import RunningServer
from prsnl.embedded.stack import kept_database_url
from scratch import SOURCE
from soak_judge import Growth, Sample, growths
from soak_load import Load
from soak_sampling import Sampler, Table, kind_of

_STARTED_S: Final = 120.0
_STOPPED_S: Final = 90.0
_ROW_EVERY_S: Final = 60.0
#: Shares of the run, and seconds at most, before the first look: everything is warm.
_SETTLE: Final = 0.2
_SETTLE_MOST_S: Final = 180.0
_DEFECT_SIGNS: Final = ("unexpected_error", "Traceback (most recent", "chore_failed")
#: Lines of a log that are shown of a defect, and so many defects.
_SHOWN: Final = 60
_DEFECTS_MAX: Final = 5
#: Smaller tables say nothing.
_TOLD_BYTES: Final = 256 * 1024
_HEADS: Final = (
    "minute",
    "ended",
    "failed",
    "PSS MiB",
    "own MiB",
    "processes",
    "files",
    "threads",
    "connections",
    "database MiB",
    "dead rows",
    "submit p50/p95 ms",
    "search p50/p95 ms",
    "task p50/p95 s",
)


@dataclass
class Run:
    """What was seen."""

    samples: list[Sample] = field(default_factory=list)
    #: The tables in the middle, and at the end.
    tables: list[dict[str, Table]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    #: What the processes' logs say of defects.
    defects: list[str] = field(default_factory=list)


def main() -> int:
    """Run, print, and tell by the exit status whether everything stayed flat."""
    parser = argparse.ArgumentParser(prog="bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="of looking")
    parser.add_argument("--every", type=float, default=5, help="seconds between looks")
    parser.add_argument("--pace", type=float, default=1, help="times the usual load")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="three minutes")
    asked = parser.parse_args()
    minutes = 3.0 if asked.quick else asked.minutes
    if minutes <= 0 or asked.every <= 0 or asked.pace <= 0:
        parser.error("--minutes, --every and --pace are more than 0")
    told = sys.stderr if asked.json else sys.stdout
    print(machine.described(), file=told, flush=True)
    run = Run()
    with tempfile.TemporaryDirectory(prefix="prsnl-soak-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as another user
        up = _start(folder)
        try:
            load = _soak(
                up, folder, run, minutes=minutes, every_s=asked.every, pace=asked.pace
            )
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(_STOPPED_S)
            run.defects = _defects(folder / "data" / "logs")
    found = growths(run.samples)
    if asked.json:
        print(json.dumps(_as_json(run, found, load)))
    else:
        _print(run, found, load)
    return 1 if run.defects or any(one.is_too_much for one in found) else 0


def _defects(logs: Path) -> list[str]:
    """What no process should ever log: an answer of 500, a traceback."""
    told = []
    for path in sorted(logs.glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines):
            if any(sign in line for sign in _DEFECT_SIGNS):
                told.append("\n".join([path.name, *lines[number : number + _SHOWN]]))
    return told[:_DEFECTS_MAX]


def _start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")])
        ),
        "PRSNL_DATA_DIR": str(folder / "data"),
        "PRSNL_PORT": "0",
    }
    for name in ("PRSNL_DATABASE_URL", "PRSNL_BROKER_URL", "PRSNL_STORAGE_URL"):
        environment.pop(name, None)
    with (folder / "up.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prsnl", "up", "--no-open"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is ours: the service is stopped once the run is judged.
            start_new_session=True,
        )


def _soak(
    up: subprocess.Popen[bytes],
    folder: Path,
    run: Run,
    *,
    minutes: float,
    every_s: float,
    pace: float,
) -> Load:
    data_dir = folder / "data"
    _until_up(up, folder, data_dir)
    url = kept_database_url(data_dir)
    assert url is not None, "the stack is embedded"
    files = folder / "files"
    files.mkdir()
    with ExitStack() as stack:
        client = stack.enter_context(Client.local(data_dir))
        sampler = Sampler(up.pid, url)
        stack.callback(sampler.close)
        load = Load(client, files, pace)
        # Ctrl-C ends the run early, and what was seen is judged.
        with suppress(KeyboardInterrupt), load.running():
            load.warm()
            time.sleep(min(minutes * 60 * _SETTLE, _SETTLE_MOST_S))
            _watch(run, sampler, load, seconds=minutes * 60, every_s=every_s)
        run.tables.append(sampler.tables())
    return load


def _until_up(up: subprocess.Popen[bytes], folder: Path, data_dir: Path) -> None:
    give_up_at = time.monotonic() + _STARTED_S
    while RunningServer.find(data_dir) is None:
        if up.poll() is not None or time.monotonic() > give_up_at:
            log = (folder / "up.log").read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"./prsnl up did not start:\n{log}")
        time.sleep(0.2)


def _watch(
    run: Run, sampler: Sampler, load: Load, *, seconds: float, every_s: float
) -> None:
    began_at = row_at = time.monotonic()
    load.taken()
    while (now := time.monotonic()) - began_at < seconds:
        run.samples.append(sampler.look(began_at))
        if now - row_at >= _ROW_EVERY_S:
            run.rows.append(_row(run, sampler, load, now - row_at))
            row_at = now
            _tell(run)
        if not run.tables and now - began_at >= seconds / 2:
            run.tables.append(sampler.tables())
        time.sleep(max(0, every_s - (time.monotonic() - now)))


def _row(run: Run, sampler: Sampler, load: Load, seconds: float) -> dict[str, Any]:
    last, took, ended = run.samples[-1], load.taken(), sampler.ended(seconds)
    held = last.processes.values()
    return {
        "minute": round(last.at_s / 60, 1),
        "ended": ended.ended,
        "failed": ended.failed,
        "pss_mib": round(sum(one.pss_mib for one in held), 1),
        "own_mib": round(sum(one.own_mib for one in held), 1),
        "processes": len(last.processes),
        "files": sum(one.files for one in held),
        "threads": sum(one.threads for one in held),
        "connections": sum(last.connections.values()),
        "database_mib": round(sampler.database_mib(), 1),
        "dead_rows": sum(one.dead for one in sampler.tables().values()),
        "submit_ms": _p50_p95(took.get("submit", []), 1000),
        "search_ms": _p50_p95(took.get("search", []), 1000),
        "task_s": [round(ended.p50_s, 2), round(ended.p95_s, 2)],
    }


def _p50_p95(seconds: Sequence[float], scale: float) -> list[float]:
    if not seconds:
        return []
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    return [round(scale * value, 1) for value in (statistics.median(ordered), p95)]


def _tell(run: Run) -> None:
    """One line a minute, so that somebody who watches sees that it goes on."""
    cells = [
        "/".join(map(str, value)) if isinstance(value, list) else str(value)
        for value in run.rows[-1].values()
    ]
    line = "  ".join(
        cell.rjust(len(head)) for head, cell in zip(_HEADS, cells, strict=True)
    )
    heads = "  ".join(_HEADS) + "\n" if len(run.rows) == 1 else ""
    print(f"{heads}{line}", file=sys.stderr, flush=True)


def _print(run: Run, found: Sequence[Growth], load: Load) -> None:
    rows = [
        [
            one.who,
            one.what.replace("_mib", " MiB"),
            f"{one.middle:.1f}",
            f"{one.last:.1f}",
            f"{one.more:+.1f}",
            f"{one.allowed:g}{'  TOO MUCH' if one.is_too_much else ''}",
        ]
        for one in found
        if one.what == "own_mib" or one.who == "all" or one.is_too_much
    ]
    heads = ["who", "what", "middle third", "last third", "more", "allowed"]
    print(f"\n{machine.table(heads, rows)}")
    print(f"\n{machine.table(['table', 'rows', 'dead', 'MiB'], _table_rows(run))}")
    asked = ", ".join(f"{what} {count}" for what, count in sorted(load.errors.items()))
    print(f"\nevents of the feed: {load.events}; errors: {asked or 'none'}")
    for one in run.defects:
        print(f"\nDEFECT in {one}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def _table_rows(run: Run) -> list[list[str]]:
    """Tables of some size: in the middle of the run, and at its end."""
    middle, last = run.tables[0], run.tables[-1]
    none = Table(0, 0, 0)
    return [
        [
            name,
            f"{middle.get(name, none).live} > {now.live}",
            f"{middle.get(name, none).dead} > {now.dead}",
            f"{middle.get(name, none).bytes / 2**20:.1f} > {now.bytes / 2**20:.1f}",
        ]
        for name, now in sorted(last.items(), key=lambda each: -each[1].bytes)
        if now.bytes >= _TOLD_BYTES
    ]


def _as_json(run: Run, found: Sequence[Growth], load: Load) -> dict[str, Any]:
    kinds = {kind_of(who) for one in run.samples for who in one.processes}
    return {
        "growths": [{**asdict(one), "more": one.more} for one in found],
        "too_much": [one.who for one in found if one.is_too_much],
        "kinds": sorted(kinds),
        "minutes": run.rows,
        "tables": [
            {name: asdict(table) for name, table in look.items()} for look in run.tables
        ],
        "defects": run.defects,
        "errors": dict(load.errors),
        "events": load.events,
        "samples": [
            {
                "at_s": round(one.at_s, 1),
                "processes": {who: asdict(held) for who, held in one.processes.items()},
                "connections": one.connections,
            }
            for one in run.samples
        ],
    }


if __name__ == "__main__":
    raise SystemExit(main())
