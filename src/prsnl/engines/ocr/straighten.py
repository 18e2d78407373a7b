"""A picture made ready: is there anything on it, and does it stand straight?"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from PIL import Image

#: Blankness is judged from so many pixels along the longest side: specks vanish.
_GLANCE_PIXELS: Final = 1000
#: Ink differs so far from the paper, of 255.
_INK: Final = 48
#: Of a page with a single figure on it, more than this part is ink.
_INK_MIN: Final = 0.00001
_SKEW_MAX_DEGREES: Final = 6.0
_SKEW_STEP_DEGREES: Final = 0.25
_SKEW_PIXELS: Final = 800
#: Less is no matter to an engine, and turning costs sharpness.
_SKEW_MIN_DEGREES: Final = 1.0
#: A row of pixels with more ink is part of a line of text.
_ROW_INK: Final = 0.002
_SMALL_LINE_PIXELS: Final = 22
#: The rows must stand out by so much more than unturned, or the angle is a guess.
_SKEW_GAIN: Final = 1.1
#: Print stands on paper: so much of its picture has about one brightness.
_PAPER_MIN: Final = 0.35
_PAPER_INK: Final = (0.002, 0.45)

Grey = np.ndarray[Any, np.dtype[np.uint8]]


def is_blank(picture: Image.Image) -> bool:
    """Whether nothing stands on it but noise."""
    return float(_ink(_small(picture, _GLANCE_PIXELS)).mean()) < _INK_MIN


def looks_like_print(picture: Image.Image) -> bool:
    """Whether a picture on a page may be of text, rather than a photograph."""
    grey = _small(picture, _GLANCE_PIXELS // 2)
    counts = np.bincount(grey.ravel() >> 4, minlength=16)
    even = float((counts + np.roll(counts, 1)).max()) / grey.size
    ink = float(_ink(grey).mean())
    return even >= _PAPER_MIN and _PAPER_INK[0] <= ink <= _PAPER_INK[1]


def skew_degrees(picture: Image.Image) -> float:
    """How far lines fall to the right, in degrees; 0 if they do not, or are none.

    The angle at which rows differ most from one another: lines of text then stand in
    rows of their own (Postl, 1986).
    """
    ink = _ink(_small(picture, _SKEW_PIXELS))
    down, across = np.nonzero(ink)
    if len(down) < _SKEW_PIXELS:
        return 0.0
    steps = round(_SKEW_MAX_DEGREES / _SKEW_STEP_DEGREES)
    angles = [number * _SKEW_STEP_DEGREES for number in range(-steps, steps + 1)]
    sharpness = [_sharpness(down, across, angle) for angle in angles]
    best = int(np.argmax(sharpness))
    angle = angles[best]
    is_sure = sharpness[best] >= _SKEW_GAIN * sharpness[steps]
    is_within = 0 < best < len(angles) - 1
    return angle if is_sure and is_within and abs(angle) >= _SKEW_MIN_DEGREES else 0.0


def has_small_letters(picture: Image.Image) -> bool:
    """Whether its lines are lower than engines like, as on a screen."""
    grey = np.asarray(picture)
    rows = _ink(grey).mean(axis=1) > _ROW_INK
    edges = np.flatnonzero(np.diff(np.concatenate(([False], rows, [False]))))
    heights = edges[1::2] - edges[::2]
    heights = heights[heights > 2]  # noqa: PLR2004 - rules and specks
    return len(heights) > 0 and float(np.median(heights)) < _SMALL_LINE_PIXELS


def straightened(picture: Image.Image, skew: float) -> Image.Image:
    """The picture turned back by its skew; what comes in at the edges is paper."""
    if not skew:
        return picture
    return picture.rotate(
        skew, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=paper(picture)
    )


def paper(picture: Image.Image) -> int:
    """The brightness of what the text stands on, from 0 to 255."""
    return int(np.median(_small(picture, _GLANCE_PIXELS // 2)))


def turned(picture: Image.Image, degrees: int) -> Image.Image:
    """The picture turned clockwise by quarters."""
    how = {
        90: Image.Transpose.ROTATE_270,
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_90,
    }.get(degrees % 360)
    return picture if how is None else picture.transpose(how)


def _sharpness(down: Any, across: Any, degrees: float) -> float:
    rows = np.round(down - across * math.tan(math.radians(degrees))).astype(np.int64)
    counts = np.bincount(rows - rows.min()).astype(np.float64)
    return float((np.diff(counts) ** 2).sum())


def _small(picture: Image.Image, longest: int) -> Grey:
    shrink = max(1, math.ceil(max(picture.size) / longest))
    return np.asarray(picture.reduce(shrink) if shrink > 1 else picture)


def _ink(grey: Grey) -> Any:
    """What differs from the paper, be it darker or lighter."""
    return np.abs(grey.astype(np.int16) - int(np.median(grey))) > _INK
