"""A look at a decoded picture that costs next to nothing: a sparse grid of its pixels.

Reading every pixel of every picture takes as long as decoding does. A grid, taken from
the decoder's own planes, tells a cut as well.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

#: The grid has about so many places along the width.
_ACROSS: Final = 64
_CHROMA_ACROSS: Final = 16
#: Of these the first plane is brightness, the next two are colours, a byte a place.
_PLANAR: Final = frozenset(
    (
        *("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"),
        *("yuv411p", "yuv410p", "yuv440p", "yuvj440p", "yuva420p", "yuva444p"),
    )
)
#: The same with two bytes a place, of which so many bits are used.
_DEEP: Final = {
    f"yuv{kind}p{bits}le": bits for kind in (420, 422, 444) for bits in (10, 12)
}
_BYTE: Final = 8
_PLAIN: Final = "yuv420p"
_PLAIN_WIDTH: Final = 256
#: Sharpness is told from every so many-th row.
_ROWS_APART: Final = 8

Grid = np.ndarray[Any, np.dtype[np.int16]]


class Glance:
    """The grid of one picture: brightness and colours, of 255."""

    __slots__ = ("chroma", "luma")

    def __init__(self, luma: Grid, chroma: Grid) -> None:
        self.luma = luma
        self.chroma = chroma

    @property
    def is_blank(self) -> bool:
        """Whether the picture is black, white or grey all over."""
        if float(self.luma.std()) > _EVEN_LUMA:
            return False
        far = np.abs(self.chroma - _NEUTRAL)
        return bool(float(far.mean()) < _COLOURLESS)

    def change(self, other: Glance) -> float:
        """How far two pictures of one video are apart, of 255, on average."""
        if self.luma.shape != other.luma.shape:
            return 255.0
        luma = float(np.abs(self.luma - other.luma).mean())
        chroma = float(np.abs(self.chroma - other.chroma).mean())
        return max(luma, 1.5 * chroma)


#: A picture whose brightness wavers less has nothing on it.
_EVEN_LUMA: Final = 5.0
_NEUTRAL: Final = 128
_COLOURLESS: Final = 10.0


def glance(frame: Any) -> Glance:
    """Look at a decoded picture."""
    frame = _readable(frame)
    return Glance(
        _grid(frame, 0, _ACROSS),
        np.concatenate(
            [_grid(frame, plane, _CHROMA_ACROSS).ravel() for plane in (1, 2)]
        ),
    )


def sharpness(frame: Any) -> float:
    """How much neighbours differ along the rows; a blurred picture has less."""
    frame = _readable(frame)
    values, unused = _plane(frame, 0)
    rows = values[::_ROWS_APART].astype(np.int16) >> unused
    steps = np.abs(np.diff(rows, axis=1))
    return float(np.sqrt((steps.astype(np.float32) ** 2).mean()))


def _readable(frame: Any) -> Any:
    name = frame.format.name
    is_known = name in _PLANAR or name in _DEEP
    if is_known and all(plane.line_size > 0 for plane in frame.planes):
        return frame
    shrink = max(1.0, frame.width / _PLAIN_WIDTH)
    width = max(2, round(frame.width / shrink) // 2 * 2)
    height = max(2, round(frame.height / shrink) // 2 * 2)
    return frame.reformat(width=width, height=height, format=_PLAIN)


def _plane(frame: Any, number: int) -> Any:
    """The values of one plane as they are shown, and how many bits are used of each."""
    plane = frame.planes[number]
    bits = _DEEP.get(frame.format.name, _BYTE)
    kind = np.dtype(np.uint8 if bits == _BYTE else "<u2")
    rows = np.frombuffer(plane, dtype=kind)
    rows = rows.reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width], bits - _BYTE


def _grid(frame: Any, number: int, across: int) -> Grid:
    values, unused = _plane(frame, number)
    step = max(1, values.shape[1] // across)
    found: Grid = values[::step, ::step].astype(np.int16) >> unused
    return found
