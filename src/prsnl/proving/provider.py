"""A model server that answers, fails, hangs and lies: `-m prsnl.proving.provider FILE`.

It speaks the protocol of OpenAI on loopback, and writes its port into FILE. A POST to
`/behave` with `{"as": "fails", "seconds": 3}` changes its ways for so long.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

MODEL: Final = "proving"
_HANG_S: Final = 20.0
_STOP_S: Final = 0.1
#: What it says of every text.
SAID: Final = "The text lists payments and says who made them."


class Manner(StrEnum):
    """How it behaves."""

    ANSWERS = "answers"
    #: A 500, a 503, or a connection that is cut.
    FAILS = "fails"
    #: It reads the question, and says nothing.
    HANGS = "hangs"
    #: It says what is not JSON, not the shape, not whole, or not true.
    LIES = "lies"


class Provider(ThreadingHTTPServer):
    """The server and its manner."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self._manner = Manner.ANSWERS
        self._until_s = 0.0

    def behave(self, manner: Manner, seconds: float) -> None:
        """Change its ways for so long."""
        with self._lock:
            self._manner, self._until_s = manner, time.monotonic() + seconds

    @property
    def manner(self) -> Manner:
        """How it behaves now."""
        with self._lock:
            is_over = time.monotonic() > self._until_s
            return Manner.ANSWERS if is_over else self._manner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is what this is for; all else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's
        """Nothing: the calls are in the books of those who make them."""

    def do_GET(self) -> None:
        """List the one model."""
        self._send({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self) -> None:
        """Answer a question, or behave as told."""
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/behave":
            self.server.behave(Manner(told["as"]), float(told["seconds"]))
            self._send({})
            return
        match self.server.manner:
            case Manner.ANSWERS:
                self._send(_completion(json.dumps(_filled(_schema(told)))))
            case Manner.FAILS:
                random.choice(_FAILURES)(self)  # noqa: S311 - any of them
            case Manner.HANGS:
                time.sleep(_HANG_S)
                self.close_connection = True
            case Manner.LIES:
                random.choice(_LIES)(self, told)  # noqa: S311 - any of them

    def send_bytes(self, content: bytes, *, status: int = HTTPStatus.OK) -> None:
        """A whole HTTP answer."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cut(self) -> None:
        """A part of an answer, and the end of the connection."""
        self.send_response(HTTPStatus.OK)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": [{"mess')
        self.close_connection = True

    def say(self, content: str) -> None:
        """A whole answer of the protocol with this message."""
        self._send(_completion(content))

    def _send(self, told: dict[str, Any]) -> None:
        self.send_bytes(json.dumps(told).encode())


def _error(status: int) -> Callable[[_Handler], None]:
    body = json.dumps({"error": {"message": "The server had an error."}}).encode()
    return lambda handler: handler.send_bytes(body, status=status)


_FAILURES: Final = (
    _error(HTTPStatus.INTERNAL_SERVER_ERROR),
    _error(HTTPStatus.SERVICE_UNAVAILABLE),
    _Handler.cut,
)
_PLAIN: Final = {"integer": 1, "number": 0.5, "boolean": False}
_WRONG_SHAPE: Final = json.dumps({"summary": ["none"], "key_points": 7, "tags": {}})
_LIES: Final[tuple[Callable[[_Handler, dict[str, Any]], None], ...]] = (
    lambda handler, _: handler.say("I have read it. It is fine."),
    lambda handler, _: handler.say(_WRONG_SHAPE),
    lambda handler, _: handler.say(""),
    lambda handler, _: handler.send_bytes(b"<html>502</html>"),
    lambda handler, _: handler.send_bytes(b'{"choices": []}'),
    lambda handler, told: handler.say(json.dumps(_filled(_schema(told)))[:-9]),
)


def _completion(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "proving",
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def _schema(told: dict[str, Any]) -> dict[str, Any]:
    form = told.get("response_format") or {}
    found: dict[str, Any] = (form.get("json_schema") or {}).get("schema") or {}
    return found


def _filled(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """Something of this shape; statements name the first passage."""
    root = schema if root is None else root
    if "$ref" in schema:
        return _filled(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        each = schema.get("properties", {})
        return {name: _filled(one, root) for name, one in each.items()}
    if kind == "array":
        return [_filled(schema.get("items", {}), root)]
    return _PLAIN.get(str(kind), SAID)


def ask_to_behave(port: int, manner: Manner, seconds: float) -> None:
    """Tell a running provider how to behave."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        told = json.dumps({"as": manner, "seconds": seconds})
        connection.request("POST", "/behave", told)
        connection.getresponse().read()
    finally:
        connection.close()


def main(port_file: Path) -> None:
    """Serve until TERM."""
    server = Provider()
    new = port_file.with_name(f"{port_file.name}.new")
    new.write_text(str(server.server_address[1]))
    new.replace(port_file)
    server.serve_forever(_STOP_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
