"""Where somebody speaks: the detector on voices and on what is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from prsnl.engines.speech.activity import (
    SEGMENT_MAX_S,
    Detector,
    segments,
    speech_spans,
)
from prsnl.engines.speech.contract import Span
from tests.fakes.voices import MAN, WOMAN, Sound, hiss, silence, tone


def spans(sound: Sound) -> list[Span]:
    return list(speech_spans(Detector().hear(sound, is_last=True)))


@pytest.mark.parametrize(
    "sound",
    [silence(5), hiss(5), tone(5), silence(0)],
    ids=["silence", "hiss", "note", "nothing"],
)
def test_silence_noise_and_a_note_are_no_speech(sound: Sound) -> None:
    """Silence must yield no words: a segment that is none gets none."""
    assert spans(sound) == []


def test_speech_is_found_where_it_is() -> None:
    sound = np.concatenate(
        [silence(2), MAN.says(4, seed=1), silence(3), WOMAN.says(5, seed=2), silence(2)]
    )

    found = spans(sound)

    speech_s = sum(span.seconds for span in found)
    assert found[0].from_s == pytest.approx(2.0, abs=0.25)
    assert found[-1].to_s == pytest.approx(14.0, abs=0.4)
    assert speech_s == pytest.approx(9.0, abs=0.8)
    assert not [one for one in found if 6.5 < (one.from_s + one.to_s) / 2 < 8.5]


def test_a_stream_in_pieces_is_heard_as_one() -> None:
    """However the decoder cuts it: the detector remembers what it heard."""
    sound = np.concatenate([silence(1), MAN.says(3, seed=3), silence(1)])
    whole, piecewise = Detector(), Detector()

    at_once = whole.hear(sound, is_last=True)
    parts = [
        probability
        for start in range(0, len(sound), 1111)
        for probability in piecewise.hear(sound[start : start + 1111])
    ]
    parts += piecewise.hear(silence(0), is_last=True)

    assert parts == pytest.approx(at_once, abs=1e-4)


def span(from_s: float, to_s: float) -> Span:
    return Span(from_s=from_s, to_s=to_s)


def test_segments_end_in_pauses_and_none_is_too_long() -> None:
    spoken = [span(n * 5.0, n * 5.0 + 4.5) for n in range(40)]

    made = segments(spoken, 200.0)

    assert [unit.number for unit in made] == list(range(1, len(made) + 1))
    assert all(unit.seconds <= SEGMENT_MAX_S for unit in made)
    assert [one for unit in made for one in unit.speech] == spoken
    for before, after in pairwise(made):
        assert before.to_s <= after.from_s
        assert before.speech[-1].to_s <= before.to_s


def test_speech_without_a_pause_is_cut_where_it_must_be() -> None:
    made = segments([span(0.0, 100.0)], 100.0)

    assert all(unit.seconds <= SEGMENT_MAX_S for unit in made)
    assert made[0].from_s == 0.0
    assert made[-1].to_s == 100.0
    assert sum(unit.seconds for unit in made) == pytest.approx(100.0)


def test_a_long_silence_belongs_to_no_segment() -> None:
    made = segments([span(1.0, 5.0), span(60.0, 62.0)], 90.0)

    assert [(unit.from_s, unit.to_s) for unit in made] == [(0.8, 5.2), (59.8, 62.2)]
