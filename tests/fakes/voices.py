"""Speech-like sound: voices that say vowels, made of harmonics under formants.

Nobody understands it, and a voice activity detector takes it for speech; two voices
differ as two people do, in pitch and in the length of the vocal tract.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 16_000
Sound: TypeAlias = NDArray[np.float32]

#: The first three formants of vowels, in Hz: a, e, i, o, u.
_VOWELS: Final = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)
_WIDTHS_HZ: Final = (90.0, 110.0, 170.0)
_SYLLABLE_S: Final = 0.22
_HIGHEST_HZ: Final = 4_000


@dataclass(frozen=True)
class Voice:
    """One person: how high, and how long the vocal tract is beside a man's."""

    pitch_hz: float
    tract: float = 1.0

    def says(self, seconds: float, *, seed: int = 0) -> Sound:
        """So much speech, other syllables for each seed."""
        chance = np.random.default_rng(seed)
        count = max(1, round(seconds / _SYLLABLE_S))
        syllables = [self._syllable(chance) for _ in range(count)]
        said = np.concatenate(syllables)[: int(seconds * RATE_HZ)]
        padded = np.zeros(int(seconds * RATE_HZ), np.float32)
        padded[: len(said)] = said
        return padded

    def _syllable(self, chance: np.random.Generator) -> Sound:
        samples = int(_SYLLABLE_S * RATE_HZ * chance.uniform(0.8, 1.2))
        time = np.arange(samples) / RATE_HZ
        bend = chance.uniform(-0.15, 0.15)
        pitch = self.pitch_hz * chance.uniform(0.9, 1.15) * (1 + bend * time * 4)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
        start, end = (_VOWELS[n] for n in chance.integers(0, len(_VOWELS), 2))
        glide = np.linspace(0, 1, samples)
        formants = [
            ((1 - glide) * a + glide * b) / self.tract
            for a, b in zip(start, end, strict=True)
        ]
        sound = np.zeros(samples)
        for number in range(1, int(_HIGHEST_HZ / self.pitch_hz)):
            at = pitch * number
            strength = sum(
                1 / (1 + ((at - formant) / width) ** 2)
                for formant, width in zip(formants, _WIDTHS_HZ, strict=True)
            )
            sound += strength * np.sin(number * phase) / number**0.5
        breath = chance.normal(0, 0.02, samples)
        rise = np.sin(np.pi * np.linspace(0, 1, samples)) ** 0.6
        sound = (sound + breath) * rise
        loud = np.abs(sound).max() or 1.0
        return (0.4 * sound / loud).astype(np.float32)


MAN: Final = Voice(105.0, 1.0)
WOMAN: Final = Voice(215.0, 0.82)


def silence(seconds: float) -> Sound:
    """Nothing at all."""
    return np.zeros(int(seconds * RATE_HZ), np.float32)


def hiss(seconds: float, *, loudness: float = 0.05) -> Sound:
    """Noise of a steady loudness."""
    chance = np.random.default_rng(7)
    made = chance.normal(0, loudness, int(seconds * RATE_HZ))
    return made.astype(np.float32)


def tone(seconds: float, *, pitch_hz: float = 440.0) -> Sound:
    """One note."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * pitch_hz * time)).astype(np.float32)


def wav(path: Path, *channels: Sound) -> Path:
    """Write a recording, a channel for each of the sounds."""
    together = np.stack(channels, axis=1)
    whole = (np.clip(together, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(whole.tobytes())
    return path
