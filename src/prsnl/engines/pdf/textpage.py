"""Where the lines of a page's text stand, with as few calls to PDFium as will do.

A call costs a third of a microsecond, and a page has thousands of characters: the
first of each line is asked for its place, all in one go, the last one only where
somebody wants to know.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final
from unicodedata import bidirectional

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.engines.pdf.layout import JOINED, Box, Line, turned

#: Characters asked, of each page, whether their font says what they mean; more of them
#: if one does not.
_SAMPLED_FEW: Final = 8
_SAMPLED_MANY: Final = 200
#: Lines that begin so near one another, in points, stand under one another.
_SAME_START: Final = 1.0
#: The share of a page's letters that decides how it should be turned.
_MOST_TEXT: Final = 0.6
_TO_THE_LEFT: Final = ("R", "AL")
_NOWHERE: Final[Box] = (-1e9, -1e9, -1e9, -1e9)
#: What PDFium tells of a box: its left, top, right and bottom.
_BOX: Final = struct.Struct("=4f")


def _short(call: Any, result: Any, *arguments: Any) -> Any:
    """A call of PDFium's that keeps the interpreter's lock.

    To give that up and to take it again costs as much as the call itself.
    """
    address = ctypes.cast(call, ctypes.c_void_p).value
    assert address is not None
    return ctypes.PYFUNCTYPE(result, *arguments)(address)


_box_of: Final = _short(
    pdfium_c.FPDFText_GetLooseCharBox,
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p),
)
_has_no_meaning: Final = _short(
    pdfium_c.FPDFText_HasUnicodeMapError,
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.c_int),
)


class Places:
    """Answers where the characters of one open page are."""

    def __init__(self, text: pdfium.PdfTextPage, raw: str, count: int) -> None:
        """The places of a page whose text is *raw*, of *count* characters."""
        self._text = text
        self._handle = _address(text)
        #: An offset in the text, in UTF-16 units, is PDFium's number of a character.
        self._is_plain = _units(raw) == len(raw) == count
        self._room = ctypes.create_string_buffer(_BOX.size)
        self._room_at = ctypes.addressof(self._room)

    def index(self, offset: int) -> int:
        """PDFium's number of a character; negative for one that it made up."""
        if self._is_plain:
            return offset
        return int(pdfium_c.FPDFText_GetCharIndexFromTextIndex(self._text.raw, offset))

    def box(self, offset: int) -> Box | None:
        """The box of a character: left, bottom, right, top, in points."""
        index = offset if self._is_plain else self.index(offset)
        # A text that was closed has no handle any more.
        if self._text.raw and _box_of(self._handle, index, self._room_at):
            left, top, right, bottom = _BOX.unpack(self._room)
            return left, bottom, right, top
        return None

    def boxes(self, offsets: Sequence[int]) -> Sequence[Box | None]:
        """The boxes of many characters, each as left, top, right, bottom."""
        room = ctypes.create_string_buffer(_BOX.size * len(offsets))
        at = ctypes.addressof(room)
        indices = offsets if self._is_plain else map(self.index, offsets)
        rooms = range(at, at + len(room), _BOX.size)
        are_known = list(map(_box_of, repeat(self._handle), indices, rooms))
        boxes = _BOX.iter_unpack(room)
        if all(are_known):
            return list(boxes)
        return [
            box if is_known else None
            for is_known, box in zip(are_known, boxes, strict=True)
        ]

    def end_of(self, line: Line) -> Box | None:
        """The box of a line's last character."""
        return self.box(line.first + _units(line.text) - 1)

    def direction(self, offset: int) -> int:
        """Which way the text runs, in degrees, rounded to a quarter turn."""
        angle = pdfium_c.FPDFText_GetCharAngle(self._text.raw, self.index(offset))
        return round(math.degrees(angle) / 90) * 90 % 360 if angle >= 0 else 0


def lines_of(text: pdfium.PdfTextPage, raw: str, count: int) -> list[Line]:
    """The lines of a page of *count* characters.

    They stay useful only while it is open.
    """
    places = Places(text, raw, count)
    told, firsts = _told(raw)
    lines: list[Line] = []
    direction = 0
    before = _NOWHERE
    for stripped, first, box in zip(told, firsts, places.boxes(firsts), strict=True):
        if box is None:
            line = Line(stripped)
        else:
            # Right under the line before, a line is upright as that one is.
            if (
                direction
                or box[1] >= before[1]
                or not -_SAME_START < box[0] - before[0] < _SAME_START
            ):
                direction = places.direction(first)
            before = box
            left, top, right, bottom = box
            if direction:
                left, bottom, _, top = turned((left, bottom, right, top), direction)
            line = Line(stripped, left, -bottom, top - bottom, direction)
            line.first = first
            line.places = places
        if not stripped.isascii() and _moves(stripped):
            line.settle()
        lines.append(line)
    return lines


def _told(raw: str) -> tuple[list[str], list[int]]:
    """The lines that hold something, and the offsets, in UTF-16 units, of each."""
    size = len if raw.isascii() or len(raw) == _units(raw) else _units
    told: list[str] = []
    firsts: list[int] = []
    offset = 0
    for line in raw.split("\r\n"):
        stripped = line.strip()
        if stripped:
            first = offset
            if stripped[0] != line[0]:
                first += size(line[: -len(line.lstrip())])
            told.append(stripped)
            firsts.append(first)
        offset += size(line) + 2
    return told, firsts


def _moves(told: str) -> bool:
    """Whether the last character of a line says where it is: see `Line.settle`."""
    return JOINED in told or bidirectional(told[0]) in _TO_THE_LEFT


def _units(text: str) -> int:
    """Length in UTF-16 units, which PDFium counts in."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def upright(lines: Sequence[Line], rotation: int) -> int:
    """The rotation, 1 to 360 degrees, that shows most text upright; 0 if this does."""
    if not rotation and not any(line.direction for line in lines):
        return 0
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.direction] += len(line.text)
    if not letters:
        return 0
    direction, count = letters.most_common(1)[0]
    is_upright = (direction + rotation) % 360 == 0
    if is_upright or count < _MOST_TEXT * letters.total():
        return 0
    return 360 - direction


def confidence(text: pdfium.PdfTextPage, count: int) -> float | None:
    """The part of sampled characters, of *count*, whose font says what they mean."""
    if not count:
        return None
    known = _known(text, count, _SAMPLED_FEW)
    return known if known == 1 else _known(text, count, _SAMPLED_MANY)


def _known(text: pdfium.PdfTextPage, count: int, sampled: int) -> float:
    sample = range(0, count, max(1, count // sampled))
    unknown = list(map(_has_no_meaning, repeat(_address(text)), sample)).count(1)
    return round(1 - unknown / len(sample), 3)


def _address(text: pdfium.PdfTextPage) -> int | None:
    return ctypes.cast(text.raw, ctypes.c_void_p).value
