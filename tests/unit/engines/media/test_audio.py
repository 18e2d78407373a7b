"""Sound as numbers: at its place, whole, and as far as a damaged file has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prsnl.core.errors import BadRequestError, CorruptError, EmptyError
from prsnl.engines.media.audio import Listening, audio, pcm
from prsnl.engines.media.contract import SPEECH_RATE
from tests.fakes.child_files import FolderFiles
from tests.fakes.recordings import film, scene, sound, tone


def heard(path: Path, **wanted: Any) -> Any:
    return np.concatenate([*pcm(path, **wanted), np.zeros(0, np.int16)])


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 8_000),
        ("a.flac", "flac", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.m4a", "aac", 48_000),
        ("a.ogg", "libopus", 48_000),
        ("a.aiff", "pcm_s16be", 22_050),
        ("a.au", "pcm_s16be", 16_000),
        ("a.caf", "pcm_s16le", 16_000),
        ("a.mka", "aac", 44_100),
        ("a.wma", "wmav2", 44_100),
        ("a.aac", "aac", 44_100),
        ("a.amr", "libopencore_amrnb", 8_000),
    ],
)
def test_every_common_kind_becomes_speech_rate_and_keeps_its_length(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    path = sound(tmp_path / name, [tone(3.0, rate=rate)], codec=codec, rate=rate)

    samples = heard(path)

    assert len(samples) / SPEECH_RATE == pytest.approx(3.0, abs=0.1)
    crossings = np.count_nonzero(np.diff(np.signbit(samples[8000:40000])))
    assert crossings == pytest.approx(2 * 440 * 2, rel=0.02)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame")]
)
def test_a_span_is_the_same_as_in_the_whole(
    tmp_path: Path, name: str, codec: str
) -> None:
    """What is transcribed again alone must stand where it stood."""
    sweep = np.concatenate([tone(0.5, hertz=200 + 60 * n) for n in range(12)])
    path = sound(tmp_path / name, [sweep], codec=codec)

    whole, span = heard(path), heard(path, from_s=2.25, to_s=3.75)

    assert len(span) == round(1.5 * SPEECH_RATE)
    part = whole[36000 : 36000 + len(span)].astype(float)
    assert np.abs(part - span).mean() < 200


def test_channels_are_told_apart(tmp_path: Path) -> None:
    left, right = tone(1.0, hertz=300), tone(1.0, hertz=900)
    path = sound(tmp_path / "two.wav", [left, right])

    assert np.array_equal(heard(path, channel=0), left)
    assert np.array_equal(heard(path, channel=1), right)


def test_a_file_that_breaks_off_gives_what_it_has(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.mp3", [tone(10.0)], codec="libmp3lame")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    met = Listening()

    samples = heard(path, listening=met)

    assert 4.0 < len(samples) / SPEECH_RATE < 6.0
    assert met.ended
    assert met.decoded_to_s == pytest.approx(len(samples) / SPEECH_RATE)


def test_damage_becomes_silence_and_what_follows_keeps_its_time(
    tmp_path: Path,
) -> None:
    path = sound(tmp_path / "a.mp3", [tone(8.0)], codec="libmp3lame")
    content = bytearray(path.read_bytes())
    start = len(content) * 3 // 8
    content[start : start + len(content) // 8] = bytes(len(content) // 8)
    path.write_bytes(bytes(content))

    samples = heard(path)

    assert len(samples) / SPEECH_RATE == pytest.approx(8.0, abs=1.1)
    assert np.abs(samples[:32000]).mean() > 5000


def test_what_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", [tone(0.5)])
    silent = film(tmp_path / "silent.mp4", [(scene(1), 1.0)])
    slow = sound(tmp_path / "slow.wav", [tone(0.5, rate=1_000)], rate=1_000)

    with pytest.raises(BadRequestError, match="no track 3"):
        heard(path, track=3)
    with pytest.raises(BadRequestError, match="no channel 1"):
        heard(path, channel=1)
    with pytest.raises(EmptyError, match="no sound"):
        heard(silent)
    with pytest.raises(CorruptError, match="1000 samples"):
        heard(slow)


def test_pieces_are_files_that_join_without_a_hole(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", [tone(2.5)])
    (tmp_path / "out").mkdir()
    files = FolderFiles(tmp_path, tmp_path / "out")

    *pieces, end = audio(files, {"path": path.name, "piece_s": 1.0})

    assert [one["samples"] for one in pieces] == [16000, 16000, 8000]
    assert [one["start_s"] for one in pieces] == [0.0, 1.0, 2.0]
    assert (tmp_path / "out" / pieces[2]["file_name"]).stat().st_size == 44 + 16000
    assert end["ended"]
    assert end["decoded_to_s"] == pytest.approx(2.5)
