"""XLS: the workbooks of Excel 5 to 2003, cells as they are shown ([MS-XLS])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from prsnl.core.errors import CorruptError, EncryptedError
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import LOCKED
from prsnl.engines.documents.number_formats import BUILT_IN, general, shown
from prsnl.engines.documents.ole import VERSION, opened
from prsnl.engines.documents.shared_strings import Strings, text_of
from prsnl.engines.documents.sheets import Sheet, workbook

ENGINE: Final = f"xls by {VERSION}"
_WHAT: Final = "workbook"
# Records, by the numbers of [MS-XLS].
_BEGIN, _END, _SHEET, _CONTINUE, _LOCKED = 0x809, 0x0A, 0x85, 0x3C, 0x2F
_STRINGS, _FORMAT, _STYLE, _FROM_1904, _CODEPAGE = 0xFC, 0x41E, 0xE0, 0x22, 0x42
_SHARED, _LABEL, _RICH, _NUMBER, _RK = 0xFD, 0x204, 0xD6, 0x203, 0x27E
_RKS, _FORMULA, _STRING, _BOOLEAN = 0xBD, 0x06, 0x207, 0x205
_CELLS: Final = frozenset({_SHARED, _LABEL, _RICH, _NUMBER, _RK, _FORMULA, _BOOLEAN})
_EXCEL_97: Final = 0x600
_WORKSHEET: Final = 0
_ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_NOT_A_NUMBER: Final = b"\xff\xff"
_CELL_HEAD: Final = struct.Struct("<HHH")


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the workbook; a formula is its last result.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: It is damaged.
    """
    with opened(files.inputs / params["path"], what=_WHAT) as compound:
        data = compound.stream("Workbook") or compound.stream("Book")
        if not data:
            raise CorruptError(f"The {_WHAT} is damaged: it has no sheets.")
        book = _Book.of(data)
        yield from workbook(
            book.sheets(),
            metadata=compound.metadata(),
            engine=ENGINE,
            reason="the file is XLS",
            skip_parts=params.get("skip_pages") or (),
        )


@dataclass(frozen=True)
class _Listed:
    """A sheet as the workbook lists it."""

    name: str
    place: int
    is_hidden: bool


@dataclass
class _Book:
    """What all sheets share."""

    data: bytes
    #: None for Excel 97 and later, whose texts tell their own letters.
    encoding: str | None = None
    from_1904: bool = False
    listed: list[_Listed] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    formats: dict[int, str] = field(default_factory=dict)
    styles: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes) -> _Book:
        """Read what stands before the first sheet."""
        book = cls(data)
        segments: list[bytes] = []
        for kind, body in _records(data, 0):
            if kind == _CONTINUE and segments:
                segments.append(body)
                continue
            if segments:
                book.strings = list(Strings(segments).all())
                segments = []
            if kind == _STRINGS:
                segments = [body]
            else:
                book._take(kind, body)
        return book

    def sheets(self) -> Iterator[Sheet]:
        """The sheets that hold cells."""
        for one in self.listed:
            yield Sheet(
                name=one.name, rows=self._rows(one.place), is_hidden=one.is_hidden
            )

    def _take(self, kind: int, body: bytes) -> None:
        match kind:
            case _ if kind == _LOCKED:
                raise EncryptedError(LOCKED)
            case _ if kind == _BEGIN and struct.unpack_from("<H", body)[0] < _EXCEL_97:
                self.encoding = "cp1252"
            case _ if kind == _CODEPAGE and self.encoding:
                self.encoding = _known(struct.unpack_from("<H", body)[0])
            case _ if kind == _FROM_1904:
                self.from_1904 = struct.unpack_from("<H", body)[0] == 1
            case _ if kind == _STYLE:
                self.styles.append(struct.unpack_from("<H", body, 2)[0])
            case _ if kind == _FORMAT:
                (number,) = struct.unpack_from("<H", body)
                is_short = self.encoding is not None
                self.formats[number] = self._text(body[2:], is_short=is_short)
            case _ if kind == _SHEET:
                place, state, what = struct.unpack_from("<IBB", body)
                if what == _WORKSHEET:
                    name = self._text(body[6:], is_short=True)
                    self.listed.append(_Listed(name, place, state & 3 != 0))
            case _:
                pass

    def _text(self, body: bytes, *, is_short: bool = False) -> str:
        return text_of(body, is_short=is_short, encoding=self.encoding)

    def _rows(self, place: int) -> Iterator[list[str]]:
        current, cells = -1, list[str]()
        for row, column, words in self._cells(place):
            if row != current:
                yield cells
                current, cells = row, []
            cells += [""] * (column - len(cells))
            cells.append(words)
        yield cells

    def _cells(self, place: int) -> Iterator[tuple[int, int, str]]:
        """Row, column and words of each cell, in the order of the file."""
        waiting: tuple[int, int] | None = None
        for kind, body in _records(self.data, place):
            if kind == _STRING and waiting:
                yield (*waiting, self._text(body))
            elif kind == _RKS:
                yield from self._numbers(body)
            elif kind in _CELLS and len(body) > _CELL_HEAD.size:
                row, column, style = _CELL_HEAD.unpack_from(body)
                rest = body[_CELL_HEAD.size :]
                words = self._words(kind, rest, style)
                if kind == _FORMULA and rest[:1] == b"\0" and _is_no_number(rest):
                    waiting = (row, column)  # its text is in a record of its own
                    continue
                yield row, column, words
            waiting = None if kind in _CELLS or kind == _STRING else waiting

    def _numbers(self, body: bytes) -> Iterator[tuple[int, int, str]]:
        row, first = struct.unpack_from("<HH", body)
        for number in range((len(body) - 6) // 6):
            style, value = struct.unpack_from("<HI", body, 4 + 6 * number)
            yield row, first + number, self._shown(_unpacked(value), style)

    def _words(self, kind: int, body: bytes, style: int) -> str:
        if kind == _SHARED:
            (number,) = struct.unpack_from("<I", body)
            return self.strings[number] if number < len(self.strings) else ""
        if kind in {_LABEL, _RICH}:
            return self._text(body)
        if kind == _BOOLEAN:
            return _boolean(body[0], is_error=body[1:2] == b"\1")
        if kind == _RK:
            return self._shown(_unpacked(struct.unpack_from("<I", body)[0]), style)
        if kind == _FORMULA and _is_no_number(body):
            return "" if body[0] in {0, 3} else _boolean(body[2], is_error=body[0] == 2)  # noqa: PLR2004
        return self._shown(struct.unpack_from("<d", body)[0], style)

    def _shown(self, value: float, style: int) -> str:
        number = self.styles[style] if style < len(self.styles) else 0
        code = self.formats.get(number) or BUILT_IN.get(number) or "General"
        try:
            return shown(value, code, from_1904=self.from_1904)
        except (ValueError, OverflowError):
            return general(value)


def _records(data: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """The records of one part, to its end; a chart within a sheet is stepped over."""
    depth = 0
    while place + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, place)
        place += 4
        depth += kind == _BEGIN
        if depth <= 1:
            yield kind, data[place : place + size]
        place += size
        if kind == _END:
            depth -= 1
            if depth <= 0:
                return


def _is_no_number(result: bytes) -> bool:
    return result[6:8] == _NOT_A_NUMBER


def _boolean(value: int, *, is_error: bool) -> str:
    return _ERRORS.get(value, "#ERROR!") if is_error else str(bool(value)).upper()


def _unpacked(told: int) -> float:
    """A number in 30 bits: the upper ones of a float, or an integer, or a 100th."""
    if told & 2:
        signed = struct.unpack("<i", struct.pack("<I", told))[0]
        value = float(signed >> 2)
    else:
        (value,) = struct.unpack("<d", struct.pack("<Q", (told & ~3) << 32))
    return value / 100 if told & 1 else value


def _known(codepage: int) -> str:
    named = {1200: "utf-16-le", 10000: "mac_roman", 32768: "mac_roman"}
    encoding = named.get(codepage, f"cp{codepage}")
    try:
        "".encode(encoding)
    except LookupError:
        return "cp1252"
    return encoding
