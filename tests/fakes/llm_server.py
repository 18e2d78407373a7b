"""A provider on this machine that speaks OpenAI's and Azure's HTTP, and fails on order.

`python -m tests.fakes.llm_server --port 9999` runs it alone, to try the product with.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlparse

from tests.fakes.llm_answers import (
    Json,
    Model,
    Said,
    allowed,
    duration_s,
    embedding,
    encoded,
    given,
    heard,
    schema_of,
    tokens,
    transcription,
)

_HANG_S: Final = 60.0


@dataclass(frozen=True)
class Call:
    """One request that arrived."""

    #: "chat", "embeddings", "transcriptions" or "models".
    kind: str
    path: str
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Of a multipart request its plain fields, each a list.
    body: Json
    body_bytes: int
    #: `time.monotonic()` at its arrival.
    at: float

    @property
    def model(self) -> str:
        """The model or deployment that was asked."""
        return str(self.body.get("model", ""))

    @property
    def text(self) -> str:
        """What was asked of a chat model, all messages in one."""
        return "\n".join(str(one["content"]) for one in self.body.get("messages", ()))


@dataclass(frozen=True)
class Fails:
    """Answers with a status and an error as the protocol has it."""

    status: int
    message: str = "The server had an error."
    code: str | None = None
    kind: str = "server_error"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hangs:
    """Reads the request, and says nothing."""

    seconds: float = _HANG_S


@dataclass(frozen=True)
class Cuts:
    """Sends a part of a good answer, then closes the connection."""

    #: Between 0 (nothing at all, not a status) and 1.
    after: float = 0.5


@dataclass(frozen=True)
class Sends:
    """Sends any bytes as the body of a 200: an answer that is no JSON."""

    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Says:
    """A whole answer of the protocol, whose message is this text."""

    content: str
    finish_reason: str = "stop"


@dataclass(frozen=True)
class Truncates:
    """Stops in the middle of a good message, as a limit of tokens makes it."""

    finish_reason: str = "length"


@dataclass(frozen=True)
class Refuses:
    """The model refuses, in the field that the protocol has for it."""

    sentence: str = "I can't help with that."


@dataclass(frozen=True)
class Slow:
    """A good answer, after a while."""

    seconds: float


Act = Fails | Hangs | Cuts | Sends | Says | Truncates | Refuses | Slow


def rate_limited(retry_after: str | None = None, **headers: str) -> Fails:
    """A 429; *headers* with underscores for hyphens."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        told["retry-after"] = retry_after
    return Fails(
        429,
        "Rate limit reached for requests.",
        code="rate_limit_exceeded",
        kind="requests",
        headers=told,
    )


def out_of_quota() -> Fails:
    """A 429 that no wait cures."""
    return Fails(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        code="insufficient_quota",
        kind="insufficient_quota",
    )


def too_long(most: int = 8192) -> Fails:
    """The text is longer than the model reads."""
    return Fails(
        400,
        f"This model's maximum context length is {most} tokens.",
        code="context_length_exceeded",
        kind="invalid_request_error",
    )


def filtered() -> Fails:
    """Azure's content filter, before the model."""
    return Fails(
        400,
        "The response was filtered due to the prompt triggering Azure OpenAI's content "
        "management policy.",
        code="content_filter",
        kind="invalid_request_error",
    )


def unauthorized() -> Fails:
    """The key is wrong."""
    return Fails(
        401,
        "Incorrect API key provided.",
        code="invalid_api_key",
        kind="invalid_request_error",
    )


def no_such_model() -> Fails:
    """There is no such model, or it is not the caller's."""
    return Fails(
        404,
        "The model does not exist or you do not have access to it.",
        code="model_not_found",
        kind="invalid_request_error",
    )


class LlmServer:
    """Answers from what it is asked; does what a script says first.

    Attributes:
        calls: Every request, in the order of arrival, answered or not.
        connections: How many were opened; 0 proves that nobody came near.
        most_at_once: The most requests that were in hand together.
        key: If set, what a request has to bring.
        models: What it lists; None of them is required of a request.
        obeys: Its model does whatever a document says.
        takes_schemas: Whether it knows `response_format: json_schema`.
        takes_json_mode: Whether it knows `response_format: json_object`.
        context_tokens: A longer prompt is refused; None reads all.
        headers: Sent with every answer, such as `x-ratelimit-remaining-requests`.
        hears: What is said in a recording.
        latency_s: How long an answer takes.
        counts: Tells how many tokens of a prompt it has read.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.most_at_once = 0
        self.key: str | None = None
        self.models = ["fake-large", "fake-small", "fake-embedding"]
        self.obeys = False
        self.takes_schemas = True
        self.takes_json_mode = True
        self.context_tokens: int | None = None
        self.headers: dict[str, str] = {}
        self.hears: Callable[[bytes], Sequence[Said]] = heard
        self.latency_s = 0.0
        self.counts: Callable[[str], int] = tokens
        self._always: Act | None = None
        self._script: deque[Act] = deque()
        self._at_once = 0
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._open: set[socket.socket] = set()
        self._server: _Listener | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """Where it is reached; the same after it was away."""
        return self._port

    @property
    def url(self) -> str:
        """The address of the machine, as Azure's endpoint is given."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The address of the API, as OpenAI's and compatible servers' is given."""
        return f"{self.url}/v1"

    def script(self, *acts: Act) -> None:
        """Do these at the next requests, one each; then answer well again."""
        with self._lock:
            self._script.extend(acts)

    def always(self, act: Act | None) -> None:
        """Do this at every request that no script is for; None answers well."""
        with self._lock:
            self._always = act

    def count(self, kind: str) -> int:
        """How many requests of a kind arrived."""
        with self._lock:
            return sum(call.kind == kind for call in self.calls)

    @property
    def texts_embedded(self) -> list[str]:
        """Every text that was sent to be embedded, over all requests."""
        with self._lock:
            calls = [call for call in self.calls if call.kind == "embeddings"]
        return [text for call in calls for text in _inputs(call.body)]

    def come(self, port: int = 0) -> None:
        """Answer from now on."""
        self._leaving.clear()
        self._server = _Listener(("127.0.0.1", self._port or port), self)
        self._port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[0.05], daemon=True
        )
        self._thread.start()

    def go(self) -> None:
        """Refuse connections, and break those that are open."""
        server, self._server = self._server, None
        if server is None:
            return
        self._leaving.set()
        server.shutdown()
        server.server_close()
        with self._lock:
            opened = list(self._open)
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        assert self._thread is not None
        self._thread.join()

    def opened(self, connection: socket.socket) -> None:
        """Note a connection."""
        with self._lock:
            self.connections += 1
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)

    @contextmanager
    def in_hand(self, call: Call) -> Iterator[Act | None]:
        """Note a request for as long as it is answered; what the script says of it."""
        with self._lock:
            self.calls.append(call)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            # The list of models is no work: a script is for what costs something.
            is_work = call.kind != "models"
            act = self._script.popleft() if self._script and is_work else None
            act = act or (self._always if is_work else None)
        try:
            yield act
        finally:
            with self._lock:
                self._at_once -= 1

    def wait(self, seconds: float) -> None:
        """Let time pass, but not after it has gone away."""
        if seconds:
            self._leaving.wait(seconds)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: LlmServer) -> None:
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; all else is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def fake(self) -> LlmServer:
        assert isinstance(self.server, _Listener)
        return self.server.fake

    def setup(self) -> None:
        super().setup()
        self.fake.opened(self.connection)

    def finish(self) -> None:
        self.fake.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's
        """The test reads `calls`."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            self._serve(self._chunked())
        else:
            self._serve(self.rfile.read(int(self.headers.get("content-length", 0))))

    def _chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _serve(self, content: bytes) -> None:
        kind, problem = self._kind()
        body, audio = self._read(kind, content)
        call = Call(
            kind,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            body,
            len(content),
            time.monotonic(),
        )
        with self.fake.in_hand(call) as act:
            self._act(call, audio, problem or self._unwelcome(call) or act)

    def _kind(self) -> tuple[str, Fails | None]:
        """What is asked for, and what is wrong with the address."""
        parts = urlparse(self.path)
        kinds = {
            "/chat/completions": "chat",
            "/embeddings": "embeddings",
            "/audio/transcriptions": "transcriptions",
            "/models": "models",
        }
        for ending, kind in kinds.items():
            if not parts.path.endswith(ending):
                continue
            place = parts.path.removesuffix(ending)
            if place == "/v1" or (place == "/openai" and kind == "models"):
                return kind, None
            if place.startswith("/openai/deployments/"):
                if "api-version" in parse_qs(parts.query):
                    return kind, None
                return kind, Fails(404, "Resource not found", code="404")
        return "unknown", Fails(404, f"No such address: {parts.path}", code="404")

    def _read(self, kind: str, content: bytes) -> tuple[Json, bytes]:
        if kind == "transcriptions":
            return self._multipart(content)
        body: Json = json.loads(content) if content else {}
        deployment = urlparse(self.path).path.split("/deployments/")
        if len(deployment) > 1:
            body = {**body, "model": deployment[1].split("/")[0]}
        return body, b""

    def _multipart(self, content: bytes) -> tuple[Json, bytes]:
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        fields: dict[str, list[str]] = {}
        audio = b""
        for part in BytesParser(policy=HTTP).parsebytes(head + content).iter_parts():
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            if part.get_filename() is not None:
                audio = payload
            else:
                fields.setdefault(str(name), []).append(payload.decode())
        return {**fields, "model": fields.get("model", [""])[0]}, audio

    def _unwelcome(self, call: Call) -> Fails | None:
        """What a server that is as this one is set would refuse by itself."""
        fake = self.fake
        brought = {
            call.headers.get("api-key"),
            call.headers.get("authorization", "").removeprefix("Bearer "),
        }
        if fake.key is not None and fake.key not in brought:
            return unauthorized()
        return self._too_much(call) if call.kind == "chat" else None

    def _too_much(self, call: Call) -> Fails | None:
        """A form of answer that it does not know, or a prompt too long for it."""
        fake = self.fake
        form = (call.body.get("response_format") or {}).get("type")
        known = {"json_schema": fake.takes_schemas, "json_object": fake.takes_json_mode}
        if not known.get(str(form), True):
            return Fails(
                400,
                f"'response_format' of type '{form}' is not supported.",
                kind="invalid_request_error",
            )
        most = fake.context_tokens
        if most is not None and tokens(call.text) > most:
            return too_long(most)
        return None

    def _act(self, call: Call, audio: bytes, act: Act | None) -> None:
        self.fake.wait(self.fake.latency_s)
        match act:
            case Fails():
                error = {
                    "message": act.message,
                    "type": act.kind,
                    "param": None,
                    "code": act.code,
                }
                self._send(
                    act.status, json.dumps({"error": error}).encode(), act.headers
                )
            case Hangs():
                self.fake.wait(act.seconds)
                self.close_connection = True
            case Sends():
                self._send(200, act.body, {"content-type": act.content_type})
            case Cuts():
                self._cut(self._good(call, audio), act.after)
            case Slow():
                self.fake.wait(act.seconds)
                self._send(200, self._good(call, audio))
            case _:
                self._send(200, self._good(call, audio, act))

    def _good(
        self,
        call: Call,
        audio: bytes,
        act: Says | Truncates | Refuses | None = None,
    ) -> bytes:
        match call.kind:
            case "chat":
                told = self._chat(call, act)
            case "embeddings":
                told = _embeddings(call)
            case "transcriptions":
                said = self.fake.hears(audio)
                told = transcription(said, duration_s(audio), call.body)
            case _:
                models = [{"id": one, "object": "model"} for one in self.fake.models]
                told = {"object": "list", "data": models}
        return json.dumps(told).encode()

    def _chat(self, call: Call, act: Says | Truncates | Refuses | None) -> Json:
        messages = call.body["messages"]
        model = Model(given(messages), self.fake.obeys, allowed(messages))
        content: str | None = model.answer(schema_of(call.body))
        finish = "stop"
        match act:
            case Says():
                content, finish = act.content, act.finish_reason
            case Truncates():
                assert content is not None
                content, finish = content[: len(content) // 2], act.finish_reason
            case Refuses():
                content = None
            case None:
                pass
        message: Json = {
            "role": "assistant",
            "content": content,
            "refusal": act.sentence if isinstance(act, Refuses) else None,
        }
        if wanted := model.calls():
            message["tool_calls"] = wanted
        sent, received = self.fake.counts(call.text), tokens(content or "")
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": call.model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": finish,
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": sent,
                "completion_tokens": received,
                "total_tokens": sent + received,
            },
        }

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self._answer(status, len(body), {**self.fake.headers, **(headers or {})}, body)

    def _cut(self, body: bytes, after: float) -> None:
        self.close_connection = True
        if after:
            self._answer(200, len(body), {}, body[: int(len(body) * after)])
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(
        self, status: int, length: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        told = {"content-type": "application/json", **headers}
        lines = [f"HTTP/1.1 {status} Told", f"content-length: {length}"]
        lines += [f"{name}: {value}" for name, value in told.items()]
        with suppress(OSError):  # the client has gone
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)


def _inputs(body: Json) -> list[str]:
    asked = body["input"]
    return [asked] if isinstance(asked, str) else list(asked)


def _embeddings(call: Call) -> Json:
    texts = _inputs(call.body)
    size, how = call.body.get("dimensions"), call.body.get("encoding_format")
    used = sum(tokens(text) for text in texts)
    return {
        "object": "list",
        "model": call.model,
        "data": [
            {
                "object": "embedding",
                "index": place,
                "embedding": encoded(embedding(text, size), how),
            }
            for place, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


@contextmanager
def llm_server() -> Iterator[LlmServer]:
    """A server that is there until the block ends."""
    made = LlmServer()
    made.come()
    try:
        yield made
    finally:
        made.go()


def main() -> None:
    """Run one alone until it is interrupted, telling each request on a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--obeys", action="store_true")
    wanted = parser.parse_args()
    server = LlmServer()
    server.latency_s, server.obeys = wanted.latency, wanted.obeys
    server.come(wanted.port)
    print(f"{server.base_url}   Azure: {server.url}", flush=True)
    told = 0
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(0.2)
            for call in server.calls[told:]:
                print(f"{call.kind} {call.model} {call.body_bytes} bytes", flush=True)
                told += 1
    server.go()


if __name__ == "__main__":
    main()
