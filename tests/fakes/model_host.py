"""A host of model files, over real sockets, that fails as such hosts do."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prsnl.engines.models.catalogue import Catalogue, Model, ModelFile

SIZE_BYTES = 300_000
PATH = "maker/little/resolve/0123abc"


def content(name: str, size_bytes: int = SIZE_BYTES) -> bytes:
    """The bytes of a file, the same each time."""
    return hashlib.shake_256(name.encode()).digest(size_bytes)


def little_model() -> Model:
    """A model of two files."""
    return Model(
        name="little",
        job="speech",
        title="A little model",
        licence="MIT",
        about="for tests",
        word_error_rate=None,
        memory_bytes=1,
        path=PATH,
        files=tuple(
            ModelFile(
                name=name,
                size_bytes=size,
                sha256=hashlib.sha256(content(name, size)).hexdigest(),
            )
            for name, size in (("config.json", 2_000), ("model.bin", SIZE_BYTES))
        ),
    )


@dataclass
class ModelHost:
    """What the host has, what it does wrong, and what it was asked for."""

    files: dict[str, bytes]
    url: str = ""
    #: The next answers break off after so many bytes of a file.
    cuts: list[int] = field(default_factory=list)
    #: The next answers are these status codes.
    statuses: list[int] = field(default_factory=list)
    has_ranges: bool = True
    #: Leads to another address first.
    redirects: bool = False
    #: (path, Range) of each request that was for a file.
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def catalogue(self) -> Catalogue:
        """A catalogue of the little model, on this host."""
        return Catalogue(host=self.url, models=(little_model(),))


@contextmanager
def model_host() -> Iterator[ModelHost]:
    """The host, as long as the block runs; it has the little model."""
    host = ModelHost(
        {
            f"/{PATH}/{file.name}": content(file.name, file.size_bytes)
            for file in little_model().files
        }
    )
    with _Server(host) as server:
        host.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, host: ModelHost) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = host

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; all else is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        host = self._host
        if host.redirects and not self.path.startswith("/far"):
            self._begin(302, Location=f"/far{self.path}")
            return
        path = self.path.removeprefix("/far")
        host.asked.append((path, self.headers.get("Range")))
        if host.statuses:
            self._begin(host.statuses.pop(0), Retry_After="7")
        elif path not in host.files:
            self._begin(404)
        else:
            self._send(host.files[path])

    @property
    def _host(self) -> ModelHost:
        assert isinstance(self.server, _Server)
        return self.server.host

    def _send(self, whole: bytes) -> None:
        asked = self.headers.get("Range") if self._host.has_ranges else None
        begins = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if begins >= len(whole):
            self._begin(416)
            return
        rest = whole[begins:]
        size = str(len(rest))
        if begins:
            place = f"bytes {begins}-{len(whole) - 1}/*"
            self._begin(206, Content_Length=size, Content_Range=place)
        else:
            self._begin(200, Content_Length=size)
        cuts = self._host.cuts
        cut = cuts.pop(0) if cuts else len(rest)
        self.wfile.write(rest[:cut])
        self.close_connection = cut < len(rest)

    def _begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """A test's output is its own."""
