"""Engines of speech: which is chosen, what is refused, and what English costs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from prsnl.core.errors import SettingsError
from prsnl.engines.speech import english, models, table, whisper
from prsnl.engines.speech.contract import Quality, Unit
from prsnl.engines.speech.languages import code_of
from prsnl.engines.speech.null import NullSpeech
from prsnl.engines.speech.sphinx import SphinxEngine
from tests.fakes import tiny_whisper
from tests.fakes.voices import MAN, WOMAN, Voice


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.make(tmp_path_factory.mktemp("models") / "tiny")


def unit(from_s: float, to_s: float) -> Unit:
    return Unit(number=1, from_s=from_s, to_s=to_s)


def test_a_model_is_loaded_from_its_folder_and_hears(model: Path) -> None:
    engine = whisper.load({"folder": str(model), "threads": "1"})

    heard = engine.hear(MAN.says(20, seed=1), unit(100.0, 120.0), language="en")

    assert engine.quality is Quality.FULL
    assert engine.name.startswith("faster-whisper ")
    assert heard.phrases
    words = [word for phrase in heard.phrases for word in phrase.words]
    assert words
    assert all(100.0 <= word.from_s <= word.to_s <= 120.0 for word in words)
    again = engine.hear(MAN.says(20, seed=1), unit(100.0, 120.0), language="en")
    assert again == heard


def test_other_sound_gives_other_words(model: Path) -> None:
    """What the tests with many segments rest on."""
    engine = whisper.load({"folder": str(model), "threads": "1"})
    said = [
        engine.hear(Voice(90.0 + 9 * n).says(12, seed=n), unit(0, 12), language="en")
        for n in range(6)
    ]

    assert len({one.phrases for one in said}) > 3


def test_a_model_of_many_languages_tells_which(model: Path, tmp_path: Path) -> None:
    sounds = [MAN.says(8, seed=1), MAN.says(8, seed=2)]
    many = whisper.load({"folder": str(model), "threads": "1"})
    english_only = tiny_whisper.make(tmp_path / "tiny.en", is_multilingual=False)
    one = whisper.load({"folder": str(english_only), "threads": "1"})

    assert many.check(sounds).is_known
    assert many.languages == frozenset()
    assert one.check(sounds).language == "en"
    assert one.languages == {"en"}


@pytest.mark.parametrize("lacks", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_missing_file_names_the_setting_and_the_command(
    model: Path, tmp_path: Path, lacks: str
) -> None:
    """Without its tokenizer the library would ask a hub on the network."""
    half = tmp_path / "half"
    half.mkdir()
    for file in model.iterdir():
        if file.name != lacks:
            os.link(file, half / file.name)

    with pytest.raises(SettingsError, match="PRSNL_SPEECH_MODEL") as caught:
        whisper.load({"folder": str(half)})

    assert "./prsnl models get speech" in caught.value.message
    assert lacks in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_damaged_model_is_told_as_one(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        os.link(file, broken / file.name)
    (broken / "model.bin").unlink()
    (broken / "model.bin").write_bytes((model / "model.bin").read_bytes()[:5000])

    with pytest.raises(SettingsError, match="cannot be loaded"):
        whisper.load({"folder": str(broken)})


@pytest.mark.parametrize(
    "named", ["../up", "Systran/faster-whisper-tiny", "", ".", "..", "a b", "x" * 200]
)
def test_a_name_is_never_an_address_or_a_way_out(named: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PRSNL_SPEECH_MODEL"):
        models.folder_of(named, tmp_path)


def test_what_is_set_or_here_is_what_hears(model: Path, tmp_path: Path) -> None:
    nothing = table.local(None, tmp_path)
    found = table.local(None, model.parent)
    named = table.local("absent", tmp_path)

    assert nothing is not None
    assert (nothing.name, nothing.quality) == ("pocketsphinx", Quality.DRAFT)
    assert found is not None
    assert (found.name, found.quality) == ("faster-whisper", Quality.FULL)
    assert found.folders == (model,)
    assert named is not None
    assert named.name == "faster-whisper", "a draft takes no named model's place"
    assert named.problem == "there is no such folder"


def test_the_draft_engine_gives_words_with_times_and_doubt() -> None:
    engine = SphinxEngine()

    heard = engine.hear(MAN.says(6, seed=4), unit(50.0, 56.0), language="en")

    assert engine.quality is Quality.DRAFT
    words = [word for phrase in heard.phrases for word in phrase.words]
    assert all(50.0 <= word.from_s < word.to_s <= 56.1 for word in words)
    assert all(0 <= (word.confidence or 0) <= 1 for word in words)


def test_speech_that_is_no_english_is_not_taken_for_it() -> None:
    """Vowels strung together are speech to the ear, and no English."""
    engine = SphinxEngine()

    told = engine.check([MAN.says(3, seed=1), WOMAN.says(3, seed=2)])

    assert not told.is_known
    assert told.score is not None
    assert told.score < english.THRESHOLD


def test_the_score_of_english_weighs_by_frames() -> None:
    long = english.Evidence(frames=900, sound=-2700.0, path=-900.0)
    short = english.Evidence(frames=100, sound=-500.0, path=-300.0)

    assert english.score([long]) == -4.0
    assert english.score([long, short]) == -4.4
    assert english.score([]) is None
    assert english.against(short, -200.0).path == -100.0


def test_languages_are_known_by_name_and_code() -> None:
    assert [code_of(told) for told in ("english", "German", "pt-BR", "de", "")] == [
        "en",
        "de",
        "pt",
        "de",
        None,
    ]


def test_the_null_engine_hears_nothing() -> None:
    nothing = NullSpeech()

    assert not nothing.hear(np.zeros(10, np.float32), unit(0, 1), language=None).phrases
    assert not nothing.check([]).is_known
