"""Ten minutes of the soak, with a leak planted in one process: it is found there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LEAKING = REPOSITORY / "tests" / "saboteurs" / "leaking"


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_ten_minutes_find_a_leak_of_ten_mebibytes_where_it_is() -> None:
    """Ten minutes are short: what fills up for the first time may be named beside."""
    path = os.pathsep.join([str(REPOSITORY / "src"), str(LEAKING)])
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", "bench", "soak", "--minutes", "10", "--json"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    found = {who.partition(" (")[0] for who in told["too_much"]}
    assert "prsnl scheduler" in found
