"""Lines of a page put together to paragraphs, by where they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import sub
from statistics import median
from typing import Final, NamedTuple, Protocol, TypeAlias

#: Where PDFium joined a word over a line end, it leaves this character.
JOINED: Final = "\ufffe"

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
#: Running lines stand in these outer parts of a page's height.
_EDGE: Final = 0.13
_EDGE_LINES_MAX: Final = 4
#: A gap of so many line heights parts them from the text.
_APART: Final = 1.5
_EDGE_CHARACTERS_MAX: Final = 200
_HEADING_SIZE: Final = 1.25
_HEADING_MAX_CHARACTERS: Final = 160
#: Marks that begin the items of a list.
BULLETS: Final = "\u2022\u2023\u25aa\u25ab\u25cf\u25cb\u25e6\u2043\uf0b7"
#: Of Latin, Chinese and Japanese, Arabic, and Urdu.
_SENTENCE_ENDS: Final = frozenset(".!?:…\u3002\uff01\uff1f\u061f\u06d4")


Box: TypeAlias = tuple[float, float, float, float]


class Places(Protocol):
    """Tells where a character of the page is, as long as the page is open."""

    def box(self, offset: int) -> Box | None:
        """Left, bottom, right and top of a character, in points; None if unknown."""

    def end_of(self, line: Line) -> Box | None:
        """Left, bottom, right and top of a line's last character; None if unknown."""


class Edge(NamedTuple):
    """A line at the head or the foot of a page."""

    line: Line
    #: Which part of the page's height lies above it, from 0 to 1.
    at: float
    is_head: bool


class Line:
    """One line as the engine found it; positions along and across its direction.

    Its end is looked up where it is asked for: that of most lines is not.

    Attributes:
        text: Its characters, without space around them.
        start: Where it begins along its own direction, in points.
        top: The position of its first character, in points, growing downwards.
        height: Of its letters, in points.
        bottom: The position of its last one: a joined word puts it a line lower.
        direction: In degrees, rounded to a quarter turn; lines of different
            directions are never compared.
        first: The number of its first character.
        places: Tells where characters are.
    """

    __slots__ = (
        "_end",
        "bottom",
        "direction",
        "first",
        "height",
        "places",
        "start",
        "text",
        "top",
    )

    def __init__(
        self,
        text: str,
        start: float = 0.0,
        top: float = 0.0,
        height: float = 0.0,
        direction: int = 0,
    ) -> None:
        self.text = text
        self.start = start
        self.top = self.bottom = top
        self.height = height
        self.direction = direction
        self.first = 0
        self.places: Places | None = None
        self._end: float | None = None

    @property
    def end(self) -> float:
        """Where it ends along its own direction; not less than `start`."""
        if self._end is None:
            self.settle()
            assert self._end is not None
        return self._end

    def settle(self) -> None:
        """Look up its last character.

        Of a text that runs to the left it moves the start, of a joined word the bottom.
        """
        self._end = self.start
        box = self.places.end_of(self) if self.places else None
        if box is not None:
            left, bottom, right, _ = turned(box, self.direction)
            self._end = max(self.start, right)
            self.start = min(self.start, left)
            if JOINED in self.text:
                self.bottom = -bottom

    def joined_to(self, other: Line, space: str) -> Line:
        """This line and the piece that goes on with it."""
        height = max(self.height, other.height)
        told = self.text + space + other.text
        whole = Line(told, self.start, self.top, height, self.direction)
        whole.bottom = other.bottom
        whole._end = max(self.end, other.end)
        return whole


def turned(box: Box, direction: int) -> Box:
    """The box seen with its text upright; PDFium's angle grows clockwise."""
    left, bottom, right, top = box
    match direction:
        case 0:
            return box
        case 90:
            return -top, left, -bottom, right
        case 180:
            return -right, -top, -left, -bottom
        case _:
            return bottom, -right, top, -left


def merged(lines: Sequence[Line]) -> list[Line]:
    """Join the pieces of one line that a superscript or a change of font broke."""
    if not _may_continue(lines):
        return list(lines)
    joined: list[Line] = []
    last: Line | None = None
    for line in lines:
        if last is not None and _continues(last, line):
            gap = line.start - last.end
            space = " " if gap > _INDENT * 0.2 * last.height else ""
            line = last.joined_to(line, space)  # noqa: PLW2901 - the whole of both
            joined.pop()
        joined.append(line)
        last = line
    return joined


def _may_continue(lines: Sequence[Line]) -> bool:
    """Whether any two lines stand side by side; those of most pages do not."""
    highest = max([line.height for line in lines], default=0.0)
    bottoms = [line.bottom for line in lines]
    tops = [line.top for line in lines]
    nearest = min(map(abs, map(sub, tops[1:], bottoms)), default=math.inf)
    return nearest <= _SAME_BASELINE * highest


def _continues(last: Line, line: Line) -> bool:
    height = max(line.height, last.height)
    down = line.top - last.bottom
    return (
        -_SAME_BASELINE * height <= down <= _SAME_BASELINE * height
        and last.direction == line.direction
        and -0.3 * height <= line.start - last.end <= _SAME_LINE_GAP * height
    )


def paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Group the lines of a page, in reading order, to paragraphs."""
    wide = _WIDE_GAP * _usual_gap(lines)
    groups: list[list[Line]] = []
    group: list[Line] = []
    for line in lines:
        if group and not _starts_paragraph(group, line, wide):
            group.append(line)
        else:
            group = [line]
            groups.append(group)
    return groups


def _usual_gap(lines: Sequence[Line]) -> float:
    """The usual distance between two lines, as a multiple of their height."""
    ratios = [
        gap / height
        for before, after in pairwise(lines)
        if 0 < (gap := after.top - before.bottom) < 3 * (height := before.height)
        and (height == after.height or _same_size(before, after))
    ]
    return median(ratios) if ratios else 1.2


def _same_size(one: Line, other: Line) -> bool:
    first, second = one.height, other.height
    if first == second:
        return first > 0
    return 0 < first < _OTHER_SIZE * second and second < _OTHER_SIZE * first


def _starts_paragraph(group: Sequence[Line], line: Line, wide: float) -> bool:
    last = group[-1]
    height = last.height
    if line.direction != last.direction or not (
        height == line.height > 0 or _same_size(last, line)
    ):
        return True
    gap = (line.top - last.bottom) / height
    if gap > wide:
        return True
    ended = last.text[-1] in _SENTENCE_ENDS
    if gap < -_SAME_BASELINE:  # up again: the next column
        return ended or not line.text[0].islower()
    if not ended:
        return False
    indented = _INDENT * last.height < line.start - last.start and len(group) > 1
    widest = max(one.end for one in group) - min(one.start for one in group)
    short = len(group) > 1 and last.end - last.start < _SHORT * widest
    return indented or short


def edges(lines: Sequence[Line], page: Box) -> tuple[Edge, ...]:
    """The lines at the head and the foot of a page that stand apart from its body.

    What is set right above more lines, such as the heads of a table's columns, belongs
    to those.
    """
    if not lines:
        return ()
    direction = lines[len(lines) // 2].direction
    own = [line for line in lines if line.direction == direction]
    box = turned(page, direction)
    high, tall = -box[3], box[3] - box[1]
    if tall <= 0:
        return ()
    head_ends, foot_begins = high + _EDGE * tall, high + (1 - _EDGE) * tall
    body = [line.top for line in own if head_ends < line.top < foot_begins]
    head = [line for line in own if line.top <= head_ends]
    foot = [line for line in own if line.top >= foot_begins]
    head.sort(key=_top)
    foot.sort(key=_top, reverse=True)
    told = [(line, True) for line in _apart(head, min(body, default=foot_begins))]
    told += [(line, False) for line in _apart(foot, max(body, default=head_ends))]
    return tuple(
        Edge(line, round(min(1.0, max(0.0, (line.top - high) / tall)), 3), is_head)
        for line, is_head in told
        if len(line.text) <= _EDGE_CHARACTERS_MAX
    )


def _top(line: Line) -> float:
    return line.top


def _apart(lines: Sequence[Line], body: float) -> Sequence[Line]:
    """The outermost lines, as far as a gap parts them from what is further in."""
    tops = [*(line.top for line in lines[1:]), body]
    for count in range(min(len(lines), _EDGE_LINES_MAX), 0, -1):
        last = lines[count - 1]
        if abs(tops[count - 1] - last.top) > _APART * last.height:
            return lines[:count]
    return ()


def differ_in_size(lines: Sequence[Line]) -> bool:
    """Whether some lines may be headings of the others."""
    heights = [line.height for line in lines]
    return bool(heights) and max(heights) >= _HEADING_SIZE * min(heights)


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
