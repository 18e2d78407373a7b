"""Who speaks: voices as numbers, and recordings whose channels are people."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from prsnl.core.errors import CorruptError
from prsnl.engines.speech import weights
from prsnl.engines.speech.channels import are_apart
from prsnl.engines.speech.clustering import grouped
from prsnl.engines.speech.contract import Span, Unit
from prsnl.engines.speech.diarization import Voices
from prsnl.engines.speech.voices import encoder
from tests.fakes.voices import MAN, WOMAN, Sound, Voice, hiss, silence, wav


def told(*voices: Voice, seconds: float = 4.0) -> tuple[Unit, Sound]:
    parts, spans = [], []
    at = 0.0
    for seed, voice in enumerate(voices):
        parts += [voice.says(seconds, seed=seed), silence(0.5)]
        spans.append(Span(from_s=at, to_s=at + seconds))
        at += seconds + 0.5
    unit = Unit(number=1, from_s=0.0, to_s=at, speech=tuple(spans))
    return unit, np.concatenate(parts)


def test_two_voices_are_two_speakers_in_the_order_of_their_first_word() -> None:
    heard = Voices()
    heard.hear(*told(MAN, WOMAN, MAN))

    speakers = heard.speakers()

    assert speakers.names == ("Speaker 1", "Speaker 2")
    assert [turn.speaker for turn in speakers.turns] == [
        "Speaker 1",
        "Speaker 2",
        "Speaker 1",
    ]
    assert speakers.turns[1].from_s == pytest.approx(4.5, abs=0.5)
    assert speakers.turns[1].to_s == pytest.approx(8.5, abs=0.5)


def test_one_voice_is_one_speaker() -> None:
    heard = Voices()
    heard.hear(*told(WOMAN, WOMAN, WOMAN))

    assert heard.speakers().names == ("Speaker 1",)


def test_nobody_is_no_speaker() -> None:
    assert Voices().speakers().names == ()


def test_a_voice_is_like_itself_and_unlike_another() -> None:
    """The encoder is real: its numbers come from the wheel, and run without torch."""
    sounds = [voice.says(1.6, seed=n) for n in range(3) for voice in (MAN, WOMAN)]

    rows = encoder().encode(sounds)

    alike = rows @ rows.T
    same, other = alike[0::2, 0::2], alike[0::2, 1::2]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0)
    assert same.min() > other.max()


def test_a_file_of_weights_runs_nothing(tmp_path: Path) -> None:
    """A model is code to torch; here it is numbers, and a hostile one is refused."""
    hostile = tmp_path / "pretrained.pt"
    hostile.write_bytes(pickle.dumps(Path))

    with pytest.raises(CorruptError, match="no numbers"):
        weights.read(hostile)


def test_rows_are_grouped_by_direction() -> None:
    chance = np.random.default_rng(3)
    centres = np.eye(16, dtype=np.float32)[:3]
    rows = np.concatenate([centres + chance.normal(0, 0.05, (3, 16)) for _ in range(9)])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    labels = grouped(rows)

    assert len(set(labels)) == 3
    assert all(labels[n] == labels[n % 3] for n in range(len(labels)))
    assert len(grouped(rows[:0])) == 0


def test_channels_with_a_person_each_are_apart(tmp_path: Path) -> None:
    man = np.concatenate([MAN.says(4, seed=1), silence(4)])
    woman = np.concatenate([silence(4), WOMAN.says(4, seed=2)])

    assert are_apart(wav(tmp_path / "call.wav", man, woman), "wav")
    assert not are_apart(wav(tmp_path / "same.wav", man, man), "wav")
    assert not are_apart(wav(tmp_path / "mixed.wav", man + woman, man + woman), "wav")
    assert not are_apart(wav(tmp_path / "left.wav", man, silence(8)), "wav")
    faint = (man + hiss(8, loudness=0.002)).astype(np.float32)
    assert not are_apart(wav(tmp_path / "room.wav", man, faint), "wav")
