"""Tables told by their columns: rows under one another with white between their cells.

Only what leaves no doubt is a table: a wrong one is worse in Markdown than none. The
plain text is not touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from prsnl.engines.pdf.layout import BULLETS, Box, Line

_ROWS_MIN: Final = 3
_NUMBERED_COLUMNS: Final = 2
_COLUMNS_MAX: Final = 30
#: White of so many line heights parts two cells; words stand at half of it at most.
_GAP: Final = 1.0
#: The white between two columns, over all rows, is at least so wide.
_CORRIDOR: Final = 0.5
#: Rows begin so near one another, in points, or further in.
_SAME_START: Final = 2.0
_ROW_DISTANCE_MAX: Final = 3.0
#: So many of the rows have a cell in every column.
_FULL_ROWS: Final = 0.6
#: Cells that are longer on average are text in columns, and no table.
_CELL_CHARACTERS_MAX: Final = 40
#: A character of a row would be so much wider than high, if the row held no white;
#: those of text, a typewriter's too, are not.
_WIDER: Final = 0.62


@dataclass(frozen=True)
class Cell:
    """A piece of a row, and where it stands, in points."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Table:
    """Lines of a page that are rows, and what their columns hold."""

    lines: tuple[Line, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self, clean: Callable[[str], str]) -> str:
        """The rows as Markdown has them, the first as the head."""
        told = [
            "| " + " | ".join(clean(cell).replace("|", r"\|") for cell in row) + " |"
            for row in self.rows
        ]
        rule = "|" + " --- |" * len(self.rows[0])
        return "\n".join([told[0], rule, *told[1:]])


def find_tables(lines: Sequence[Line], page: Box) -> tuple[Table, ...]:
    """The tables of an open page.

    Args:
        lines: In reading order.
        page: Its left, bottom, right and top.
    """
    if not _may_hold_rows(lines, page[2]):
        return ()
    stretches = (
        rows
        for run in _runs(lines, page[2])
        if len(run) >= _ROWS_MIN
        for rows in _with_gaps(run)
    )
    return tuple(table for rows in stretches if (table := _table(rows)))


def _may_hold_rows(lines: Sequence[Line], right: float) -> bool:
    """Whether enough lines in a row have room for white; those of most pages do not.

    Their ends need not be known for that.
    """
    run: list[Line] = []
    top = math.nan
    for line in lines:
        if line.top == top:
            return True
        top = line.top
        text = line.text
        if line.start + _WIDER * line.height * len(text) < right and " " in text:
            run.append(line)
            if len(run) >= _ROWS_MIN and all(map(_has_white, run[-_ROWS_MIN:])):
                return True
        elif run:
            run = []
    return False


def _has_white(line: Line) -> bool:
    filled = _WIDER * line.height * len(line.text)
    return " " in line.text and line.end - line.start > filled


#: One line of a page: PDFium may give its cells as lines of their own.
_Row: TypeAlias = list[Line]


def _runs(lines: Sequence[Line], right: float) -> Iterator[list[_Row]]:
    """Lines right under one another that may be rows: those with room for white."""
    run: list[_Row] = []
    for row in _rows(lines):
        may_be = _may_be_row(row, right)
        if run and not (may_be and _is_next(run[-1][0], row[0])):
            yield run
            run = []
        if may_be:
            run.append(row)
    yield run


def _rows(lines: Sequence[Line]) -> Iterator[_Row]:
    row: _Row = []
    for line in lines:
        if row and (line.top != row[-1].top or line.start < row[-1].end):
            yield row
            row = []
        row.append(line)
    if row:
        yield row


def _may_be_row(row: _Row, right: float) -> bool:
    first = row[0]
    filled = _WIDER * first.height * len(first.text)
    if len(row) == 1 and first.start + filled >= right:
        return False  # mostly so, and the end need not be known
    return all(
        line.places is not None and line.direction == 0 and line.text[0] not in BULLETS
        for line in row
    ) and (len(row) > 1 or _has_white(first))


def _is_next(row: Line, line: Line) -> bool:
    down = line.top - row.top
    return (
        0.5 * row.height < down < _ROW_DISTANCE_MAX * row.height
        and abs(line.height - row.height) < 0.2 * row.height
    )


def _with_gaps(run: Sequence[_Row]) -> Iterator[list[tuple[_Row, list[Cell]]]]:
    """Stretches of lines that each have at least two cells."""
    rows: list[tuple[_Row, list[Cell]]] = []
    for row in run:
        cells = [cell for line in row for cell in _cells(line)]
        if len(cells) > 1:
            rows.append((row, cells))
            continue
        yield rows
        rows = []
    yield rows


def _cells(line: Line) -> list[Cell]:
    """A line cut where it has more white than between words."""
    text = line.text
    begins, start = 0, line.start
    cells: list[Cell] = []
    place = text.find(" ")
    while place >= 0:
        after = place + 1
        before, behind = _box(line, place - 1), _box(line, after)
        if before and behind and behind[0] - before[2] > _GAP * line.height:
            cells.append(Cell(text[begins:place].strip(), start, before[2]))
            begins, start = after, behind[0]
        place = text.find(" ", after)
    cells.append(Cell(text[begins:].strip(), start, line.end))
    return cells


def _box(line: Line, place: int) -> Box | None:
    if line.places is None or not 0 <= place < len(line.text):
        return None
    told = line.text[:place]
    units = place if told.isascii() else len(told.encode("utf-16-le", "ignore")) // 2
    return line.places.box(line.first + units)


def _table(rows: Sequence[tuple[_Row, list[Cell]]]) -> Table | None:
    """The rows as a table, if every cell stands in one column and none in two."""
    if len(rows) < _ROWS_MIN:
        return None
    count = max(len(cells) for _, cells in rows)
    full = [cells for _, cells in rows if len(cells) == count]
    if count > _COLUMNS_MAX or len(full) < _FULL_ROWS * len(rows):
        return None
    columns = [
        (min(row[n].start for row in full), max(row[n].end for row in full))
        for n in range(count)
    ]
    height = rows[0][0][0].height
    if any(
        right[0] - left[1] < _CORRIDOR * height for left, right in pairwise(columns)
    ):
        return None
    if count == _NUMBERED_COLUMNS and all(row[0].text.isdecimal() for row in full):
        return None  # lines of a program, or of a law, with their numbers
    placed = [_placed(cells, columns) for _, cells in rows]
    told = tuple(row for row in placed if row is not None)
    texts = [cell for row in told for cell in row if cell]
    if len(told) < len(rows) or sum(map(len, texts)) > _CELL_CHARACTERS_MAX * len(
        texts
    ):
        return None
    return Table(tuple(line for row, _ in rows for line in row), told)


def _placed(
    cells: Sequence[Cell], columns: Sequence[tuple[float, float]]
) -> tuple[str, ...] | None:
    """The cells of a row by column; None if one does not stand in its column alone."""
    row = [""] * len(columns)
    for cell in cells:
        under = [
            number
            for number, (start, end) in enumerate(columns)
            if cell.start < end and cell.end > start
        ]
        if len(under) != 1 or row[under[0]]:
            return None
        row[under[0]] = cell.text
    return tuple(row)
