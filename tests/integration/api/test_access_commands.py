"""`./prsnl keys`, `link`, `open` and `process --server` against a server elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prsnl.client import Client
from prsnl.wire.access import Scope
from tests.integration.api.conftest import Person, Server

ROOT = Path(__file__).parents[3]


def run(folder: Path, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of somebody who has nothing of the server but a key."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PRSNL_", "DISPLAY", "WAYLAND"))
    }
    return subprocess.run(
        [sys.executable, "-m", "prsnl", *arguments],
        cwd=folder,
        env={
            **kept,
            "PYTHONPATH": str(ROOT / "src"),
            "PRSNL_DATA_DIR": str(folder / "nothing-here"),
            "PRSNL_API_KEY": key,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_key_is_printed_alone_listed_without_itself_and_revoked(
    server: Server, ada: Person, tmp_path: Path
) -> None:
    key = server.key(ada.owner)
    at = ("--server", server.url)
    made = run(
        tmp_path, key, "keys", "create", "--owner", "eve", "--scope", "read", *at
    )
    secret = made.stdout.strip()
    with Client(server.url, secret) as client:
        who = client.me()
    listed = run(tmp_path, key, "keys", "list", *at)
    revoked = run(tmp_path, key, "keys", "revoke", str(who.key_id), *at)

    assert (who.owner, who.scopes) == ("eve", ["read"])
    assert made.stdout == f"{secret}\n"
    assert secret not in made.stderr
    assert secret not in listed.stdout
    assert f"{who.key_id}  eve  " in listed.stdout
    assert revoked.returncode == 0
    with server.http(secret) as http:
        assert http.get("/api/me").status_code == 401


def test_open_without_a_browser_prints_the_link_and_link_tells_of_no_phone(
    server: Server, ada: Person, tmp_path: Path
) -> None:
    key = server.key(ada.owner)
    opened = run(tmp_path, key, "open", "--server", server.url)
    linked = run(tmp_path, key, "link", "--server", server.url)

    assert opened.returncode == 0
    assert opened.stdout.startswith(f"{server.url}/link#")
    assert linked.returncode == 1
    assert linked.stdout == ""
    assert "PRSNL_HOST" in linked.stderr
    assert "PRSNL_PUBLIC_URL" in linked.stderr


@pytest.mark.parametrize(
    ("address", "key", "said"),
    [
        ("http://127.0.0.1:1", "good", "No server answers at http://127.0.0.1:1"),
        ("URL", "prsnl_wrong", "PRSNL_API_KEY"),
        ("URL", "", "This needs a key"),
        ("URL", "reader", "lacks the scope `write`"),
        ("https:URL", "good", "does not speak https"),
        ("nonsense", "good", "no address of a server"),
    ],
)
def test_what_is_wrong_with_a_server_elsewhere_is_told_at_once(
    server: Server, tmp_path: Path, address: str, key: str, said: str
) -> None:
    """Not once a file, and not after a minute's patience."""
    scopes = {
        "good": frozenset({Scope.READ, Scope.WRITE}),
        "reader": frozenset({Scope.READ}),
    }
    if key in scopes:
        key = server.key("somebody", scopes[key])
    url = address.replace("https:URL", server.url.replace("http:", "https:"))
    url = url.replace("URL", server.url)
    for number in range(2):
        (tmp_path / f"{number}.txt").write_text("A text.")

    done = run(tmp_path, key, "process", "0.txt", "1.txt", "--server", url)

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not key or key not in done.stderr
    assert done.stdout == ""


def test_files_go_to_the_server_that_is_named(
    server: Server, ada: Person, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text(f"A note of {ada.owner}.")
    key = server.key(ada.owner)

    done = run(tmp_path, key, "process", "note.txt", "--detach", "--server", server.url)

    assert done.returncode == 0, done.stderr
    (task,) = ada.client.tasks()
    assert str(task.task_id) in done.stdout
    assert not (tmp_path / "nothing-here").exists()
