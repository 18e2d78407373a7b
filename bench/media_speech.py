"""Seconds for a recording: a speech engine alone, and our transcription around it.

- `bare`: the engine over the sound of the segments, which lies in memory already.
- `child`: what a task does in a warm sandbox child: the recording decoded as a stream,
  speech found in it, the language told, and every segment heard and taken over.

Both hear the same segments with the same engine. The recording is speech-like sound
made here, or the file that `--recording` names.
"""

from __future__ import annotations

import statistics
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.speech import operations
from prsnl.engines.speech.contract import Activity, Segment, Sound, Unit
from prsnl.engines.speech.sound import RATE_HZ, of_units
from prsnl.engines.speech.table import Installed

#: Of the bare engine's time, at most this much more.
BAR: Final = 0.05
_LIMIT_S: Final = 3600.0
_VOWELS: Final = ((730, 1090), (530, 1840), (270, 2290), (570, 840), (300, 870))


def made(path: Path, *, seconds: float) -> None:
    """Write vowels under changing pitch, with pauses, as a voice would say them."""
    chance = np.random.default_rng(11)
    said: list[Sound] = []
    length = 0
    while length < seconds * RATE_HZ:
        part = _syllables(chance, count=int(chance.integers(6, 30)))
        pause = np.zeros(int(RATE_HZ * chance.uniform(0.35, 0.9)), np.float32)
        said += [part, pause]
        length += len(part) + len(pause)
    whole = (np.concatenate(said)[: int(seconds * RATE_HZ)] * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(whole.tobytes())


def _syllables(chance: np.random.Generator, *, count: int) -> Sound:
    parts = []
    for _ in range(count):
        time_s = np.arange(int(RATE_HZ * chance.uniform(0.16, 0.28))) / RATE_HZ
        pitch = chance.uniform(95, 130)
        formants = _VOWELS[int(chance.integers(len(_VOWELS)))]
        sound = np.zeros(len(time_s))
        for number in range(1, 30):
            strength = sum(
                1 / (1 + ((pitch * number - one) / 100) ** 2) for one in formants
            )
            sound += strength * np.sin(2 * np.pi * pitch * number * time_s)
        sound *= np.sin(np.pi * np.linspace(0, 1, len(time_s))) ** 0.6
        parts.append(0.4 * sound / np.abs(sound).max())
    return np.concatenate(parts).astype(np.float32)


def measure(
    pool: SandboxPool, engine: Installed, path: Path, *, rounds: int, language: str
) -> bool:
    """Print both sides; tell whether the cost is within the bar."""
    segments = units(path)
    sounds = list(of_units(path, None, segments))
    bare = operations._engine(  # noqa: SLF001 - the engine as the child has it
        engine.module, tuple(sorted(engine.setup.items()))
    )
    seconds = sum(unit.seconds for unit in segments)
    _bare(bare, sounds[:1], language)
    _child(pool, engine, path, language, most=1)
    alone, ours = [], []
    for _ in range(rounds):
        alone.append(_bare(bare, sounds, language))
        ours.append(_child(pool, engine, path, language))
    cost = statistics.median(ours) / statistics.median(alone) - 1
    print(
        f"{engine.name}: {len(segments)} segments, {seconds:.0f} s of speech; "
        f"bare {statistics.median(alone):.2f} s, child {statistics.median(ours):.2f} s"
        f" (medians of {rounds}): {100 * cost:+.1f} %, bar {100 * BAR:.0f} %"
    )
    return cost < BAR


def units(path: Path) -> Sequence[Unit]:
    """The segments that a recording is heard in."""
    files: Any = SimpleNamespace(inputs=path.parent, outputs=path.parent)
    *_, last = operations.survey(files, {"path": path.name})
    return Activity.model_validate(last).units


def _bare(engine: Any, sounds: Sequence[tuple[Unit, Sound]], language: str) -> float:
    began = time.perf_counter()
    for unit, sound in sounds:
        engine.hear(sound, unit, language=language)
    return time.perf_counter() - began


def _child(
    pool: SandboxPool,
    engine: Installed,
    path: Path,
    language: str,
    *,
    most: int | None = None,
) -> float:
    """One recording from its file to its segments, the start of the child left out."""
    with pool.child("speech") as child:
        child.put("input").write_bytes(path.read_bytes())
        asked = {"path": "input", "engine": engine.module, "setup": engine.setup}
        warm = Unit(number=1, from_s=0.0, to_s=1.0).model_dump(mode="json")
        list(
            child.stream(
                "speech.transcribe", {**asked, "units": [warm]}, unit_timeout_s=_LIMIT_S
            )
        )
        began = time.perf_counter()
        *_, last = child.stream(
            "speech.survey", {"path": "input"}, unit_timeout_s=_LIMIT_S
        )
        found = Activity.model_validate(last).units[:most]
        told = [unit.model_dump(mode="json") for unit in found]
        for frame in child.stream(
            "speech.transcribe",
            {**asked, "units": told, "language": language},
            unit_timeout_s=_LIMIT_S,
        ):
            Segment.model_validate(frame)
        return time.perf_counter() - began
