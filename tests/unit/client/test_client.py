"""The client against servers that misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import prsnl
from prsnl.client import Client, is_local, local_key
from prsnl.core.errors import (
    BadRequestError,
    NotFoundError,
    PrsnlError,
    UnavailableError,
)
from prsnl.discovery import RunningServer


@contextmanager
def answering(status: int, body: bytes, kind: str = "text/html") -> Iterator[str]:
    """A server that answers everything with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_client_is_found_in_the_package_itself() -> None:
    assert prsnl.Client is Client


def test_nobody_who_answers_is_one_sentence_with_the_way_out() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
    with (
        Client(url) as client,
        pytest.raises(UnavailableError, match=r"\./prsnl up"),
    ):
        client.health()


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (502, b"<html>Bad gateway")]
)
def test_somebody_else_who_answers_is_named_as_such(status: int, body: bytes) -> None:
    with (
        answering(status, body) as url,
        Client(url) as client,
        pytest.raises(UnavailableError, match="not a PRSNL server"),
    ):
        client.health()


def test_a_problem_becomes_the_error_with_its_code() -> None:
    problem = {
        "type": "urn:prsnl:error:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such task.",
        "code": "not_found",
    }
    with (
        answering(404, json.dumps(problem).encode()) as url,
        Client(url) as client,
        pytest.raises(NotFoundError, match="no such task"),
    ):
        client.status("1")


def test_a_code_of_a_newer_server_is_still_an_error_with_its_sentence() -> None:
    problem = {
        "type": "x",
        "title": "x",
        "status": 418,
        "detail": "Something new.",
        "code": "brand_new",
    }
    with (
        answering(418, json.dumps(problem).encode()) as url,
        Client(url) as client,
        pytest.raises(PrsnlError, match="Something new"),
    ):
        client.health()


@pytest.mark.parametrize(
    "server",
    ["localhost:8000", "ftp://x", "http://", "x", "http://[", "http://h:99999"],
)
def test_what_is_no_address_is_said_at_once(server: str) -> None:
    assert not is_local(server)
    with pytest.raises(BadRequestError, match="no address"):
        Client(server)


def test_this_machines_own_server_is_asked_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment is what is tried; a proxy elsewhere cannot reach loopback."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    health = {
        "status": "ok",
        "version": "1",
        "database": "ok",
        "broker": "ok",
        "schedulers": 1,
        "workers": {},
        "problems": [],
        "something_newer": True,
    }
    with answering(200, json.dumps(health).encode()) as url, Client(url) as client:
        assert client.health().status == "ok"


def test_the_key_of_a_data_folder_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert local_key(tmp_path) is None
    (tmp_path / "api-key").write_text("prsnl_x\n")
    assert local_key(tmp_path) == "prsnl_x"


def test_only_loopback_is_this_machine() -> None:
    assert is_local("http://localhost:8000")
    assert is_local("http://[::1]:8000")
    assert not is_local("http://192.168.1.5:8000")
    assert not is_local("http://localhost.example.org")


def test_a_server_is_found_while_its_process_lives(tmp_path: Path) -> None:
    here = RunningServer(url="http://127.0.0.1:1", pid=os.getpid())
    assert RunningServer.find(tmp_path) is None
    here.announce(tmp_path)
    assert RunningServer.find(tmp_path) == here

    RunningServer(url="http://127.0.0.1:2", pid=os.getpid()).withdraw(tmp_path)
    assert RunningServer.find(tmp_path) == here

    here.withdraw(tmp_path)
    assert RunningServer.find(tmp_path) is None


def test_a_word_that_a_killed_server_left_is_not_believed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as child:  # noqa: S607 - any short program
        child.wait()
    RunningServer(url="http://127.0.0.1:1", pid=child.pid).announce(tmp_path)

    assert RunningServer.find(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"url": 1}', "\x00"])
def test_a_damaged_word_is_no_server(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)

    assert RunningServer.find(tmp_path) is None


def test_what_is_no_key_is_said_and_a_line_end_belongs_to_none() -> None:
    with pytest.raises(BadRequestError, match="PRSNL_API_KEY"):
        Client("http://127.0.0.1", "prsnl_\u00e9")
    with (
        answering(200, b"a text", kind="text/plain") as url,
        Client(url, "prsnl_key\n") as client,
    ):
        assert client.text("1") == "a text"
