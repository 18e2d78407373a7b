"""A provider on this machine that goes away and returns."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Provider:
    """Answers every caller with one line, while it is there.

    Attributes:
        port: Where it is reached; the same after it has returned.
        asked: How many callers got an answer.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._listener: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = int(found.getsockname()[1])

    def come(self) -> None:
        """Answer from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=[self._listener], daemon=True).start()

    def go(self) -> None:
        """Answer no more: connections are refused."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                self.asked += 1
                caller.sendall(b"well\n")


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that is away at first."""
    made = Provider()
    try:
        yield made
    finally:
        made.go()
