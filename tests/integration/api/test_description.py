"""The API keeps to its description: Schemathesis asks what nobody thought of.

`PRSNL_TEST_EXAMPLES` sets how much it asks of each operation; with 50 it takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.api.conftest import Person, Server

EXAMPLES = int(os.environ.get("PRSNL_TEST_EXAMPLES", "3"))
#: Its events go on for ever; what they are is tested where they are made.
STREAM = "/api/background/events"
PATIENCE_S = 900 + 60 * EXAMPLES


@pytest.mark.timeout(PATIENCE_S)
def test_nothing_that_the_description_allows_is_answered_otherwise(
    server: Server, ada: Person, tmp_path: Path
) -> None:
    done = run(
        f"{server.url}/openapi.json",
        "--header",
        f"Authorization: {ada.http.headers['Authorization']}",
        "--max-examples",
        str(EXAMPLES),
        # Few examples are for the shape of each operation; the rest is for many.
        "--phases",
        "fuzzing" if EXAMPLES < 10 else "examples,coverage,fuzzing,stateful",
        "--seed",
        "1",
        "--exclude-path",
        STREAM,
        "--exclude-checks",
        "ignored_auth",
        folder=tmp_path,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert "Tested:" in done.stdout


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Schemathesis as a program: it has hooks into pytest that we have no use for."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from schemathesis.cli import schemathesis; schemathesis()",
            "run",
            *arguments,
            "--continue-on-failure",
            "--request-timeout",
            "30",
            "--warnings",
            "off",
        ],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
