"""A server that speaks S3, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from prsnl.embedded.datadir import free_port

_STARTS_WITHIN_S = 60.0


@contextmanager
def s3_server(log: Path) -> Iterator[str]:
    """The address of a server that runs while the block does."""
    url = f"http://127.0.0.1:{free_port()}"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-p", url.rsplit(":", 1)[-1]],
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            _await(url, process)
            yield url
        finally:
            process.kill()


def make_bucket(url: str, name: str) -> None:
    """Make an empty bucket."""
    httpx2.put(f"{url}/{name}", trust_env=False).raise_for_status()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            httpx2.get(f"{url}/moto-api/", trust_env=False)
        except httpx2.TransportError:
            assert process.poll() is None, "the S3 server ended"
            assert time.monotonic() < until, "the S3 server did not start"
            time.sleep(0.1)
        else:
            return
