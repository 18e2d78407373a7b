"""Folders for the embedded stack, and a program that holds one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prsnl.embedded.stack import stop_orphans

ROOT = Path(__file__).parents[3]
HOLDER = Path(__file__).with_name("holder.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@dataclass(frozen=True)
class Held:
    """A running holder of a stack, and what it said."""

    process: subprocess.Popen[str]
    told: dict[str, Any]

    @property
    def postgres(self) -> int:
        """The pid of the postmaster."""
        return int(self.told["pids"]["postgres"])

    @property
    def valkey(self) -> int:
        """The pid of Valkey."""
        return int(self.told["pids"]["valkey"])


@contextmanager
def held(data_dir: Path, *prefix: str, python: str = sys.executable) -> Generator[Held]:
    """Run the holder on a folder, perhaps below another program; stop it after."""
    process = subprocess.Popen(
        [*prefix, python, str(HOLDER), str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        cwd="/",
    )
    with process:
        assert process.stdout is not None
        try:
            yield Held(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that the servers' user can reach; pytest's own is root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="prsnl-test-"))
    folder.chmod(0o711)
    yield folder / "data"
    stop_orphans(folder / "data")
    shutil.rmtree(folder)
