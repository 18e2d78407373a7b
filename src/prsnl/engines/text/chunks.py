"""Passages of about 200 tokens, cut at paragraphs and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines.contracts import Chunk

#: About 200 tokens of English.
_TARGET_CHARACTERS: Final = 900
_MAX_CHARACTERS: Final = 1_100
#: A paragraph ends a passage from this length on, if the next would not fit.
_ENOUGH_CHARACTERS: Final = 500
#: What is shorter goes with what is before it.
_REST_CHARACTERS: Final = 200

_PARAGRAPH_END: Final = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END: Final = re.compile(
    r"[.!?…][\"'\u2019”»)\]]{0,3}\s+|[\u3002\uff01\uff1f]"
)
_SPACE: Final = re.compile(r"\s")


@dataclass(frozen=True)
class _Piece:
    """A stretch of one page's text that stays whole."""

    page: int
    start: int
    end: int
    starts_paragraph: bool

    @property
    def length(self) -> int:
        return self.end - self.start


def chunks_of(pages: Sequence[tuple[int, str]]) -> list[Chunk]:
    """Divide the text of the pages to passages; all of it is in one of them, once.

    A passage may go over a page's end. Its `text` is that of the pages between its
    offsets, with a line break where a page ends.

    Args:
        pages: Their numbers, growing, and texts.
    """
    texts = dict(pages)
    groups: list[list[_Piece]] = []
    length = 0
    for number, text in pages:
        for piece in _pieces(number, text):
            if not groups or _is_full(length, piece):
                groups.append([])
                length = 0
            groups[-1].append(piece)
            length += piece.length + 1
    if len(groups) > 1:
        last = sum(piece.length for piece in groups[-1])
        before = sum(piece.length for piece in groups[-2])
        if last < _REST_CHARACTERS and last + before <= _MAX_CHARACTERS:
            groups[-2].extend(groups.pop())
    return [_chunk(number, group, texts) for number, group in enumerate(groups, 1)]


def _is_full(length: int, piece: _Piece) -> bool:
    together = length + piece.length
    if together > _MAX_CHARACTERS:
        return True
    wanted = _ENOUGH_CHARACTERS if piece.starts_paragraph else _TARGET_CHARACTERS
    return together > _TARGET_CHARACTERS and length >= wanted


def _pieces(page: int, text: str) -> Iterator[_Piece]:
    place = 0
    for start, end in _spans(text, _PARAGRAPH_END, place, len(text)):
        is_first = True
        for piece_start, piece_end in _sentences(text, start, end):
            trimmed = _trimmed(text, piece_start, piece_end)
            if trimmed:
                yield _Piece(page, *trimmed, starts_paragraph=is_first)
                is_first = False


def _spans(
    text: str, ending: re.Pattern[str], start: int, end: int
) -> Iterator[tuple[int, int]]:
    for match in ending.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A paragraph whole if it is short, else its sentences, else their words."""
    if end - start <= _TARGET_CHARACTERS:
        yield start, end
        return
    for one, other in _spans(text, _SENTENCE_END, start, end):
        begin = one
        while other - begin > _MAX_CHARACTERS:
            cut = _cut(text, begin)
            yield begin, cut
            begin = cut
        yield begin, other


def _cut(text: str, start: int) -> int:
    """A place to divide at: the last white space that fits, or anywhere."""
    limit = start + _TARGET_CHARACTERS
    for place in range(limit, limit - _ENOUGH_CHARACTERS, -1):
        if _SPACE.match(text, place):
            return place + 1
    return limit


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    if not piece.strip():
        return None
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(
        piece.rstrip()
    )


def _chunk(number: int, group: Sequence[_Piece], texts: dict[int, str]) -> Chunk:
    first, last = group[0], group[-1]
    if first.page == last.page:
        text = texts[first.page][first.start : last.end]
    else:
        spans: dict[int, tuple[int, int]] = {}
        for piece in group:
            start, _ = spans.get(piece.page, (piece.start, 0))
            spans[piece.page] = (start, piece.end)
        text = "\n".join(texts[page][start:end] for page, (start, end) in spans.items())
    return Chunk(
        number=number,
        text=text,
        page_from=first.page,
        page_to=last.page,
        start=first.start,
        end=last.end,
    )
