"""What a child does with speech: survey, check, transcribe, tell speakers apart.

Each operation decodes the recording as a stream, and answers segment by segment, so
that a segment that breaks a child costs itself alone. A child keeps the engine that it
has loaded.
"""

from __future__ import annotations

import importlib
import time
import wave
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.media.audio import Listening
from prsnl.engines.speech import channels, diarization
from prsnl.engines.speech.activity import Detector, segments, speech_spans
from prsnl.engines.speech.contract import (
    Activity,
    Segment,
    SegmentStatus,
    Sound,
    Span,
    SpeechEngine,
    Unit,
    mean_confidence,
)
from prsnl.engines.speech.sound import RATE_HZ, of_units, stream

#: While it looks for speech a child says how far it is, every so many seconds of sound.
_TOLD_EVERY_S: Final = 60.0


def survey(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield `{"at_s": ...}` now and then, and the `Activity` at the end.

    Args:
        files: The child's folders.
        params: `path`, and `kind` where it is known; `from_s` and `to_s` for a part;
            `by_channel`, to hear two channels apart if they carry different voices.
    """
    path, kind = files.inputs / params["path"], params.get("kind")
    from_s, to_s = float(params.get("from_s") or 0.0), params.get("to_s")
    apart = bool(params.get("by_channel")) and channels.are_apart(path, kind)
    units: list[Unit] = []
    listening = Listening()
    for channel in (0, 1) if apart else (None,):
        detector, probabilities, at_s, told_s = Detector(), list[float](), from_s, 0.0
        for piece in stream(
            path,
            kind,
            channel=channel,
            from_s=from_s,
            to_s=None if to_s is None else float(to_s),
            listening=listening,
        ):
            probabilities += detector.hear(piece)
            at_s += len(piece) / RATE_HZ
            if at_s - told_s >= _TOLD_EVERY_S:
                told_s = at_s
                yield {"at_s": round(at_s, 2)}
        probabilities += detector.hear(np.zeros(0, np.float32), is_last=True)
        spans = [
            Span(from_s=one.from_s + from_s, to_s=one.to_s + from_s)
            for one in speech_spans(probabilities)
        ]
        found = segments(spans, at_s)
        units += [unit.model_copy(update={"channel": channel}) for unit in found]
    units.sort(key=lambda unit: (unit.from_s, unit.channel or 0))
    yield Activity(
        duration_s=round(listening.decoded_to_s, 3),
        speech_s=round(sum(one.seconds for unit in units for one in unit.speech), 2),
        units=tuple(
            unit.model_copy(update={"number": number})
            for number, unit in enumerate(units, 1)
        ),
        by_channel=apart,
        warnings=tuple(_damage(listening)),
    ).model_dump(mode="json")


def _damage(listening: Listening) -> Iterator[str]:
    if listening.silence_s >= 1:
        yield (
            f"{listening.silence_s:.0f} s of sound are missing in the recording: what "
            "was said there is lost."
        )
    if listening.damage.broke_off:
        yield (
            f"The recording breaks off at {listening.decoded_to_s:.0f} s: what comes "
            "after cannot be read."
        )


def check(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `LanguageCheck` of a few segments.

    Args:
        files: The child's folders.
        params: `path`, `kind`, `units`; `engine` and `setup` name the engine.
    """
    engine = _engine_of(params)
    heard = [sound for _, sound in _sounds(files, params)]
    yield engine.check(heard).model_dump(mode="json")


def transcribe(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `Segment` for each of the `units`, in the order of time.

    Args:
        files: The child's folders.
        params: As for `check`; `language` where it is known.
    """
    began = time.perf_counter()
    engine = _engine_of(params)
    language = params.get("language")
    for unit, sound in _sounds(files, params):
        segment = _segment(engine, unit, sound, language, began)
        yield segment.model_dump(mode="json")
        began = time.perf_counter()


def _segment(
    engine: SpeechEngine, unit: Unit, sound: Sound, language: str | None, began: float
) -> Segment:
    heard = engine.hear(sound, unit, language=language)
    return Segment(
        number=unit.number,
        from_s=unit.from_s,
        to_s=unit.to_s,
        status=SegmentStatus.OK if heard.phrases else SegmentStatus.EMPTY,
        phrases=heard.phrases,
        confidence=mean_confidence(heard.phrases),
        engine=engine.name,
        quality=engine.quality,
        language=heard.language,
        language_confidence=heard.language_confidence,
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
    )


def cut(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield `{"number", "file_name"}` for each of the `units`: its sound as a WAV."""
    for unit, sound in _sounds(files, params):
        name = f"segment-{unit.number}.wav"
        with wave.open(str(files.outputs / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
        yield {"number": unit.number, "file_name": name}


def speakers(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield `{"at_s": ...}` now and then, and the `Speakers` of the `units`."""
    told = diarization.Voices()
    for unit, sound in _sounds(files, params):
        told.hear(unit, sound)
        yield {"at_s": unit.to_s}
    yield told.speakers().model_dump(mode="json")


def _sounds(files: ChildFiles, params: JsonObject) -> Iterator[tuple[Unit, Sound]]:
    units: Sequence[Unit] = [Unit.model_validate(one) for one in params["units"]]
    return of_units(files.inputs / params["path"], params.get("kind"), units)


def _engine_of(params: JsonObject) -> SpeechEngine:
    return _engine(params["engine"], tuple(sorted(params["setup"].items())))


@lru_cache(maxsize=1)
def _engine(module: str, setup: tuple[tuple[str, str], ...]) -> SpeechEngine:
    engine: SpeechEngine = importlib.import_module(module).load(dict(setup))
    return engine
