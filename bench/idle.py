"""What `./prsnl up` holds and uses when there is nothing to do.

The sum of the proportional set sizes of all its processes, and their CPU time as a
share of one core, once the warm children have gone.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import costs
import machine
from scratch import SOURCE

ALLOWED_MIB: Final = 400.0
ALLOWED_PERCENT: Final = 1.0
_STARTED_S: Final = 120.0
_CHILD_IDLE_S: Final = 5


def main() -> int:
    """Measure, print, and tell by the exit status whether both bars hold."""
    parser = argparse.ArgumentParser(prog="bench idle", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of idleness")
    parser.add_argument("--settle", type=int, default=45, help="seconds before them")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.seconds, asked.settle = 15, 20
    print(machine.described())
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as another user
        up = _start(folder)
        try:
            _until_up(up, folder)
            time.sleep(asked.settle)
            return _measure(up.pid, asked.seconds)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(90)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PRSNL_DATA_DIR": str(folder / "data"),
        "PRSNL_PORT": "0",
        "PRSNL_CHILD_IDLE_S": str(_CHILD_IDLE_S),
    }
    with (folder / "up.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prsnl", "up", "--no-open"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _until_up(up: subprocess.Popen[bytes], folder: Path) -> None:
    give_up_at = time.monotonic() + _STARTED_S
    log = folder / "up.log"
    while "http://" not in (told := log.read_text(encoding="utf-8", errors="replace")):
        if up.poll() is not None or time.monotonic() > give_up_at:
            raise SystemExit(f"./prsnl up did not start:\n{told}")
        time.sleep(0.2)


def _measure(root: int, seconds: int) -> int:
    before = {each.pid: each.cpu_s for each in costs.by_process([root])}
    before_s = costs.cpu_s([root])
    started_at = time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - started_at
    percent = 100 * (costs.cpu_s([root]) - before_s) / took_s
    processes = costs.by_process([root])
    mib = sum(each.pss_mib for each in processes)
    print(f"\nidle for {seconds} s, {len(processes)} processes")
    rows = [
        ["memory, MiB (PSS)", f"{mib:.0f}", f"{ALLOWED_MIB:g}"],
        ["CPU, % of a core", f"{percent:.2f}", f"{ALLOWED_PERCENT:g}"],
    ]
    print(machine.table(["", "measured", "allowed"], rows))
    print()
    shares = [
        [
            _short(each.command),
            f"{each.pss_mib:.1f}",
            f"{100 * (each.cpu_s - before.get(each.pid, 0)) / took_s:.2f}",
        ]
        for each in processes
    ]
    print(machine.table(["process", "MiB", "CPU %"], shares))
    return 0 if mib <= ALLOWED_MIB and percent <= ALLOWED_PERCENT else 1


def _short(command: str) -> str:
    words = command.split()
    names = [Path(word).name if word.startswith("/") else word for word in words]
    return " ".join(names)[:60]


if __name__ == "__main__":
    raise SystemExit(main())
