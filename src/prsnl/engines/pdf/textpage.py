"""Where the lines of a page's text stand, with as few calls to PDFium as will do.

A call costs half a microsecond, and a page has thousands of characters: the first of
each line is asked for its place, the last one only where somebody wants to know.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
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
_box_of: Final = pdfium_c.FPDFText_GetLooseCharBox


@dataclass(frozen=True)
class Places:
    """Answers where the characters of one open page are."""

    text: pdfium.PdfTextPage
    #: An offset in the text, in UTF-16 units, is PDFium's own number of a character.
    _is_plain: bool
    _room: pdfium_c.FS_RECTF

    @classmethod
    def of(cls, text: pdfium.PdfTextPage, raw: str) -> Places:
        """The places of a page whose text is *raw*."""
        is_plain = _units(raw) == len(raw) == text.count_chars()
        return cls(text, is_plain, pdfium_c.FS_RECTF())

    def index(self, offset: int) -> int:
        """PDFium's number of a character; negative for one that it made up."""
        if self._is_plain:
            return offset
        return int(pdfium_c.FPDFText_GetCharIndexFromTextIndex(self.text.raw, offset))

    def box(self, offset: int) -> Box | None:
        """The box of a character: left, bottom, right, top, in points."""
        room = self._room
        index = offset if self._is_plain else self.index(offset)
        # A text that was closed has no handle any more, and PDFium tells nothing.
        if _box_of(self.text.raw, index, room):
            return room.left, room.bottom, room.right, room.top
        return None

    def end_of(self, line: Line) -> Box | None:
        """The box of a line's last character."""
        return self.box(line.first + _units(line.text) - 1)

    def direction(self, offset: int) -> int:
        """Which way the text runs, in degrees, rounded to a quarter turn."""
        angle = pdfium_c.FPDFText_GetCharAngle(self.text.raw, self.index(offset))
        return round(math.degrees(angle) / 90) * 90 % 360 if angle >= 0 else 0


def lines_of(text: pdfium.PdfTextPage, raw: str) -> list[Line]:
    """The lines of a page; they stay useful only while it is open."""
    places = Places.of(text, raw)
    size = len if len(raw) == _units(raw) else _units
    lines: list[Line] = []
    offset = direction = 0
    before = _NOWHERE
    box_of = places.box
    for told in raw.split("\r\n"):
        length = size(told)
        stripped = told.strip()
        if stripped:
            first = offset
            if stripped[0] != told[0]:
                first += size(told[: -len(told.lstrip())])
            box = box_of(first)
            if box is None:
                line = Line(stripped)
            else:
                # Right under the line before, a line is upright as that one is.
                if (
                    direction
                    or box[3] >= before[3]
                    or not -_SAME_START < box[0] - before[0] < _SAME_START
                ):
                    direction = places.direction(first)
                before = box
                left, bottom, _, top = turned(box, direction) if direction else box
                line = Line(stripped, left, -bottom, top - bottom, direction)
                line.places = places
                line.first = first
            if not stripped.isascii() and _moves(stripped):
                line.settle()
            lines.append(line)
        offset += length + 2
    return lines


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


def confidence(text: pdfium.PdfTextPage) -> float | None:
    """The part of sampled characters whose font says what they mean."""
    count = text.count_chars()
    if not count:
        return None
    known = _known(text, count, _SAMPLED_FEW)
    return known if known == 1 else _known(text, count, _SAMPLED_MANY)


def _known(text: pdfium.PdfTextPage, count: int, sampled: int) -> float:
    sample = range(0, count, max(1, count // sampled))
    handle = text.raw
    unknown = sum(
        pdfium_c.FPDFText_HasUnicodeMapError(handle, one) == 1 for one in sample
    )
    return round(1 - int(unknown) / len(sample), 3)
