"""Workbooks of every kind: a sheet is a page, or several where it is long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines import limits
from prsnl.engines.contracts import JsonObject
from prsnl.engines.documents.parts import Block, divided, paged
from prsnl.engines.documents.tables import cell, table_blocks

#: A page of a sheet is closed at the first piece of its table beyond this.
_PAGE_CHARACTERS: Final = 48_000


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet as a person sees it.

    Attributes:
        rows: Cells as they are shown, from column A; read once.
        beside: Comments, which are complete when the rows have been read.
    """

    name: str
    rows: Iterable[Sequence[str]]
    is_hidden: bool = False
    beside: Iterable[Block] = ()


def workbook(
    sheets: Iterable[Sheet],
    *,
    metadata: dict[str, str],
    engine: str,
    reason: str,
    skip_parts: Iterable[int] = (),
) -> Iterator[JsonObject]:
    """Yield the info of a workbook, then its pages, as the contract says."""
    pages: list[list[Block]] = []
    warnings: list[str] = []
    left = limits.SHEET_CELLS
    is_empty = True
    for sheet in sheets:
        if sheet.is_hidden:
            warnings.append(f"The sheet {sheet.name!r} is hidden; it was read, too.")
        rows, used = _kept(sheet.rows, left)
        left -= used
        if left <= 0:
            warnings.append(
                f"Only the first {limits.SHEET_CELLS} cells were read: they end in "
                f"the sheet {sheet.name!r}."
            )
        title = cell(sheet.name)
        blocks = [Block(text=title, markdown=f"## {title}", level=2)] if title else []
        said = [*table_blocks(rows), *sheet.beside]
        is_empty = is_empty and not said
        pages += divided([*blocks, *said], characters=_PAGE_CHARACTERS)
        if left <= 0:
            break
    yield from paged(
        [] if is_empty else pages,
        metadata=metadata,
        warnings=tuple(warnings),
        engine=engine,
        reason=reason,
        skip_parts=skip_parts,
    )


def _kept(rows: Iterable[Sequence[str]], cells: int) -> tuple[list[Sequence[str]], int]:
    """Rows with something in them, without the empty columns around; how many cells."""
    kept: list[list[str]] = []
    used = 0
    for row in rows:
        words = [cell(value) for value in row]
        while words and not words[-1]:
            words.pop()
        if not words:
            continue
        used += len(words)
        kept.append(words)
        if used >= cells:
            break
    left = min((_lead(row) for row in kept), default=0)
    return [row[left:] for row in kept], used


def _lead(row: Sequence[str]) -> int:
    return next((place for place, value in enumerate(row) if value), len(row))
