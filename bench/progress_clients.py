"""Many clients in one process, each with a key of its own, that follow its tasks.

Its standard input has one line a client: the address, the key and the path of a socket.
When all are ready it prints a line; when the input ends it writes what they received to
the file of its first argument: a line an event, with the client's number, the second it
came at and the event.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

Received = list[tuple[int, float, str]]


async def follow(
    number: int, line: str, received: Received, ready: asyncio.Semaphore
) -> None:
    """One client, until it is cancelled."""
    address, key = line.split()
    async with connect(
        address,
        additional_headers={"Authorization": f"Bearer {key}"},
        compression=None,
        proxy=None,
        open_timeout=60,
    ) as socket:
        await socket.recv()
        ready.release()
        while True:
            told = await socket.recv()
            received.append((number, time.time(), str(told)))


async def run(first: int, lines: list[str], target: Path) -> None:
    """All clients, until the input ends."""
    received: Received = []
    ready = asyncio.Semaphore(0)
    clients = [
        asyncio.create_task(follow(first + place, line, received, ready))
        for place, line in enumerate(lines)
    ]
    for _ in clients:
        await ready.acquire()
    print("ready", flush=True)
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    done, _ = await asyncio.wait([over, *clients], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()  # a client that was dropped is an error
    for client in clients:
        client.cancel()
    write(received, target)


def write(received: Received, target: Path) -> None:
    """Keep what came."""
    with target.open("w", encoding="utf-8") as file:
        for number, at, told in received:
            event: dict[str, Any] = json.loads(told)
            sent_at = float(event["progress"]["message"])
            row = [number, event["task_id"], event["seq"], sent_at, at]
            file.write(json.dumps(row) + "\n")


def main(target: str, first: str, number: str) -> int:
    """Follow."""
    gc.disable()  # what is measured is the server, not this process's pauses
    lines = [sys.stdin.readline() for _ in range(int(number))]
    asyncio.run(run(int(first), lines, Path(target)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
