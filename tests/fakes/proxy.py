"""A wire to a server, which can be cut and can fall silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

_PIECE_BYTES = 65_536


class Proxy:
    """Passes bytes on between its clients and one server."""

    def __init__(self, host: str, port: int, *, at: str = "127.0.0.1") -> None:
        self._server = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((at, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection, and each that is opened from now on."""
        self._is_cut = True
        self._close_all()

    def mend(self) -> None:
        """Let connections be opened again."""
        self._is_cut = False

    def freeze(self) -> None:
        """Pass nothing on; nobody is told."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what has gathered, and what comes."""
        self._flows.set()

    def close(self) -> None:
        """End."""
        self._is_cut = True
        # Closing alone would not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flows.set()
        self._close_all()

    def _close_all(self) -> None:
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            server = socket.create_connection(self._server)
            with self._lock:
                self._open |= {client, server}
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                self._flows.wait()
                target.sendall(piece)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            if source in self._open:
                self._open.discard(source)
                source.close()


@contextmanager
def proxied(url: str, *, at: str = "127.0.0.1") -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server of *url*, and the URL that leads through it.

    Args:
        url: Whose server it stands before.
        at: The address of this machine that it listens on.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port, at=at)
    user, mark, _ = parts.netloc.rpartition("@")
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{user}{mark}{at}:{proxy.port}"))
    finally:
        proxy.close()
