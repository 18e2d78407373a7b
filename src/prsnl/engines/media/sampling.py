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
_ROWS_APART: Final = 16

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
        return max(
            _apart(self.luma, other.luma), 1.5 * _apart(self.chroma, other.chroma)
        )


#: A picture whose brightness wavers less has nothing on it.
_EVEN_LUMA: Final = 5.0
_NEUTRAL: Final = 128
_COLOURLESS: Final = 10.0


def _apart(one: Grid, other: Grid) -> float:
    """The mean difference; a sum of integers takes half the time of a mean."""
    differences = one - other
    np.abs(differences, out=differences)
    return int(differences.sum()) / differences.size


def glance(frame: Any) -> Glance:
    """Look at a decoded picture."""
    frame = _readable(frame)
    planes = frame.planes
    unused = _DEEP.get(frame.format.name, _BYTE) - _BYTE
    chroma = [_grid(planes[n], _CHROMA_ACROSS, unused).ravel() for n in (1, 2)]
    return Glance(_grid(planes[0], _ACROSS, unused), np.concatenate(chroma))


def sharpness(frame: Any) -> float:
    """How much neighbours differ along the rows; a blurred picture has less."""
    frame = _readable(frame)
    unused = _DEEP.get(frame.format.name, _BYTE) - _BYTE
    values = _values(frame.planes[0], unused)
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


def _values(plane: Any, unused: int) -> Any:
    """The values of one plane as they are shown."""
    values = np.frombuffer(plane, dtype="<u2" if unused else np.uint8)
    row = plane.line_size // values.itemsize
    return values.reshape(-1, row)[: plane.height, : plane.width]


def _grid(plane: Any, across: int, unused: int) -> Grid:
    values = _values(plane, unused)
    step = max(1, values.shape[1] // across)
    found: Grid = values[::step, ::step].astype(np.int16)
    return found >> unused if unused else found
