"""The look for language model servers, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from prsnl.engines.inventory.nearby import OLLAMA, Known, chat_models, look
from tests.fakes.llm_server import llm_server

OURS = b'{"type":"about:blank","title":"Not found","status":404,"code":"not_found"}'


@contextmanager
def answering(
    *pieces: bytes, pause_s: float = 0.0, then_s: float = 0.0
) -> Iterator[Known]:
    """A server that says these bytes to whoever asks, whatever he asks for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                caller, _ = listener.accept()
                with caller:
                    caller.recv(65_536)
                    for piece in pieces:
                        caller.sendall(piece)
                        time.sleep(pause_s)
                    time.sleep(then_s)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Known("Somebody", None, listener.getsockname()[1])
        listener.close()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n\r\n%s" % (
        status.encode(),
        body,
    )


def test_a_server_tells_its_models_and_how_to_use_it() -> None:
    with llm_server() as server:
        (found,) = look([replace(OLLAMA, port=server.port)])

    assert found.name == "Ollama"
    assert found.base_url == server.base_url
    assert found.models == ("fake-large", "fake-small", "fake-embedding")
    assert found.chat_models == ("fake-large", "fake-small")
    assert found.command == "./prsnl engines use ollama"
    assert [(call.kind, call.body_bytes) for call in server.calls] == [("models", 0)]


@pytest.mark.parametrize(
    ("body", "name", "word"),
    [
        (
            b'{"object":"list","data":[{"id":"m","owned_by":"library"}]}',
            "Ollama",
            "ollama",
        ),
        (
            b'{"object":"list","data":[{"id":"m","owned_by":"llamacpp"}]}',
            "llama.cpp",
            None,
        ),
        (b'{"object":"list","data":[{"id":"m","owned_by":"vllm"}]}', "vLLM", None),
        (b'{"object":"list","data":[{"id":"m"}]}', "Somebody", None),
    ],
)
def test_a_server_is_called_as_it_calls_itself(
    body: bytes, name: str, word: str | None
) -> None:
    """Port 8080 is llama.cpp's, and everybody else's, too."""
    with answering(http(body)) as known:
        (found,) = look([known], limit_s=5)

    assert (found.name, found.word) == (name, word)


def test_a_server_without_a_model_is_there_all_the_same() -> None:
    with answering(http(b'{"object":"list","data":null}')) as known:
        (found,) = look([known], limit_s=5)

    assert found.models == ()


@pytest.mark.parametrize(
    "answer",
    [
        http(OURS, "404 Not Found"),
        http(b'{"object":"list","data":[{"id":"m"}]}', "401 Unauthorized"),
        http(b"<html>It works!</html>"),
        http(b"[1, 2]"),
        http(b'{"data": "models"}'),
        http(b'{"data": [1]}'),
        http(b'{"object":"list","data":[{"id":"' + b"m" * 2**21),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
def test_what_is_no_list_of_models_is_no_server(answer: bytes) -> None:
    with answering(answer) as known:
        assert look([known], limit_s=5) == ()


def test_nobody_waits_for_who_does_not_answer() -> None:
    """One hangs and one trickles: the one that answers is found, in time."""
    list_ = http(b'{"object":"list","data":[{"id":"m"}]}')
    with (
        answering(then_s=3) as hangs,
        answering(*(b"H" for _ in range(60)), pause_s=0.05) as trickles,
        answering(list_) as good,
    ):
        began = time.monotonic()
        found = look([hangs, trickles, good], limit_s=0.5)
        took_s = time.monotonic() - began

    assert [one.base_url for one in found] == [f"http://127.0.0.1:{good.port}/v1"]
    assert took_s < 2


def test_our_own_port_is_not_asked() -> None:
    with llm_server() as server:
        assert look([replace(OLLAMA, port=server.port)], but=[server.port]) == ()

    assert server.connections == 0


def test_models_that_only_embed_are_not_talked_to() -> None:
    named = (
        "llama3.2:3b",
        "nomic-embed-text:latest",
        "bge-m3",
        "mxbai-embed-large",
        "gemma3",
    )

    assert chat_models(named) == ("llama3.2:3b", "gemma3")
