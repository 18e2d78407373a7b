"""A picture and a sound of nobody's: for engines to be tried with."""

from __future__ import annotations

import io
import wave
from importlib.resources import files
from typing import Final

#: What the picture shows, black on white.
SENTENCE: Final = "The monthly rent is 940.00 EUR, due on 3 May 2024."
SILENCE_S: Final = 2
_PICTURE: Final = "sample.png"
_RATE_HZ: Final = 16_000
_SAMPLE_BYTES: Final = 2


def picture() -> bytes:
    """The sentence, as PNG."""
    return files("prsnl.monitoring").joinpath(_PICTURE).read_bytes()


def silence() -> bytes:
    """Two seconds of it, as WAV."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_BYTES)
        file.setframerate(_RATE_HZ)
        file.writeframes(bytes(_SAMPLE_BYTES * _RATE_HZ * SILENCE_S))
    return made.getvalue()
