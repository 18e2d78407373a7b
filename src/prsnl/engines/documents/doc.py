"""DOC: the text of Word 97 to 2003, with its headings, tables and notes ([MS-DOC])."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from prsnl.core.errors import CorruptError, EncryptedError, UnsupportedError
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import LOCKED
from prsnl.engines.documents.ole import VERSION, Compound, opened
from prsnl.engines.documents.parts import Block, document, table_block

ENGINE: Final = f"doc by {VERSION}"
_WHAT: Final = "Word document"
_MAGIC: Final = 0xA5EC
_WORD_97: Final = 0xC1
_ENCRYPTED: Final = 0x0100
_SECOND_TABLE: Final = 0x0200
#: Where the header tells how long each part of the text is, in characters.
_LENGTHS_AT: Final = 0x4C
#: The order in which the parts of the text follow one another.
_PARTS: Final = (
    *("body", "notes", "headers", "macros"),
    *("comments", "endnotes", "boxes", "header boxes"),
)
_STYLES_AT: Final = 0xA2
_CHARACTERS_AT: Final = 0xFA
_PARAGRAPHS_AT: Final = 0x102
_PIECES_AT: Final = 0x1A2
_PAGE_BYTES: Final = 512
_PIECE_TABLE: Final = 2
_PIECE_BYTES: Final = 8
_COMPRESSED: Final = 0x4000_0000
_TITLE_STYLE: Final = 62
_HEADING_STYLES: Final = range(1, 10)
#: What a change to a paragraph or its letters is called, and how long it is.
_IN_TABLE, _ROW_END, _LIST, _DEPTH, _OUTLINE = 0x2416, 0x2417, 0x460B, 0x260A, 0x2640
_DELETED, _HIDDEN = 0x0800, 0x083C
_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_LONG: Final = frozenset({0xD608, 0xD606})
_PLAIN: Final = {
    0x0B: "\n", 0x0C: "\n", 0x0E: "\n", 0x1E: "-", 0x1F: "", 0xA0: " ", 0x09: "\t",
}  # fmt: skip
_FIELD, _FIELD_RESULT, _FIELD_END = "\x13", "\x14", "\x15"
_CELL: Final = "\x07"
_PARAGRAPH_ENDS: Final = "\r\x07\x0c"


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts that end at its paragraphs.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: It is damaged.
        UnsupportedError: It is older than Word 97.
    """
    with opened(files.inputs / params["path"], what=_WHAT) as compound:
        blocks = list(_blocks(_Text.of(compound)))
        metadata = compound.metadata()
    yield from document(
        blocks,
        metadata=metadata,
        engine=ENGINE,
        reason="the file is DOC",
        skip_parts=params.get("skip_pages") or (),
    )


@dataclass(frozen=True, kw_only=True)
class _Change:
    """How paragraphs or letters differ, from one place of the file on."""

    style: int = 0
    changes: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Runs:
    """Changes by the place in the file at which they begin."""

    starts: list[int]
    changes: list[_Change]

    def at(self, place: int) -> _Change:
        """What holds at a place."""
        found = bisect_right(self.starts, place) - 1
        return self.changes[found] if found >= 0 else _Change()


@dataclass(frozen=True)
class _Text:
    """The whole text, each character with its place in the file."""

    letters: str
    places: list[int]
    lengths: dict[str, int]
    paragraphs: _Runs
    characters: _Runs
    levels: dict[int, int]

    @classmethod
    def of(cls, compound: Compound) -> _Text:
        """Read the streams of a document."""
        main = compound.stream("WordDocument")
        if main is None or len(main) < _PIECES_AT + 8:
            raise CorruptError(f"The {_WHAT} is damaged: it has no text part.")
        magic, version = struct.unpack_from("<HH", main)
        (flags,) = struct.unpack_from("<H", main, 0x0A)
        if magic != _MAGIC or version < _WORD_97:
            raise UnsupportedError(
                "This is a document of Word 95 or older, which is not read: save it "
                "with a newer program and upload it again."
            )
        if flags & _ENCRYPTED:
            raise EncryptedError(LOCKED)
        table = compound.stream("1Table" if flags & _SECOND_TABLE else "0Table") or b""
        letters, places = _letters(main, _part(main, table, _PIECES_AT))
        counts = struct.unpack_from(f"<{len(_PARTS)}i", main, _LENGTHS_AT)
        return cls(
            letters,
            places,
            dict(zip(_PARTS, counts, strict=True)),
            _runs(main, _part(main, table, _PARAGRAPHS_AT), of_paragraphs=True),
            _runs(main, _part(main, table, _CHARACTERS_AT), of_paragraphs=False),
            _levels(_part(main, table, _STYLES_AT)),
        )


def _part(main: bytes, table: bytes, at: int) -> bytes:
    start, length = struct.unpack_from("<II", main, at)
    return table[start : start + length]


def _letters(main: bytes, pieces: bytes) -> tuple[str, list[int]]:
    """The text in order: a document that was saved in haste keeps it in pieces."""
    place = 0
    while place + 5 <= len(pieces) and pieces[place] != _PIECE_TABLE:
        place += 3 + struct.unpack_from("<H", pieces, place + 1)[0]
    if place + 5 > len(pieces):
        raise CorruptError(f"The {_WHAT} is damaged: its text cannot be found.")
    (length,) = struct.unpack_from("<I", pieces, place + 1)
    table = pieces[place + 5 : place + 5 + length]
    count = (len(table) - 4) // (4 + _PIECE_BYTES)
    bounds = struct.unpack_from(f"<{count + 1}I", table)
    letters: list[str] = []
    places: list[int] = []
    for number in range(count):
        at = 4 * (count + 1) + _PIECE_BYTES * number + 2
        (start,) = struct.unpack_from("<I", table, at)
        width = 1 if start & _COMPRESSED else 2
        start = (start & ~_COMPRESSED) // 2 if width == 1 else start
        size = min(max(bounds[number + 1] - bounds[number], 0), len(main)) * width
        data = main[start : start + size]
        if width == 1:
            text = data.decode("cp1252", errors="replace")
        else:  # one unit a character, as the document counts
            units = struct.unpack(f"<{len(data) // 2}H", data[: len(data) // 2 * 2])
            text = "".join(map(chr, units))
        letters.append(text)
        places.extend(range(start, start + len(text) * width, width))
        if len(places) > 2 * len(main):
            raise CorruptError(f"The {_WHAT} is damaged: its text repeats itself.")
    return "".join(letters), places


def _runs(main: bytes, table: bytes, *, of_paragraphs: bool) -> _Runs:
    """The pages of changes that a table lists."""
    count = max(0, (len(table) - 4) // 8)
    starts: list[int] = []
    changes: list[_Change] = []
    for number in range(count):
        (page,) = struct.unpack_from("<I", table, 4 * (count + 1) + 4 * number)
        data = main[page * _PAGE_BYTES : (page + 1) * _PAGE_BYTES]
        if len(data) < _PAGE_BYTES:
            continue
        for start, change in _page(data, of_paragraphs=of_paragraphs):
            starts.append(start)
            changes.append(change)
    order = sorted(range(len(starts)), key=starts.__getitem__)
    return _Runs([starts[n] for n in order], [changes[n] for n in order])


def _page(data: bytes, *, of_paragraphs: bool) -> Iterator[tuple[int, _Change]]:
    count = data[-1]
    step = 13 if of_paragraphs else 1
    for number in range(count):
        if 4 * (count + 1) + step * (number + 1) >= _PAGE_BYTES:
            return
        (start,) = struct.unpack_from("<I", data, 4 * number)
        at = 2 * data[4 * (count + 1) + step * number]
        if not 0 < at < _PAGE_BYTES - 1:
            yield start, _Change()
        elif of_paragraphs:
            size = 2 * data[at] - 1 if data[at] else 2 * data[at + 1]
            body = data[at + 1 + (not data[at]) :][:size]
            style = struct.unpack_from("<H", body)[0] if len(body) > 1 else 0
            yield start, _Change(style=style, changes=_changes(body[2:]))
        else:
            yield start, _Change(changes=_changes(data[at + 1 :][: data[at]]))


def _changes(data: bytes) -> dict[int, int]:
    """Changes by name; of long ones only that they are there."""
    found: dict[int, int] = {}
    place = 0
    while place + 3 <= len(data):
        (name,) = struct.unpack_from("<H", data, place)
        place += 2
        size = _SIZES.get(name >> 13)
        if size is None and name in _LONG:
            size = 1 + int.from_bytes(data[place : place + 2], "little")
        elif size is None:
            size = 1 + data[place]
        found[name] = int.from_bytes(data[place : place + min(size, 4)], "little")
        place += size
    return found


def _levels(table: bytes) -> dict[int, int]:
    """Number of a style -> its heading level, by Word's own number for it."""
    levels: dict[int, int] = {}
    if len(table) < 6:  # noqa: PLR2004
        return levels
    (head, count) = struct.unpack_from("<HH", table)
    place = 2 + head
    for style in range(count):
        if place + 4 > len(table):
            break
        size, told = struct.unpack_from("<HH", table, place)
        kind = told & 0x0FFF
        if size and kind in _HEADING_STYLES:
            levels[style] = kind
        elif size and kind == _TITLE_STYLE:
            levels[style] = 1
        place += 2 + size + size % 2
    return levels


def _blocks(text: _Text) -> Iterator[Block]:
    """The body, then text boxes, notes and comments; margins once."""
    bounds = {}
    place = 0
    for name in _PARTS:
        length = max(0, text.lengths[name])
        bounds[name] = (place, place + length)
        place += length
    seen: set[str] = set()
    for block in _paragraphs(text, *bounds["headers"]):
        if block.text not in seen and not block.text.strip(" -/").isdecimal():
            seen.add(block.text)
            yield Block(text=block.text)
    yield from _paragraphs(text, *bounds["body"])
    for name in ("boxes", "notes", "endnotes"):
        yield from _paragraphs(text, *bounds[name])
    for block in _paragraphs(text, *bounds["comments"]):
        yield Block(text=f"Comment: {block.text}")


def _paragraphs(text: _Text, start: int, end: int) -> Iterator[Block]:
    rows: list[list[str]] = []
    row: list[str] = []
    cell: list[str] = []
    for first, last in _spans(text.letters, start, end):
        change = text.paragraphs.at(text.places[last])
        words = _shown(text, first, last)
        is_cell = text.letters[last] == _CELL
        if change.changes.get(_ROW_END):
            if any(row):
                rows.append(row)
            row = []
        elif is_cell or change.changes.get(_IN_TABLE):
            cell.append(words)
            if is_cell:
                row.append(" ".join(" ".join(cell).split()))
                cell = []
        else:
            yield from _table(rows, row)
            rows, row = [], []
            yield from _paragraph(text, change, words)
    yield from _table(rows, row)


def _table(rows: list[list[str]], row: list[str]) -> Iterator[Block]:
    """A table that has ended, with the row that nothing closed."""
    found = [one for one in (*rows, row) if any(one)]
    if found:
        yield table_block(found)


def _spans(letters: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Paragraphs as first and last character; the last one is the mark."""
    end = min(end, len(letters))
    first = start
    for place in range(start, end):
        if letters[place] in _PARAGRAPH_ENDS:
            yield first, place
            first = place + 1
    if first < end:
        yield first, end - 1


def _paragraph(text: _Text, change: _Change, words: str) -> Iterator[Block]:
    words = tidy(words)
    if not words:
        return
    level = text.levels.get(change.style)
    outline = change.changes.get(_OUTLINE)
    if level is None and outline is not None and outline + 1 in _HEADING_STYLES:
        level = outline + 1
    if level is not None:
        words = " ".join(words.split())
        yield Block(text=words, markdown=f"{'#' * min(level, 6)} {words}", level=level)
    elif change.changes.get(_LIST):
        depth = min(change.changes.get(_DEPTH, 0), 8)
        yield Block(text=words, markdown=f"{'  ' * depth}- {words}")
    else:
        yield Block(text=words)


def _shown(text: _Text, first: int, last: int) -> str:
    """The letters of a paragraph that a reader sees, without its mark."""
    shown: list[str] = []
    fields: list[bool] = []
    for place in range(first, last + 1):
        letter = text.letters[place]
        if letter == _FIELD:
            fields.append(True)
        elif letter == _FIELD_RESULT and fields:
            fields[-1] = False
        elif letter == _FIELD_END and fields:
            fields.pop()
        elif not any(fields) and not _is_unseen(text, place):
            shown.append(_PLAIN.get(ord(letter), "" if letter < " " else letter))
    return _joined(shown)


def _is_unseen(text: _Text, place: int) -> bool:
    change = text.characters.at(text.places[place]).changes
    return bool(change.get(_DELETED) or change.get(_HIDDEN))


def _joined(letters: Sequence[str]) -> str:
    """Letters as a text; the two halves of a rare one become one again."""
    text = "".join(letters)
    return text.encode("utf-16-le", errors="surrogatepass").decode(
        "utf-16-le", errors="replace"
    )
