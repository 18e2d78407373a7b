"""faster-whisper: Whisper models in CTranslate2's format, from a folder and no hub."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2
from faster_whisper import WhisperModel

from prsnl.core.errors import SettingsError
from prsnl.engines.speech.contract import (
    Heard,
    LanguageCheck,
    Phrase,
    Quality,
    Sound,
    Unit,
    Word,
)
from prsnl.engines.speech.models import require_model
from prsnl.engines.versions import version_of

_BEAMS: Final = 5
#: A segment that comes out badly is tried again with so much chance.
_TEMPERATURES: Final = (0.0, 0.2, 0.4, 0.6)
#: Parts that disagree are each in a language of their own, if the engine is this sure.
_SURE: Final = 0.8


@dataclass(frozen=True)
class WhisperEngine:
    """Hears about a hundred languages, or English with a model for that alone."""

    model: WhisperModel
    name: str
    languages: frozenset[str]
    quality: Quality = Quality.FULL

    def hear(self, sound: Sound, unit: Unit, *, language: str | None) -> Heard:
        """The words of one segment.

        Every segment is heard by itself: what went wrong in one is not carried into
        the next, and a segment that is heard again comes out the same.
        """
        found, info = self.model.transcribe(
            sound,
            language=language,
            beam_size=_BEAMS,
            temperature=_TEMPERATURES,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        phrases = tuple(
            phrase for one in found if (phrase := _phrase(one, unit)) is not None
        )
        return Heard(
            phrases=phrases,
            language=info.language,
            language_confidence=round(float(info.language_probability), 3),
        )

    def check(self, sounds: Sequence[Sound]) -> LanguageCheck:
        """Tell the language that most of the segments are in."""
        if not self.model.model.is_multilingual:
            return LanguageCheck(is_known=True, language="en")
        told: list[tuple[str, float]] = []
        for sound in sounds:
            language, sure, _ = self.model.detect_language(sound)
            told.append((language, float(sure)))
        if not told:
            return LanguageCheck(is_known=True)
        sure_ones = {language for language, sure in told if sure >= _SURE}
        if len(sure_ones) > 1:
            return LanguageCheck(is_known=True)
        counts: dict[str, float] = {}
        for language, sure in told:
            counts[language] = counts.get(language, 0.0) + sure
        language = max(counts, key=lambda one: counts[one])
        score = max(sure for one, sure in told if one == language)
        return LanguageCheck(is_known=True, language=language, score=round(score, 3))


def load(setup: dict[str, str]) -> WhisperEngine:
    """Load a model from its folder.

    Args:
        setup: `folder`; `threads`, how many cores it may use.

    Raises:
        SettingsError: The folder holds no model, or one that cannot be loaded.
    """
    folder = Path(setup["folder"])
    require_model(folder)
    device = "cuda" if _has_gpu() else "cpu"
    try:
        model = WhisperModel(
            str(folder),
            device=device,
            compute_type="auto",
            cpu_threads=int(setup.get("threads") or 0),
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        if "memory" in str(error):
            raise MemoryError from error
        raise SettingsError(
            f"The speech model {folder.name} cannot be loaded: its files are damaged, "
            "or of another format than faster-whisper's. Get it again (./prsnl models "
            "get speech), or set PRSNL_SPEECH_MODEL to another one."
        ) from error
    kind = model.model.compute_type.removesuffix("_float32")
    return WhisperEngine(
        model,
        f"faster-whisper {version_of('faster-whisper')} {folder.name} "
        f"({device} {kind})",
        frozenset() if model.model.is_multilingual else frozenset({"en"}),
    )


def _has_gpu() -> bool:
    """Whether CUDA works here; asked in the child alone, for it cannot be forked."""
    try:
        return bool(ctranslate2.get_cuda_device_count())
    except RuntimeError:
        return False


def _phrase(one: Any, unit: Unit) -> Phrase | None:
    text = one.text.strip()
    if not text:
        return None
    words = tuple(
        Word(
            text=word.word.strip(),
            from_s=_placed(word.start, unit),
            to_s=_placed(word.end, unit),
            confidence=round(min(1.0, max(0.0, float(word.probability))), 3),
        )
        for word in one.words or ()
        if word.word.strip()
    )
    return Phrase(
        from_s=words[0].from_s if words else _placed(one.start, unit),
        to_s=words[-1].to_s if words else _placed(one.end, unit),
        text=text,
        words=words,
        confidence=round(min(1.0, math.exp(float(one.avg_logprob))), 3),
    )


def _placed(seconds: float, unit: Unit) -> float:
    """A time within the segment as one of the recording."""
    return round(min(unit.to_s, unit.from_s + max(0.0, float(seconds))), 2)
