"""Pictures of text, drawn here: for whoever reads pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WHITE = 255
PROSE = (
    "The kettle in the kitchen was older than the house.",
    "Nobody had ever seen it boil before the seventh of May.",
    "On that morning the gardener filled it to the brim,",
    "and everybody waited for the whistle that never came.",
)
OTHER_PROSE = (
    "Across the yard a second story had begun meanwhile.",
    "Seventeen letters lay unopened under the old piano,",
    "each of them with the stamp of a different harbour,",
    "and the postman refused to carry even one of them.",
)


def picture(
    lines: Sequence[str] = PROSE,
    *,
    size: tuple[int, int] = (1000, 420),
    letters: int = 32,
    at: tuple[int, int] = (60, 60),
) -> Image.Image:
    """Black lines on white."""
    drawn = Image.new("L", size, WHITE)
    write(drawn, lines, letters=letters, at=at)
    return drawn


def write(
    drawn: Image.Image,
    lines: Sequence[str],
    *,
    letters: int = 32,
    at: tuple[int, int] = (60, 60),
    ink: int = 0,
) -> None:
    """Write lines onto a picture, one below the other."""
    font = ImageFont.load_default(letters)
    draw = ImageDraw.Draw(drawn)
    for number, line in enumerate(lines):
        place = (at[0], at[1] + round(number * letters * 1.6))
        draw.text(place, line, fill=ink, font=font)


def two_columns() -> Image.Image:
    """A heading over two columns of prose."""
    drawn = picture(["A page of two columns"], size=(2300, 900), letters=60)
    write(drawn, PROSE, letters=36, at=(90, 260))
    write(drawn, OTHER_PROSE, letters=36, at=(1250, 260))
    return drawn


def encoded(drawn: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as a file's bytes."""
    buffer = io.BytesIO()
    drawn.save(buffer, kind, **options)
    return buffer.getvalue()


def pages(*drawn: Image.Image) -> bytes:
    """A TIFF with so many pages."""
    first, *others = drawn
    return encoded(first, "TIFF", save_all=True, append_images=others)


def scan(*drawn: Image.Image) -> bytes:
    """A PDF whose pages are pictures."""
    first, *others = drawn
    return encoded(first, "PDF", save_all=True, append_images=others, resolution=150)
