"""A receiver of webhooks: a real server that keeps what it gets."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """What it says."""
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed


@dataclass
class Receiver:
    """What was got, and what is answered."""

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    #: Statuses of the next answers; then 204.
    answers: list[int] = field(default_factory=list)
    #: Answers nothing while it is set.
    is_silent: threading.Event = field(default_factory=threading.Event)
    got: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://{self.host}:{self.port}/hook?to=me"


class _SixServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def receiving(
    *, tls: ssl.SSLContext | None = None, is_six: bool = False
) -> Iterator[Receiver]:
    """A receiver, as long as the block runs.

    Args:
        tls: It speaks TLS, and shows the certificate of this.
        is_six: It listens on the IPv6 address of this machine.
    """
    made = Receiver(
        host="[::1]" if is_six else "127.0.0.1", scheme="https" if tls else "http"
    )
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(Got(self.path, dict(self.headers), body))
            while made.is_silent.is_set() and not is_over.wait(0.02):
                pass
            status = made.answers.pop(0) if made.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://169.254.169.254/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    kind = _SixServer if is_six else ThreadingHTTPServer
    server = kind((made.host.strip("[]"), 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
