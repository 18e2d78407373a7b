"""What a picture looks like from afar, and which pictures look alike.

A perceptual hash: the picture shrunk to 32 x 18 cells of brightness and two colours.
Two pictures are alike when hardly a cell differs to the eye.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np
from PIL import Image

_COLUMNS: Final = 32
_ROWS: Final = 18
#: A cell that differs by more, of 255, has changed.
_SEEN: Final = 14
#: So large a part of the cells may change in pictures that are alike.
_ALIKE: Final = 0.05

Cells = np.ndarray[Any, np.dtype[np.int16]]


def likeness(picture: Image.Image) -> str:
    """The cells of a picture, as base64."""
    size = (_COLUMNS, _ROWS)
    # In two steps: to shrink by a whole number first takes a quarter of the time.
    small = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    small = small.convert("YCbCr")
    return base64.b64encode(small.tobytes()).decode()


def cells(told: str) -> Cells:
    """The cells that `likeness` told."""
    numbers = np.frombuffer(base64.b64decode(told), dtype=np.uint8)
    return numbers.reshape(_ROWS * _COLUMNS, 3).astype(np.int16)


def changed(one: Cells, others: Any) -> Any:
    """Which part of the cells differs, from 0 to 1; for one or many others."""
    differs = np.abs(others - one).max(axis=-1) > _SEEN
    return differs.mean(axis=-1)


def are_alike(one: Cells, others: Any) -> Any:
    """Whether a picture looks like another, or which of many."""
    return changed(one, others) <= _ALIKE
