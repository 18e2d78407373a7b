"""`./prsnl models`: size and licence first, then the model, and it is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.engines.models.catalogue import Catalogue
from prsnl.engines.models.store import ModelStore
from prsnl.terminal import models
from tests.fakes.model_host import ModelHost, content, little_model, model_host


@pytest.fixture
def host() -> Iterator[ModelHost]:
    with model_host() as running:
        yield running


def get(host: ModelHost, data_dir: Path, *, is_agreed: bool = True) -> int:
    """The command with a catalogue of one little model."""
    return models.get(
        Settings.read(data_dir),
        "speech",
        folder=None,
        is_agreed=is_agreed,
        known=Catalogue(host=host.url, models=(little_model(),)),
    )


def test_a_model_is_told_fetched_used_and_removed(
    host: ModelHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert get(host, tmp_path) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A little model   294.9 KiB   licence MIT"
    assert host.url.removeprefix("http://") in lines[1]
    assert "little is here, whole and checked." in lines
    assert Settings.read(tmp_path).speech.speech_model == "little"
    assert ModelStore.of(tmp_path).has(little_model())

    get(host, tmp_path)
    assert capsys.readouterr().out.startswith("little is here already, whole")
    assert len(host.asked) == 2

    models.remove(Settings.read(tmp_path), ["little"])
    told = capsys.readouterr().out
    assert "Removed little: 295" in told
    assert "little was in use" in told
    assert Settings.read(tmp_path).speech.speech_model is None
    assert ModelStore.of(tmp_path).names() == []


def test_a_damaged_model_is_fetched_anew(host: ModelHost, tmp_path: Path) -> None:
    get(host, tmp_path)
    weights = tmp_path / "models" / "little" / "model.bin"
    weights.write_bytes(bytes(weights.stat().st_size))

    get(host, tmp_path)

    assert weights.read_bytes() == content("model.bin")


def test_nothing_is_fetched_where_nobody_agrees(
    host: ModelHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadRequestError, match="add --yes"):
        get(host, tmp_path, is_agreed=False)

    assert "licence MIT" in capsys.readouterr().out
    assert host.asked == []


def test_the_list_tells_size_and_licence_and_what_is_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "models" / "my-own"
    mine.mkdir(parents=True)
    (mine / "model.bin").write_bytes(content("mine", 2048))

    models.show(Settings.read(tmp_path), is_json=False)

    told = capsys.readouterr().out
    assert "463.7 MiB, MIT" in told
    assert "yours     my-own          2.0 KiB" in told


def test_what_is_wrong_is_told_before_anything_happens(tmp_path: Path) -> None:
    own = Settings.read(tmp_path)
    with pytest.raises(BadRequestError, match="No model is called huge: there are"):
        models.get(own, "huge", folder=None, is_agreed=True)
    with pytest.raises(BadRequestError, match="is no folder"):
        models.get(own, "tiny", folder=tmp_path / "nowhere", is_agreed=True)
    with pytest.raises(BadRequestError, match="does not hold tiny: its files are"):
        models.get(own, "tiny", folder=tmp_path, is_agreed=True)
    with pytest.raises(BadRequestError, match="tiny is not here"):
        models.remove(own, ["tiny"])
