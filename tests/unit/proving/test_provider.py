"""The model server of `prove`, over HTTP: it answers, fails, hangs and lies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from prsnl.ai_processing.answers import SCHEMAS, SummaryAnswer
from prsnl.engines.llm.answers import Misfit, read, strict_schema
from prsnl.proving.provider import SAID, Manner, Provider, ask_to_behave


@pytest.fixture
def port() -> Iterator[int]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def asked(port: int, schema: dict[str, Any], timeout_s: float = 10) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        form = {"type": "json_schema", "json_schema": {"schema": schema}}
        body = json.dumps({"messages": [], "response_format": form})
        connection.request("POST", "/v1/chat/completions", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_answer_fits_what_was_asked(port: int, name: str) -> None:
    _, told = asked(port, strict_schema(SCHEMAS[name]))

    read(told["choices"][0]["message"]["content"], SCHEMAS[name])


def test_it_behaves_as_told_and_only_for_so_long(port: int) -> None:
    ask_to_behave(port, Manner.HANGS, 0.4)
    with pytest.raises(TimeoutError):
        asked(port, {}, timeout_s=0.5)

    status, told = asked(port, strict_schema(SummaryAnswer))
    assert status == 200
    assert SAID in told["choices"][0]["message"]["content"]


def test_no_failure_is_an_answer(port: int) -> None:
    ask_to_behave(port, Manner.FAILS, 60)
    for _ in range(12):
        try:
            status, _ = asked(port, {})
        except (HTTPException, OSError):
            continue
        assert status >= 500


def test_no_lie_can_be_taken_for_an_answer(port: int) -> None:
    ask_to_behave(port, Manner.LIES, 60)
    for _ in range(20):
        try:
            _, told = asked(port, strict_schema(SummaryAnswer))
            content = told["choices"][0]["message"]["content"]
        except (ValueError, IndexError):
            continue  # no JSON, or no choice
        with pytest.raises(Misfit):
            read(content, SummaryAnswer)
