"""A picture of a sentence: for engines that read pictures to be tried with."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_SIZE: Final = (1200, 200)
_PLACE: Final = (60, 70)
_LETTERS: Final = 36
_WHITE: Final = 255


def picture_of(sentence: str) -> bytes:
    """Black on white, as PNG."""
    drawn = Image.new("L", _SIZE, _WHITE)
    font = ImageFont.load_default(_LETTERS)
    ImageDraw.Draw(drawn).text(_PLACE, sentence, fill=0, font=font)
    made = io.BytesIO()
    drawn.save(made, "PNG")
    return made.getvalue()
