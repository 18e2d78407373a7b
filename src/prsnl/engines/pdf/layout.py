"""Lines of a page put together to paragraphs, by where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

#: A gap this much wider than the page's usual one starts a paragraph.
_WIDE_GAP: Final = 1.35
#: Lines differ in size, e.g. a heading and its text, from this ratio on.
_OTHER_SIZE: Final = 1.2
#: A first line that stands in by this part of a line's height is indented.
_INDENT: Final = 0.8
#: A line that ends this part of the width before the others is a last line.
_SHORT: Final = 0.8
#: How far two pieces of one line may stand apart in height, in line heights.
_SAME_BASELINE: Final = 0.25
#: How far apart two pieces of one line may stand, in line heights.
_SAME_LINE_GAP: Final = 1.5
_HEADING_SIZE: Final = 1.25
_HEADING_MAX_CHARACTERS: Final = 160
#: Of Latin, Chinese and Japanese, Arabic, and Urdu.
_SENTENCE_ENDS: Final = (*".!?:…", "\u3002", "\uff01", "\uff1f", "\u061f", "\u06d4")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line as the engine found it; positions along and across its direction.

    Attributes:
        text: Its characters.
        start: Where it begins along its own direction, in points.
        end: Where it ends; greater than `start`.
        top: The position of its first character, in points, growing downwards.
        bottom: The position of its last one: a joined word puts it a line lower.
        height: Of its letters, in points.
        direction: In degrees, rounded to a quarter turn; lines of different
            directions are never compared.
    """

    text: str
    start: float
    end: float
    top: float
    bottom: float
    height: float
    direction: int = 0


def merged(lines: Sequence[Line]) -> list[Line]:
    """Join the pieces of one line that a superscript or a change of font broke."""
    joined: list[Line] = []
    for line in lines:
        if joined and _continues(joined[-1], line):
            last = joined.pop()
            gap = line.start - last.end
            space = " " if gap > _INDENT * 0.2 * last.height else ""
            joined.append(
                Line(
                    text=last.text.rstrip() + space + line.text.lstrip(),
                    start=last.start,
                    end=max(last.end, line.end),
                    top=last.top,
                    bottom=line.bottom,
                    height=max(last.height, line.height),
                    direction=last.direction,
                )
            )
        else:
            joined.append(line)
    return joined


def _continues(last: Line, line: Line) -> bool:
    height = max(last.height, line.height)
    return (
        last.direction == line.direction
        and abs(line.top - last.bottom) <= _SAME_BASELINE * height
        and -0.3 * height <= line.start - last.end <= _SAME_LINE_GAP * height
    )


def paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Group the lines of a page, in reading order, to paragraphs."""
    usual = _usual_gap(lines)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and not _starts_paragraph(groups[-1], line, usual):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _usual_gap(lines: Sequence[Line]) -> float:
    """The usual distance between two lines, as a multiple of their height."""
    ratios = [
        (after.top - before.bottom) / before.height
        for before, after in pairwise(lines)
        if before.height > 0
        and _same_size(before, after)
        and 0 < after.top - before.bottom < 3 * before.height
    ]
    return median(ratios) if ratios else 1.2


def _same_size(one: Line, other: Line) -> bool:
    low, high = sorted((one.height, other.height))
    return low > 0 and high / low < _OTHER_SIZE


def _starts_paragraph(group: Sequence[Line], line: Line, usual: float) -> bool:
    last = group[-1]
    if line.direction != last.direction or not _same_size(last, line):
        return True
    gap = (line.top - last.bottom) / last.height
    ended = last.text.rstrip().endswith(_SENTENCE_ENDS)
    if gap < -_SAME_BASELINE:  # up again: the next column
        return ended or not line.text.lstrip()[:1].islower()
    if gap > _WIDE_GAP * usual:
        return True
    if not ended:
        return False
    indented = _INDENT * last.height < line.start - last.start and len(group) > 1
    widest = max(one.end for one in group) - min(one.start for one in group)
    short = len(group) > 1 and last.end - last.start < _SHORT * widest
    return indented or short


def body_height(lines: Sequence[Line]) -> float:
    """The height of most letters on a page, in points; 0 without any."""
    sizes = sorted((line.height, len(line.text)) for line in lines)
    half = sum(count for _, count in sizes) / 2
    seen = 0
    for height, count in sizes:
        seen += count
        if seen >= half:
            return height
    return 0.0


def is_heading(group: Sequence[Line], body: float) -> bool:
    """Whether a paragraph stands out by its size, and is short enough."""
    return (
        group[0].height >= _HEADING_SIZE * body
        and sum(len(line.text) for line in group) <= _HEADING_MAX_CHARACTERS
        and any(letter.isalpha() for line in group for letter in line.text)
    )
