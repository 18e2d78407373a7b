"""Sends one request again and again over some connections, from its own process.

It prints one line of JSON: requests a second, and latencies in milliseconds. A client
library would take more of a shared machine than the server that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass
class Tally:
    """What all connections saw."""

    status: int
    latencies_s: list[float] = field(default_factory=list)
    #: Answers of another status than the one that is wanted.
    wrong: int = 0


class Caller(asyncio.Protocol):
    """One connection: the next request goes out when the answer is there."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._ends_at = 0.0
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, ends_at: float) -> None:
        """Send the first request; the last one before *ends_at*."""
        self._ends_at = ends_at
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self._received += data
        head, found, body = self._received.partition(_HEAD_END)
        if not found or len(body) < _content_length(head):
            return
        self._received = b""
        now = time.perf_counter()
        self._tally.latencies_s.append(now - self._sent_at)
        if int(head[9:12]) != self._tally.status:
            self._tally.wrong += 1
        if now < self._ends_at:
            self._send()
        else:
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if not self.done.done():
            self.done.set_result(None)
        if exc is not None:
            self._tally.wrong += 1

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    raise AssertionError(head)


def request_of(url: str, key: str, body: str) -> bytes:
    """The bytes of one POST."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body.encode())}",
    ]
    return "\r\n".join(lines).encode() + _HEAD_END + body.encode()


async def load(
    url: str, request: bytes, *, connections: int, seconds: float, status: int
) -> Tally:
    """Send until the time is over."""
    parts = urlsplit(url)
    tally = Tally(status)
    loop = asyncio.get_running_loop()
    callers = [
        (
            await loop.create_connection(
                lambda: Caller(request, tally), parts.hostname, parts.port
            )
        )[1]
        for _ in range(connections)
    ]
    ends_at = time.perf_counter() + seconds
    for caller in callers:
        caller.begin(ends_at)
    await asyncio.gather(*(caller.done for caller in callers))
    return tally


def main() -> None:
    """Send, and print what was seen."""
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--key", required=True)
    parser.add_argument("--body", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--status", type=int, default=202)
    asked = parser.parse_args()
    began = time.perf_counter()
    tally = uvloop.run(
        load(
            asked.url,
            request_of(asked.url, asked.key, asked.body),
            connections=asked.connections,
            seconds=asked.seconds,
            status=asked.status,
        )
    )
    took_s = time.perf_counter() - began
    ordered = sorted(tally.latencies_s)
    print(
        json.dumps(
            {
                "answers": len(ordered),
                "rate": len(ordered) / took_s,
                "p50_ms": ordered[len(ordered) // 2] * 1e3,
                "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
                "wrong": tally.wrong,
            }
        )
    )


if __name__ == "__main__":
    main()
