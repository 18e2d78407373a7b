"""`./prsnl models`: size and licence first, then the model, and it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.core.settings import Settings
from prsnl.engines.models.store import ModelStore
from tests.fakes.model_host import ModelHost, content, little_model, model_host
from tests.unit.cli.test_commands import run

#: The command with a catalogue of one little model.
COMMAND = """
import sys
from prsnl.core.errors import PrsnlError
from prsnl.engines.models.catalogue import Catalogue
from prsnl.terminal import models
from tests.fakes.model_host import little_model
known = Catalogue(host=sys.argv[1], models=(little_model(),))
try:
    raise SystemExit(
        models.get("speech", folder=None, is_agreed="--yes" in sys.argv, known=known)
    )
except PrsnlError as error:
    sys.stderr.write(error.message)
    raise SystemExit(1)
"""


@pytest.fixture
def host() -> Iterator[ModelHost]:
    with model_host() as running:
        yield running


def get(host: ModelHost, folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, host.url, *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PRSNL_DATA_DIR": str(folder / "data"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_is_told_fetched_used_and_removed(
    host: ModelHost, tmp_path: Path
) -> None:
    done = get(host, tmp_path, "--yes")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "A little model   294.9 KiB   licence MIT"
    assert host.url.removeprefix("http://") in lines[1]
    assert "little is here, whole and checked." in lines
    assert Settings.read(tmp_path / "data").speech.speech_model == "little"
    assert ModelStore.of(tmp_path / "data").has(little_model())

    again = get(host, tmp_path)
    assert again.stdout.startswith("little is here already, whole")
    assert len(host.asked) == 2

    weights = tmp_path / "data" / "models" / "little" / "model.bin"
    weights.write_bytes(bytes(weights.stat().st_size))
    mended = get(host, tmp_path, "--yes")
    assert mended.returncode == 0, mended.stderr
    assert len(host.asked) == 4

    gone = run("models", "remove", "little", folder=tmp_path)
    assert "Removed little: 295" in gone.stdout
    assert Settings.read(tmp_path / "data").speech.speech_model is None
    assert ModelStore.of(tmp_path / "data").names() == []


def test_nothing_is_fetched_where_nobody_agrees(
    host: ModelHost, tmp_path: Path
) -> None:
    done = get(host, tmp_path)

    assert done.returncode == 1
    assert "licence MIT" in done.stdout
    assert "add --yes" in done.stderr
    assert host.asked == []


def test_the_list_tells_size_and_licence_and_what_is_here(tmp_path: Path) -> None:
    mine = tmp_path / "data" / "models" / "my-own"
    mine.mkdir(parents=True)
    (mine / "model.bin").write_bytes(content("mine", 2048))

    done = run("models", "list", folder=tmp_path)

    assert done.returncode == 0
    assert "small" in done.stdout
    assert "463.7 MiB, MIT" in done.stdout
    assert "yours     my-own          2.0 KiB" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "huge"], "No model is called huge: there are speech, tiny"),
        (["get", "tiny", "--from", "nowhere"], "is no folder"),
        (["get", "tiny", "--from", "."], "does not hold tiny: its files are config"),
        (["remove", "tiny"], "tiny is not here"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = run("models", *arguments, folder=tmp_path)

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
