"""Large tables: cut between rows, the head said again in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prsnl.engines.documents.parts import Block, table_block

#: A piece of a table ends at the first row beyond so many characters.
PIECE_CHARACTERS: Final = 12_000

Row = Sequence[str]


def table_blocks(rows: Sequence[Row]) -> Iterator[Block]:
    """A table as one block or more; each piece's Markdown begins with the head.

    Args:
        rows: The first is the head; cells hold no line break.
    """
    piece: list[Row] = []
    length = 0
    head: Row | None = None
    for row in rows:
        piece.append(row)
        length += sum(map(len, row)) + len(row)
        if length > PIECE_CHARACTERS:
            yield _piece(piece, head)
            head, piece, length = rows[0], [], 0
    if piece:
        yield _piece(piece, head)


def _piece(rows: Sequence[Row], head: Row | None) -> Block:
    block = table_block(rows)
    if head is None or block.markdown is None:
        return block
    return Block(
        text=block.text, markdown=table_block([head, *rows]).markdown, is_table=True
    )


def cell(value: str) -> str:
    """A cell's words on one line."""
    return " ".join(value.split())
