"""Boxes of text put in the order in which a person reads them.

A recursive cut of the page (after Nagy and Seth, 1984): at a gutter between columns of
prose, else at the widest gap between lines. Rows of a table or a form keep together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from prsnl.engines.ocr.contract import Box, Line, Paragraph, Word

#: A gutter is so wide, in heights of a line.
_GUTTER: Final = 0.7
#: A column of prose has so many lines, and they have so many letters.
_COLUMN_LINES: Final = 3
_COLUMN_LETTERS: Final = 12
#: A gap so much wider than the usual one divides paragraphs, in heights of a line.
_PARAGRAPH_GAP: Final = 0.65
#: Words of one line that stand wider apart are of two columns, in heights of a word.
_APART: Final = 2.0
#: Two boxes are of one line if their heights overlap so far.
_SAME_LINE: Final = 0.5
_DEPTH_MAX: Final = 40


@dataclass(frozen=True)
class TextBox:
    """One box that an engine found, with its words from left to right."""

    box: Box
    words: Sequence[Word]

    @property
    def height(self) -> float:
        """In pixels."""
        return self.box[3] - self.box[1]

    @property
    def letters(self) -> int:
        """How many characters it holds."""
        return sum(len(word.text) for word in self.words)


def untangled(found: list[Paragraph]) -> list[Paragraph]:
    """Paragraphs whose lines run over the gutter between columns, put in order.

    An engine with an order of its own is followed, as long as its lines stay within
    columns.
    """
    pieces = [_pieces(line) for lines in found for line in lines]
    across = sum(
        sum(piece.letters >= _COLUMN_LETTERS for piece in line) > 1 for line in pieces
    )
    if across < _COLUMN_LINES:
        return found
    return paragraphs([piece for line in pieces for piece in line])


def _pieces(line: Line) -> list[TextBox]:
    """A line cut where its words stand wide apart."""
    parts: list[list[Word]] = []
    for word in line:
        last = parts[-1][-1] if parts else None
        height = word.box[3] - word.box[1]
        if last is None or word.box[0] - last.box[2] > _APART * height:
            parts.append([])
        parts[-1].append(word)
    return [TextBox(_around([word.box for word in part]), part) for part in parts]


def paragraphs(boxes: Sequence[TextBox]) -> list[Paragraph]:
    """The boxes as paragraphs of lines, in reading order."""
    if not boxes:
        return []
    height = median(one.height for one in boxes)
    regions = _cut(list(boxes), height, 0)
    return [paragraph for region in regions for paragraph in _divided(_lines(region))]


def _cut(boxes: list[TextBox], height: float, depth: int) -> list[list[TextBox]]:
    if len(boxes) < 2 * _COLUMN_LINES or depth > _DEPTH_MAX:
        return [boxes]
    if parts := _at_gutter(boxes, height):
        return [region for part in parts for region in _cut(part, height, depth + 1)]
    if not _has_columns(boxes, height):
        return [boxes]
    parts = _at_gap(boxes)
    if len(parts) == 1:
        return [boxes]
    return [region for part in parts for region in _cut(part, height, depth + 1)]


def _at_gutter(boxes: list[TextBox], height: float) -> list[list[TextBox]] | None:
    """Two columns of prose, if an empty strip runs from the top to the bottom."""
    ordered = sorted(boxes, key=lambda one: one.box[0])
    reach = ordered[0].box[2]
    for place in range(1, len(ordered)):
        gap = ordered[place].box[0] - reach
        left, right = ordered[:place], ordered[place:]
        if gap >= _GUTTER * height and _is_column(left) and _is_column(right):
            return [left, right]
        reach = max(reach, ordered[place].box[2])
    return None


def _is_column(boxes: Sequence[TextBox]) -> bool:
    return (
        len(boxes) >= _COLUMN_LINES
        and median(one.letters for one in boxes) >= _COLUMN_LETTERS
    )


def _has_columns(boxes: list[TextBox], height: float) -> bool:
    """Whether some boxes stand side by side, as those of columns do."""
    beside = 0
    long = [one for one in boxes if one.letters >= _COLUMN_LETTERS]
    for one in long:
        for other in long:
            is_right = other.box[0] - one.box[2] >= _GUTTER * height
            if is_right and _overlap(one.box, other.box) > _SAME_LINE:
                beside += 1
                break
    return beside >= _COLUMN_LINES


def _at_gap(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Cut once, at the widest gap between lines."""
    ordered = sorted(boxes, key=lambda one: one.box[1])
    reach = ordered[0].box[3]
    widest, at = 0.0, 0
    for place in range(1, len(ordered)):
        gap = ordered[place].box[1] - reach
        # Lines touch where letters reach up and down: any cut between them will do.
        if at == 0 or gap > widest:
            widest, at = gap, place
        reach = max(reach, ordered[place].box[3])
    if widest <= -min(one.height for one in boxes) * _SAME_LINE:
        return [boxes]
    return [ordered[:at], ordered[at:]]


def _lines(boxes: Sequence[TextBox]) -> list[tuple[Box, Line]]:
    """The boxes of a region as lines, from the top; each from left to right."""
    rows: list[list[TextBox]] = []
    for one in sorted(boxes, key=lambda one: (one.box[1] + one.box[3]) / 2):
        row = next((row for row in rows[-3:] if _is_of(row, one)), None)
        if row is None:
            rows.append([one])
        else:
            row.append(one)
    made = []
    for row in rows:
        row.sort(key=lambda one: one.box[0])
        line = [word for one in row for word in one.words]
        made.append((_around([one.box for one in row]), line))
    return sorted(made, key=lambda row: row[0][1])


def _is_of(row: Sequence[TextBox], one: TextBox) -> bool:
    return all(
        _overlap(other.box, one.box) > _SAME_LINE
        and (other.box[2] <= one.box[0] + one.height / 2)
        | (one.box[2] <= other.box[0] + one.height / 2)
        for other in row
    )


def _divided(lines: Sequence[tuple[Box, Line]]) -> list[Paragraph]:
    """Lines as paragraphs, by the gaps between them."""
    made: list[list[Line]] = []
    before: Box | None = None
    gaps = [after[0][1] - one[0][3] for one, after in pairwise(lines)]
    usual = median(gaps) if gaps else 0.0
    for box, line in lines:
        height = box[3] - box[1]
        is_apart = (
            before is None
            or box[1] - before[3] > max(usual, 0.0) + _PARAGRAPH_GAP * height
        )
        if is_apart:
            made.append([])
        made[-1].append(line)
        before = box
    return list(made)


def _overlap(one: Box, other: Box) -> float:
    """Which part of the lower one's height stands beside the other."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / max(1.0, min(one[3] - one[1], other[3] - other[1]))


def _around(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
