"""Fifty people at one server whose workers have more to do than they can.

`./prsnl up` as it is, with a key and an owner for each of them. Each follows his own
events all the time, and does one thing after another with a pause between: looks at
the library, at his activity and at one item, searches, turns to a page's picture, and
uploads a letter. One more has sent books before, so that every worker of files is busy
from the first second to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx2
from tests.fakes.pdf_files import pdf_file, text_lines

import machine
from prsnl.client import local_key
from prsnl.discovery import RunningServer
from scratch import SOURCE

ALLOWED_S: Final = 0.5
_STARTED_S: Final = 180.0
_TIMEOUT_S: Final = 60.0
_PAUSE_S: Final = (1.0, 5.0)
_BOOK_PAGES: Final = 120
_LOOK_S: Final = 5.0
#: What is done how often.
_ACTIONS: Final = {
    "library": 30,
    "open an item": 25,
    "activity": 10,
    "search": 10,
    "page picture": 10,
    "upload": 15,
}
_WORDS: Final = ("rent", "deposit", "kettle", "invoice", "how much is it", "Graz")


@dataclass
class Tally:
    """What all of them saw."""

    took_s: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    #: From a change in the database to the client that follows it.
    lags_s: list[float] = field(default_factory=list)
    #: Of the looks at the queue: how many saw every worker busy.
    looks: int = 0
    busy_looks: int = 0
    deepest: int = 0

    def note(self, action: str, began: float, answer: httpx2.Response) -> None:
        """Keep how long an answer took, or that it was wrong."""
        self.took_s.setdefault(action, []).append(time.perf_counter() - began)
        if answer.status_code >= 400:
            self.failed(action, f"{answer.status_code} {answer.text[:120]}")

    def failed(self, action: str, why: str) -> None:
        """Keep what went wrong."""
        self.errors.setdefault(action, []).append(why)


def main() -> int:
    """Measure, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(prog="bench users", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--quick", action="store_true", help="half a minute")
    asked = parser.parse_args()
    if asked.quick:
        asked.minutes = 0.5
    print(machine.described())
    with _served() as (url, key):
        tally = asyncio.run(_visit(url, key, asked.users, asked.minutes * 60))
    return _told(tally, asked.users)


def _told(tally: Tally, users: int) -> int:
    took = [one for values in tally.took_s.values() for one in values]
    errors = sum(map(len, tally.errors.values()))
    rows = [
        _row(action, tally.took_s.get(action, []), len(tally.errors.get(action, [])))
        for action in _ACTIONS
    ]
    rows.append(_row("all of these", took, errors))
    rows.append(
        _row("event, until told", tally.lags_s, len(tally.errors.get("watch", [])))
    )
    print(
        f"\n{users} users, load {os.getloadavg()[0]:.1f} at the end; every worker of "
        f"files busy in {tally.busy_looks} of {tally.looks} looks, up to "
        f"{tally.deepest} tasks in its queue"
    )
    print(
        machine.table(["what", "times", "p50 ms", "p95 ms", "most ms", "errors"], rows)
    )
    for action, said in tally.errors.items():
        print(f"{action}: {said[0]}")
    slow = [
        action for action, values in tally.took_s.items() if _p95(values) >= ALLOWED_S
    ]
    print(
        f"allowed: {1000 * ALLOWED_S:g} ms at p95 of each, no error"
        + (f"; missed: {', '.join(slow)}" if slow else "")
    )
    return 1 if slow or errors else 0


async def _visit(url: str, admin_key: str, users: int, seconds: float) -> Tally:
    """Let everybody in, and wait until the time is over."""
    tally = Tally()
    keys = await _keys(url, admin_key, users + 1)
    async with _client(url, keys[-1]) as librarian:
        await _send_books(librarian, count=max(20, int(seconds)))
        ends_at = time.monotonic() + seconds
        await asyncio.gather(
            _watch_queue(librarian, tally, ends_at),
            *(_user(url, key, tally, ends_at) for key in keys[:-1]),
        )
    return tally


async def _keys(url: str, admin_key: str, count: int) -> list[str]:
    made = []
    async with _client(url, admin_key) as admin:
        for number in range(count):
            body = {
                "owner": f"user-{number}",
                "name": "bench",
                "scopes": ["read", "write"],
            }
            answer = await admin.post("/api/keys", json=body)
            answer.raise_for_status()
            made.append(answer.json()["key"])
    return made


async def _send_books(client: httpx2.AsyncClient, count: int) -> None:
    """More work than the workers can do in the time."""
    for number in range(count):
        lines = [
            [f"Line {line} of page {page}, {uuid4()}" for line in range(30)]
            for page in range(_BOOK_PAGES)
        ]
        content = pdf_file(*(text_lines(*each) for each in lines))
        answer = await _sent(client, f"book-{number}.pdf", content)
        answer.raise_for_status()


async def _watch_queue(
    client: httpx2.AsyncClient, tally: Tally, ends_at: float
) -> None:
    while time.monotonic() < ends_at:
        told = (await client.get("/api/queues")).json()["items"]
        (queue,) = (one for one in told if one["name"] == "file_processing")
        tally.looks += 1
        tally.busy_looks += queue["running"] >= queue["slots"] > 0
        tally.deepest = max(tally.deepest, queue["depth"])
        await asyncio.sleep(_LOOK_S)


async def _user(url: str, key: str, tally: Tally, ends_at: float) -> None:
    """One person: follows his events, and does one thing after another."""
    async with _client(url, key) as client:
        watching = asyncio.create_task(_watch(client, tally, ends_at))
        desk = Desk(client, tally)
        await asyncio.sleep(random.uniform(0, _PAUSE_S[1]))  # noqa: S311 - not a secret
        await desk.act("upload")
        while time.monotonic() < ends_at:
            await asyncio.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - the same
            (action,) = random.choices(  # noqa: S311 - the same
                list(_ACTIONS), list(_ACTIONS.values())
            )
            await desk.act(action)
        watching.cancel()


@dataclass
class Desk:
    """What one person does, and has sent so far."""

    client: httpx2.AsyncClient
    tally: Tally
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def act(self, action: str) -> None:
        """Do one thing, and keep how long it took."""
        one = random.choice(self.sent) if self.sent else None  # noqa: S311 - no secret
        if action == "page picture":
            shown = [each for each in self.sent if each.get("shows_pages")]
            one = random.choice(shown) if shown else None  # noqa: S311 - no secret
            action = action if shown else "open an item"
        if one is None and action == "open an item":
            one = next(iter(self.sent), None)
            action = action if one else "library"
        began = time.perf_counter()
        try:
            answer = await self._asked(action, one)
        except httpx2.HTTPError as error:
            self.tally.failed(action, repr(error))
            return
        self.tally.note(action, began, answer)
        if action == "upload" and answer.status_code < 400:
            self.sent.append(answer.json())
        if one is not None and action == "open an item":
            # What a browser would ask for now.
            one["shows_pages"] = "/pages/1.jpg" in answer.text

    async def _asked(self, action: str, one: dict[str, Any] | None) -> httpx2.Response:
        match action:
            case "upload":
                return await _sent(self.client, f"letter-{uuid4()}.pdf", _letter())
            case "library":
                return await self.client.get("/")
            case "activity":
                return await self.client.get("/tasks")
            case "search":
                word = random.choice(_WORDS)  # noqa: S311 - not a secret
                return await self.client.get("/search", params={"q": word})
        assert one is not None
        if action == "open an item":
            return await self.client.get(f"/items/{one['item_id']}")
        return await self.client.get(
            f"/api/attachments/{one['attachment']['id']}/pages/1.jpg?width=800"
        )


async def _watch(client: httpx2.AsyncClient, tally: Tally, ends_at: float) -> None:
    """Follow one's own events; a stream that ends before the time is an error."""
    try:
        async with client.stream("GET", "/api/background/events", timeout=None) as told:
            told.raise_for_status()
            async for line in told.aiter_lines():
                if line.startswith("data:") and '"updated_at"' in line:
                    event = json.loads(line.removeprefix("data:"))
                    at = datetime.fromisoformat(event["progress"]["updated_at"])
                    tally.lags_s.append(max(0.0, time.time() - at.timestamp()))
    except httpx2.HTTPError as error:
        tally.failed("watch", repr(error))
        return
    if time.monotonic() < ends_at:
        tally.failed("watch", "the stream ended")


async def _sent(
    client: httpx2.AsyncClient, name: str, content: bytes
) -> httpx2.Response:
    """Send a file; who is told when to come again comes again, as the page does."""
    while True:
        answer = await client.post(
            "/api/attachments", files={"file": (name, content, "application/pdf")}
        )
        if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            return answer
        if (wait_s := answer.headers.get("retry-after")) is None:
            return answer
        await asyncio.sleep(float(wait_s))


def _letter() -> bytes:
    amount = random.randrange(100, 2000)  # noqa: S311 - not a secret
    lines = [
        f"Dear tenant, the rent of {amount}.00 EUR is due on 5 May 2025.",
        f"Reference {uuid4()}",
        *(
            f"Sentence {line} says that the deposit is kept in Graz."
            for line in range(9)
        ),
    ]
    return pdf_file(text_lines(*lines), text_lines(f"Page two, {uuid4()}"))


def _client(url: str, key: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=_TIMEOUT_S,
        trust_env=False,
    )


@contextmanager
def _served() -> Iterator[tuple[str, str]]:
    """A service of its own: its address, and its first key."""
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as another user
        data = folder / "data"
        environment = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "PRSNL_DATA_DIR": str(data),
            "PRSNL_PORT": "0",
        }
        with (folder / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [sys.executable, "-m", "prsnl", "up", "--no-open"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _until(lambda: RunningServer.find(data) is not None, up, folder / "up.log")
            running, key = RunningServer.find(data), local_key(data)
            assert running is not None
            assert key is not None
            yield running.url, key
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(120)


def _until(
    condition: Callable[[], bool], up: subprocess.Popen[bytes], log: Path
) -> None:
    gives_up_at = time.monotonic() + _STARTED_S
    while not condition():
        if up.poll() is not None or time.monotonic() > gives_up_at:
            told = log.read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"./prsnl up did not start:\n{told}")
        time.sleep(0.2)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


def _row(name: str, values: list[float], errors: int) -> list[str]:
    middle = statistics.median(values) if values else 0.0
    most = max(values, default=0.0)
    figures = [f"{1000 * each:.0f}" for each in (middle, _p95(values), most)]
    return [name, f"{len(values):,}", *figures, str(errors)]


if __name__ == "__main__":
    raise SystemExit(main())
