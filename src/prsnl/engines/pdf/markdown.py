"""A page as Markdown: headings by their size, lists by their marks, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from prsnl.engines.pdf.cleaning import clean
from prsnl.engines.pdf.layout import (
    BULLETS,
    Line,
    body_height,
    differ_in_size,
    is_heading,
)
from prsnl.engines.pdf.tables import Table

#: A mark that nobody begins a sentence with, and white after it.
_BULLET: Final = re.compile(rf"[{BULLETS}]\s+")
_NUMBERED: Final = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_NUMBERED_MIN: Final = 2


def page_markdown(
    groups: Sequence[Sequence[Line]], tables: Sequence[Table]
) -> str | None:
    """The page with what stands out marked; None where nothing does.

    Args:
        groups: Its paragraphs.
        tables: Those of its lines that are rows.
    """
    lines = [line for group in groups for line in group]
    body = body_height(lines) if differ_in_size(lines) else None
    has_headings = body is not None and any(is_heading(group, body) for group in groups)
    marks = {line.text[0] for line in lines}
    has_lists = not marks.isdisjoint(BULLETS) or (
        any(map(str.isdecimal, marks)) and _is_numbered(lines)
    )
    if not (has_headings or has_lists or tables):
        return None
    blocks = []
    for part in _parts(groups, tables):
        if isinstance(part, Table):
            blocks.append(part.markdown(lambda cell: " ".join(clean(cell).split())))
        elif body is not None and is_heading(part, body):
            blocks.append("## " + " ".join(clean(_joined(part)).split()))
        elif has_lists:
            blocks += _with_items(part)
        else:
            blocks.append(clean(_joined(part)))
    return "\n\n".join(block for block in blocks if block)


def _parts(
    groups: Sequence[Sequence[Line]], tables: Sequence[Table]
) -> Iterator[Sequence[Line] | Table]:
    """Paragraphs and tables in reading order; a row is a part of its table alone."""
    table_of = {id(line): table for table in tables for line in table.lines}
    told: set[int] = set()
    for group in groups:
        rest: list[Line] = []
        for line in group:
            table = table_of.get(id(line))
            if table is None:
                rest.append(line)
                continue
            if rest:
                yield rest
                rest = []
            if id(table) not in told:
                told.add(id(table))
                yield table
        if rest:
            yield rest


def _is_numbered(lines: Sequence[Line]) -> bool:
    """Whether lines are numbered from 1 on: one number alone begins a sentence."""
    numbers = [
        int(found.group(1)) for line in lines if (found := _NUMBERED.match(line.text))
    ]
    return numbers[:_NUMBERED_MIN] == [1, 2]


def _with_items(group: Sequence[Line]) -> Iterator[str]:
    """A paragraph as text, and as a list where lines begin with a mark."""
    pieces: list[list[Line]] = []
    for line in group:
        if not pieces or _mark(line) is not None or _is_beside(line, pieces[-1][0]):
            pieces.append([])
        pieces[-1].append(line)
    for is_list, parts in groupby(
        pieces, key=lambda piece: _mark(piece[0]) is not None
    ):
        told = [_item(piece) if is_list else clean(_joined(piece)) for piece in parts]
        yield "\n".join(told)


def _is_beside(line: Line, item: Line) -> bool:
    """Whether a line begins where an item's mark stands: it is no part of the item."""
    return _mark(item) is not None and line.start <= item.start + 0.3 * item.height


def _mark(line: Line) -> str | None:
    """How Markdown marks the item that a line begins; None if it begins none."""
    if _BULLET.match(line.text):
        return "- "
    if found := _NUMBERED.match(line.text):
        return f"{found.group(1)}. "
    return None


def _item(lines: Sequence[Line]) -> str:
    mark = _mark(lines[0]) or ""
    text = clean(_joined(lines))
    bare = _NUMBERED.sub("", _BULLET.sub("", text, count=1), count=1)
    return mark + bare.replace("\n", "\n" + " " * len(mark))


def _joined(lines: Sequence[Line]) -> str:
    return "\n".join([line.text for line in lines])
