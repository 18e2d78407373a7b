"""pocketsphinx: the draft engine. English alone, with the model in its wheel."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pocketsphinx

from prsnl.engines.speech import english
from prsnl.engines.speech.contract import (
    Heard,
    LanguageCheck,
    Phrase,
    Quality,
    Sound,
    Unit,
    Word,
)
from prsnl.engines.versions import version_of

_RATE_HZ: Final = 16_000
#: Frames of sound a second, as the decoder counts.
_FRAMES: Final = 100
#: What it writes for silence, breath and noise.
_NO_WORDS: Final = ("<", "[", "+")
#: A pause of this length ends a phrase.
_PAUSE_S: Final = 0.5
#: Segments whose words are remembered, so that a check costs nothing twice.
_KEPT: Final = 4
_MODEL: Final = "en-us"


@dataclass(frozen=True)
class _Decoded:
    """What the decoder says of one stretch of sound."""

    words: tuple[tuple[str, int, int, float], ...] = ()
    evidence: english.Evidence | None = None


@dataclass
class SphinxEngine:
    """Hears English, or what it takes for English."""

    quality: Quality = Quality.DRAFT
    languages: frozenset[str] = frozenset({"en"})
    _words: Any = None
    _phones: Any = None
    _kept: dict[bytes, _Decoded] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """With its version."""
        return f"pocketsphinx {version_of('pocketsphinx')} {_MODEL}"

    def hear(self, sound: Sound, unit: Unit, *, language: str | None) -> Heard:
        """The words of one segment, as English."""
        del language
        decoded = self._decoded(sound)
        words = [
            Word(
                text=text,
                from_s=round(unit.from_s + first / _FRAMES, 2),
                to_s=round(unit.from_s + (last + 1) / _FRAMES, 2),
                confidence=round(min(1.0, sure), 3),
            )
            for text, first, last, sure in decoded.words
        ]
        return Heard(phrases=tuple(_phrases(words)), language="en" if words else None)

    def check(self, sounds: Sequence[Sound]) -> LanguageCheck:
        """Tell whether this is English, from how well English words explain it."""
        found = [one for sound in sounds if (one := self._evidence(sound)) is not None]
        score = english.score(found)
        is_known = score is not None and score >= english.THRESHOLD
        return LanguageCheck(
            is_known=is_known, language="en" if is_known else None, score=score
        )

    def _evidence(self, sound: Sound) -> english.Evidence | None:
        decoded = self._decoded(sound)
        if decoded.evidence is None:
            return None
        if self._phones is None:
            self._phones = _phone_loop()
        samples = _samples(sound)
        free = _run(self._phones, samples)
        return english.against(decoded.evidence, _path_score(free))

    def _decoded(self, sound: Sound) -> _Decoded:
        samples = _samples(sound)
        key = hashlib.sha256(samples).digest()
        if key not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._decode(samples)
        return self._kept[key]

    def _decode(self, samples: bytes) -> _Decoded:
        if self._words is None:
            self._words = pocketsphinx.Decoder(samprate=_RATE_HZ, loglevel="FATAL")
        found = _run(self._words, samples)
        if found is None:
            return _Decoded()
        segments = [
            one for one in self._words.seg() if not one.word.startswith(_NO_WORDS)
        ]
        if not segments:
            return _Decoded()
        frames = sum(one.end_frame - one.start_frame + 1 for one in segments)
        evidence = english.Evidence(
            frames=frames,
            sound=sum(_log(one.ascore) for one in segments),
            path=_path_score(found) or 0.0,
        )
        return _Decoded(
            tuple(
                (
                    one.word.partition("(")[0],
                    one.start_frame,
                    one.end_frame,
                    float(one.prob),
                )
                for one in segments
            ),
            evidence,
        )


def load(setup: dict[str, str]) -> SphinxEngine:
    """The engine; it needs nothing but its wheel."""
    del setup
    return SphinxEngine()


def _phone_loop() -> Any:
    """A decoder that knows sounds and no words."""
    phones = pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin")
    return pocketsphinx.Decoder(
        samprate=_RATE_HZ, lm=None, dict=None, allphone=phones, loglevel="FATAL"
    )


def _run(decoder: Any, samples: bytes) -> Any:
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    return decoder.hyp()


#: A path's score is kept in steps of so many of a word's.
_PATH_UNIT: Final = 1024
_NOTHING: Final = -745.0


def _path_score(found: Any) -> float | None:
    """The logarithm of the best path's score, in the words' units."""
    return None if found is None else _log(found.score) * _PATH_UNIT


def _log(value: float) -> float:
    return math.log(value) if value > 0 else _NOTHING


def _samples(sound: Sound) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def _phrases(words: list[Word]) -> Iterator[Phrase]:
    group: list[Word] = []
    for word in words:
        if group and word.from_s - group[-1].to_s >= _PAUSE_S:
            yield _phrase(group)
            group = []
        group.append(word)
    if group:
        yield _phrase(group)


def _phrase(words: list[Word]) -> Phrase:
    bare = Phrase(
        from_s=words[0].from_s,
        to_s=words[-1].to_s,
        text=" ".join(word.text for word in words),
        words=tuple(words),
    )
    letters = sum(len(word.text) for word in words)
    sure = sum(len(word.text) * (word.confidence or 0) for word in words) / letters
    return bare.model_copy(update={"confidence": round(sure, 3)})
