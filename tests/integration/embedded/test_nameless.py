"""A user that the system has no name for, as in a container with any uid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prsnl.embedded import nameless
from tests.conftest import need

UID = 54_321
SOURCE = Path(nameless.__file__)
#: As that user, with the standard library alone: the rest may not be his to read.
ASK = """
import os, sys, json, subprocess, types
sys.modules["prsnl.core.errors"] = types.SimpleNamespace(StartError=RuntimeError)
told = {"__name__": "nameless"}
exec(source, told)
os.setgid(%(uid)d); os.setuid(%(uid)d)
with told["named"]() as more:
    print(json.dumps(more))
    done = subprocess.run(["id", "--user", "--name"], env={**os.environ, **more},
                          capture_output=True, text=True)
    print(done.stdout)
"""


def test_a_user_with_a_name_needs_none() -> None:
    with nameless.named() as more:
        assert more == {}


def test_a_user_without_a_name_is_lent_one() -> None:
    need("root", is_there=os.geteuid() == 0, why="only root becomes another user")
    source = f"source = {SOURCE.read_text()!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", source + ASK % {"uid": UID}],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if "install libnss-wrapper" in done.stderr:
        pytest.skip("libnss-wrapper: not installed; the refusal names it")
    assert done.returncode == 0, done.stderr
    more, name = done.stdout.split("\n", 1)

    assert json.loads(more)["LD_PRELOAD"].endswith("libnss_wrapper.so")
    assert name.strip() == "prsnl"
