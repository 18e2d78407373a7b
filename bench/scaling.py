"""How quickly the supervisor of `./prsnl up` follows the work, up and down.

From nothing to do, two hundred documents are uploaded as fast as one client can; the
clock starts with the first. It stops once at the most workers, and once, from the end
of the last task, at the fewest. No task may have been claimed twice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import machine
from batch import note
from prsnl.client import Client
from prsnl.core.db import connect
from prsnl.core.settings import Settings
from prsnl.embedded.stack import kept_database_url
from prsnl.fleet import CPU_WORKER
from prsnl.terminal import servers
from prsnl.terminal.stack import Service, service

ALLOWED_UP_S: Final = 15.0
ALLOWED_DOWN_S: Final = 60.0
_PAGES: Final = 20
_PATIENCE_S: Final = 1200.0
_DONE: Final = """
select count(*) filter (where finished_at is not null) as ended,
       count(*) filter (where status <> 'success') as not_done,
       count(*) filter (where claim_no > 1) as claimed_again
from tasks where queue = 'file_processing'
"""


def main() -> int:
    """Measure, print, and tell by the exit status whether the bars hold."""
    parser = argparse.ArgumentParser(prog="bench scaling", description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--most", type=int, default=4, help="workers")
    parser.add_argument("--quick", action="store_true", help="60 documents")
    asked = parser.parse_args()
    count = 60 if asked.quick else asked.documents
    print(machine.described())
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as root:
        Path(root).chmod(0o711)  # as root the servers run as another user
        os.environ["PRSNL_DATA_DIR"] = str(Path(root, "data"))
        os.environ["PRSNL_WORKER_CONCURRENCY"] = str(asked.most)
        os.environ["PRSNL_PORT"] = "0"
        files = [_document(Path(root), number) for number in range(count)]
        settings = Settings.read()
        with (
            service(settings, what="prsnl bench", is_passing=False) as running,
            servers.own(settings, running.url) as client,
        ):
            return _measure(running, client, files)


def _document(folder: Path, number: int) -> Path:
    """Some seconds of work are in all, so that they wait for more workers."""
    path = folder / f"document-{number}.md"
    pages = [note(number * _PAGES + page) for page in range(_PAGES)]
    path.write_text("\n\n".join(pages), encoding="utf-8")
    return path


def _measure(running: Service, client: Client, files: list[Path]) -> int:
    bounds = running.bounds
    _until(lambda: _workers(running) == bounds.least)
    began = time.monotonic()
    sending = threading.Thread(
        target=lambda: [client.upload(path) for path in files], daemon=True
    )
    sending.start()
    up_s = _until(lambda: _workers(running) == bounds.most) - began
    sending.join()
    sent_s = time.monotonic() - began
    with connect(str(kept_database_url(running.data_dir))) as connection:

        def counts() -> dict[str, int]:
            return dict(connection.execute(_DONE).fetchone() or {})

        done_at = _until(lambda: counts()["ended"] == len(files))
        told = counts()
    down_s = _until(lambda: _workers(running) == bounds.least) - done_at
    rows = [
        ["upload of all", f"{sent_s:.1f}", ""],
        [f"from {bounds.least} to {bounds.most} workers", f"{up_s:.1f}", "15"],
        ["until all were done", f"{done_at - began:.1f}", ""],
        [f"from {bounds.most} to {bounds.least} workers", f"{down_s:.1f}", "60"],
    ]
    print(f"\n{len(files)} documents of {_PAGES} notes each")
    print(machine.table(["", "s", "allowed"], rows))
    print(f"interrupted: {told['claimed_again']}; not done: {told['not_done']}")
    is_good = up_s <= ALLOWED_UP_S and down_s <= ALLOWED_DOWN_S
    return 0 if is_good and not told["claimed_again"] + told["not_done"] else 1


def _workers(running: Service) -> int:
    """How many processes there are, those that still finish something included."""
    states = running.supervisor.states()
    return sum(each.name.rpartition("-")[0] == CPU_WORKER for each in states)


def _until(condition: Callable[[], bool]) -> float:
    """Wait until something holds; tell when that was."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise SystemExit("it never came true")
        time.sleep(0.05)
    return time.monotonic()


if __name__ == "__main__":
    raise SystemExit(main())
