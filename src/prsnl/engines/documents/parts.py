"""Parts of a few kilobytes for documents that have no pages."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines import limits
from prsnl.engines.contracts import (
    DocumentInfo,
    Heading,
    JsonObject,
    PageStatus,
    PageText,
)

#: A part is closed at the first paragraph that ends beyond so many characters.
PART_CHARACTERS: Final = 3000
#: A paragraph longer than this is itself divided, at a line or a space.
_PARAGRAPH_MAX: Final = 2 * PART_CHARACTERS
_PARAGRAPH_END: Final = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A paragraph, a table or a heading: the smallest piece that stays whole.

    Attributes:
        text: For people: no marks.
        markdown: With marks; None where the source has none.
        level: Of a heading, from 1; None for everything else.
        is_table: Whether the text is rows of cells.
    """

    text: str
    markdown: str | None = None
    level: int | None = None
    is_table: bool = False


def blocks_of(text: str) -> list[Block]:
    """The paragraphs of a plain text."""
    return [Block(text=one) for one in _PARAGRAPH_END.split(text) if one.strip()]


def table_block(rows: Sequence[Sequence[str]]) -> Block:
    """A table: a tab between cells in the text, a Markdown table beside it.

    One that is very wide, or nearly empty, has no Markdown: filled up, it could be a
    million times its size.

    Args:
        rows: The first is the head; cells hold no line break. At least one row.
    """
    width = max(len(row) for row in rows)
    text = "\n".join("\t".join(row).rstrip() for row in rows)
    cells = sum(len(row) for row in rows)
    if width > limits.TABLE_COLUMNS or width * len(rows) > cells * limits.TABLE_PADDING:
        return Block(text=text, is_table=True)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        for row in full
    ]
    lines.insert(1, "|" + " --- |" * width)
    return Block(text=text, markdown="\n".join(lines), is_table=True)


def document(
    blocks: Sequence[Block],
    *,
    metadata: dict[str, str],
    warnings: tuple[str, ...] = (),
    engine: str,
    reason: str,
    skip_parts: Iterable[int] = (),
) -> Iterator[JsonObject]:
    """Yield the info of a document, then its parts, as the contract says.

    A document without a word has one part, which is empty.
    """
    yield from paged(
        divided(blocks),
        metadata=metadata,
        warnings=warnings,
        engine=engine,
        reason=reason,
        skip_parts=skip_parts,
    )


def paged(
    pages: Sequence[Sequence[Block]],
    *,
    metadata: dict[str, str],
    warnings: tuple[str, ...] = (),
    engine: str,
    reason: str,
    skip_parts: Iterable[int] = (),
) -> Iterator[JsonObject]:
    """Yield the info of a document, then the pages that its author made."""
    parts = pages or [[]]
    headings = tuple(
        Heading(level=block.level, text=" ".join(block.text.split()), page=number)
        for number, part in enumerate(parts, 1)
        for block in part
        if block.level is not None
    )
    yield DocumentInfo(
        page_count=len(parts), metadata=metadata, headings=headings, warnings=warnings
    ).model_dump(mode="json")
    skipped = set(skip_parts)
    for number, part in enumerate(parts, 1):
        if number not in skipped:
            yield _part(number, part, engine, reason).model_dump(mode="json")


def _part(number: int, part: Sequence[Block], engine: str, reason: str) -> PageText:
    began = time.perf_counter()
    text = "\n\n".join(block.text for block in part)
    marked = any(block.markdown is not None for block in part)
    return PageText(
        number=number,
        status=PageStatus.OK if part else PageStatus.EMPTY,
        text=text,
        markdown="\n\n".join(
            block.text if block.markdown is None else block.markdown for block in part
        )
        if marked
        else None,
        engine=engine,
        reason=reason if part else "the document has no text",
        milliseconds=round((time.perf_counter() - began) * 1000, 2),
    )


def divided(
    blocks: Iterable[Block], *, characters: int = PART_CHARACTERS
) -> list[list[Block]]:
    """Blocks in parts of about so many characters; a heading begins one early."""
    parts: list[list[Block]] = []
    length = characters
    for block in blocks:
        for piece in _divided(block):
            if length >= characters or (
                piece.level is not None and length >= characters // 2
            ):
                parts.append([])
                length = 0
            parts[-1].append(piece)
            length += len(piece.text) + 2
    return parts


def _divided(block: Block) -> Iterator[Block]:
    if len(block.text) <= _PARAGRAPH_MAX or block.markdown is not None:
        yield block
        return
    rest = block.text
    while len(rest) > _PARAGRAPH_MAX:
        cut = max(
            rest.rfind("\n", PART_CHARACTERS // 2, PART_CHARACTERS),
            rest.rfind(". ", PART_CHARACTERS // 2, PART_CHARACTERS) + 1,
        )
        if cut <= 0:
            cut = rest.rfind(" ", PART_CHARACTERS // 2, PART_CHARACTERS)
        if cut <= 0:
            cut = PART_CHARACTERS
        yield Block(text=rest[:cut].strip())
        rest = rest[cut:].lstrip()
    if rest:
        yield Block(text=rest)
