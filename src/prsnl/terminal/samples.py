"""A picture and a sound, made here: for engines to be tried with."""

from __future__ import annotations

import io
import wave
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_SIZE: Final = (1200, 200)
_PLACE: Final = (60, 70)
_LETTERS: Final = 36
_WHITE: Final = 255
SILENCE_S: Final = 2
_RATE_HZ: Final = 16_000
_SAMPLE_BYTES: Final = 2


def picture_of(sentence: str) -> bytes:
    """Black on white, as PNG."""
    drawn = Image.new("L", _SIZE, _WHITE)
    font = ImageFont.load_default(_LETTERS)
    ImageDraw.Draw(drawn).text(_PLACE, sentence, fill=0, font=font)
    made = io.BytesIO()
    drawn.save(made, "PNG")
    return made.getvalue()


def silence() -> bytes:
    """Two seconds of it, as WAV."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_BYTES)
        file.setframerate(_RATE_HZ)
        file.writeframes(bytes(_SAMPLE_BYTES * _RATE_HZ * SILENCE_S))
    return made.getvalue()
