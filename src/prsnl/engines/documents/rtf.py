"""RTF: its words, lists, tables, notes and properties, by its own small parser."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.parts import Block, document, table_block

ENGINE: Final = "rtf"
_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?"  # a word
    rb"|\\'([0-9a-fA-F]{2})"  # a byte
    rb"|\\([^a-zA-Z])"  # a symbol
    rb"|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.DOTALL,
)
#: Groups that no reader sees.
_UNSEEN: Final = frozenset(
    (
        *("fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable"),
        *("pict", "object", "objdata", "fldinst", "themedata", "colorschememapping"),
        *("datastore", "latentstyles", "xmlnstbl", "rsidtbl", "generator", "filetbl"),
        *("revtbl", "atnid", "atnauthor", "atnref", "atndate", "mmathPr", "private"),
        *("bkmkstart", "bkmkend", "xe", "tc", "tcn", "nonshppict", "falt"),
        *("panose", "pntext", "pntxta", "pntxtb", "listname", "template", "userprops"),
        *("ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "ftncn", "aftncn"),
        *("wgrffmtfilter", "protusertbl", "sp", "mhtmltag"),
    )
)  # fmt: skip
#: Groups whose words are told in a place of their own.
_ASIDE: Final = {
    "footnote": "note",
    "annotation": "comment",
    "header": "header",
    "headerl": "header",
    "headerr": "header",
    "headerf": "header",
    "footer": "footer",
    "footerl": "footer",
    "footerr": "footer",
    "footerf": "footer",
}
_PROPERTIES: Final = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "doccomm": "description",
}
_CHARACTERS: Final = {
    "tab": "\t",
    "line": "\n",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "endash": "\u2013",
    "emdash": "\u2014",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
}
_SYMBOLS: Final = {b"~": "\u00a0", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\"}
#: Windows' numbers of character sets -> encodings.
_CHARSETS: Final = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256",
    186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
#: Which system's letters a document of old has.
_SYSTEMS: Final = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
#: Groups that are nothing themselves: their words are read.
_TRANSPARENT: Final = frozenset(
    {"field", "fldrslt", "shptxt", "ud", "shppict", "shp", "shpinst"}
)
_HEADING: Final = re.compile(r"heading (\d)\b", re.IGNORECASE)
_HEADING_DEPTH: Final = 9
_SURROGATES: Final = range(0xD800, 0xE000)


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts that end at its paragraphs.

    Raises:
        CorruptError: It is no RTF.
        TooLargeError: Its groups are nested deeper than people write.
    """
    data = (files.inputs / params["path"]).read_bytes()
    blocks, metadata = parsed(data)
    yield from document(
        blocks,
        metadata=metadata,
        engine=ENGINE,
        reason="the file is RTF",
        skip_parts=params.get("skip_pages") or (),
    )


def parsed(data: bytes) -> tuple[list[Block], dict[str, str]]:
    """The blocks of a document, and what it says of itself."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise CorruptError("The file is no RTF: it does not begin as one.")
    reader = _Reader()
    place = 0
    while match := _TOKEN.match(data, place):
        place = match.end()
        if match.group(1) == b"bin":  # so many bytes follow that are no RTF
            place += max(0, int(match.group(2) or 0))
        else:
            reader.take(match)
    reader.finish()
    return reader.blocks(), reader.metadata


@dataclass
class _Group:
    """What holds until the group ends."""

    #: Where its words go: "body", "note", ..., "style", "property", "" for nowhere.
    goes: str = "body"
    font: int = 0
    is_hidden: bool = False
    is_deleted: bool = False
    #: How many bytes stand for a character that \u has told already.
    fallback: int = 1
    #: The name of the property or the style's number that the words are for.
    name: str = ""


@dataclass
class _Paragraph:
    """What is known of the paragraph under way."""

    style: int = 0
    outline: int | None = None
    is_list: bool = False
    depth: int = 0
    in_table: bool = False


@dataclass
class _Reader:
    """Takes token after token."""

    metadata: dict[str, str] = field(default_factory=dict)
    _groups: list[_Group] = field(default_factory=lambda: [_Group()])
    _paragraph: _Paragraph = field(default_factory=_Paragraph)
    _words: dict[str, list[str]] = field(default_factory=dict)
    _body: list[Block] = field(default_factory=list)
    _aside: dict[str, list[Block]] = field(default_factory=dict)
    _row: list[str] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)
    _bytes: bytearray = field(default_factory=bytearray)
    _encoding: str = "cp1252"
    _encodings: dict[int, str] = field(default_factory=dict)
    _levels: dict[int, int] = field(default_factory=dict)
    _skip: int = 0
    _high: int = 0
    _is_optional: bool = False
    _default_font: int = 0
    _stamp: str = ""
    _moment: list[int] = field(default_factory=list)

    def take(self, match: re.Match[bytes]) -> None:
        """Do what one token says."""
        word, number, byte, symbol, brace, text = match.groups()
        if word:
            self._word(word.decode("ascii"), None if number is None else int(number))
        elif byte:
            self._raw(bytes([int(byte, 16)]))
        elif symbol:
            self._symbol(symbol)
        elif brace == b"{":
            self._flush()
            if len(self._groups) > limits.NESTING:
                raise TooLargeError(
                    f"The groups of this RTF lie more than {limits.NESTING} deep in "
                    "one another, deeper than people write: it is not read."
                )
            self._groups.append(replace(self._groups[-1]))
            self._is_optional = False
            self._skip = 0
        elif brace:
            self._close()
        elif text:
            self._raw(text)

    def finish(self) -> None:
        """Close what the file left open."""
        while len(self._groups) > 1:
            self._close()
        self._flush()
        self._end_paragraph()
        self._end_table()

    def blocks(self) -> list[Block]:
        """Headers once, the body, notes, comments, and footers once."""
        found = []
        for place in ("header", None, "note", "comment", "footer"):
            blocks = self._body if place is None else self._aside.get(place, [])
            seen: set[str] = set()
            for block in blocks:
                if place in {"header", "footer"}:
                    if block.text in seen or block.text.strip(" -/").isdecimal():
                        continue
                    seen.add(block.text)
                found.append(block)
        return found

    @property
    def _group(self) -> _Group:
        return self._groups[-1]

    def _raw(self, data: bytes) -> None:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        self._bytes += data

    def _flush(self) -> None:
        """Decode the bytes that have come since the last change."""
        if self._bytes:
            encoding = self._encodings.get(self._group.font, self._encoding)
            data, self._bytes = bytes(self._bytes), bytearray()
            self._say(data.decode(encoding, errors="replace"))

    def _say(self, text: str) -> None:
        group = self._group
        if group.goes and not group.is_hidden and not group.is_deleted:
            self._words.setdefault(group.goes, []).append(text)

    def _close(self) -> None:
        self._flush()
        if len(self._groups) == 1:
            return
        group = self._groups.pop()
        self._skip = 0
        if group.goes == self._group.goes:
            return
        words = "".join(self._words.pop(group.goes, [])) if group.goes else ""
        if group.goes == "property":
            if told := " ".join(words.split()):
                self.metadata[group.name] = told
        elif group.goes == "style":
            if found := _HEADING.search(words):
                self._levels[int(group.name)] = int(found.group(1))
        elif group.goes in {"note", "comment", "header", "footer"}:
            self._set_aside(group.goes, words)

    def _set_aside(self, place: str, words: str) -> None:
        for one in words.split("\n\n"):
            if text := tidy(one):
                shown = f"Comment: {text}" if place == "comment" else text
                self._aside.setdefault(place, []).append(Block(text=shown))

    def _symbol(self, symbol: bytes) -> None:
        self._flush()
        if symbol == b"*":
            self._is_optional = True
        elif symbol in b"\r\n":
            self._word("par", None)
        elif symbol in _SYMBOLS:
            self._say(_SYMBOLS[symbol])

    def _word(self, word: str, number: int | None) -> None:
        if word == "u" and number is not None:
            self._flush()
            self._unicode(number % 0x10000)
            return
        self._flush()
        is_optional, self._is_optional = self._is_optional, False
        if word in _CHARACTERS:
            self._say(_CHARACTERS[word])
        elif word in _UNSEEN:
            self._leave_out(word)
        elif word in _ASIDE and self._group.goes:
            self._group.goes = _ASIDE[word]
        elif word in _PROPERTIES and self._group.goes == "info":
            self._group.goes, self._group.name = "property", _PROPERTIES[word]
        elif not self._state(word, number) and is_optional:
            self._group.goes = ""

    def _leave_out(self, word: str) -> None:
        if word in {"stylesheet", "fonttbl"}:
            self._group.goes = word
        else:
            self._group.goes = ""

    def _unicode(self, code: int) -> None:
        self._skip = self._group.fallback
        if code in _SURROGATES:
            if code < 0xDC00:  # noqa: PLR2004 - the first half of a pair
                self._high = code
                return
            code = 0x10000 + ((self._high - 0xD800) << 10) + (code - 0xDC00)
            if not 0x10000 <= code <= 0x10FFFF:  # noqa: PLR2004 - a half alone
                return
        self._say(chr(code))

    def _state(self, word: str, number: int | None) -> bool:
        """Take what changes a state; tell whether the word was known."""
        return (
            self._structure(word)
            or self._paragraph_state(word, number or 0)
            or self._letter_state(word, number)
            or self._document_state(word, number or 0)
            or word in _TRANSPARENT
        )

    def _structure(self, word: str) -> bool:
        match word:
            case "par" | "sect" | "page":
                self._paragraph_mark()
            case "cell" | "nestcell":
                self._end_cell()
            case "row" | "nestrow":
                self._end_row()
            case "listtext":
                self._group.goes = ""
                self._paragraph.is_list = True
            case "info":
                self._group.goes = "info"
            case _:
                return False
        return True

    def _paragraph_state(self, word: str, value: int) -> bool:
        told = self._paragraph
        match word:
            case "pard":
                self._paragraph = _Paragraph()
            case "intbl":
                told.in_table = True
            case "s":
                self._style(value)
            case "outlinelevel":
                told.outline = value
            case "ls" | "pnlvlblt" | "pnlvlbody":
                told.is_list = True
            case "ilvl":
                told.depth = min(max(value, 0), _HEADING_DEPTH)
            case _:
                return False
        return True

    def _letter_state(self, word: str, number: int | None) -> bool:
        group = self._group
        match word:
            case "f":
                group.font = number or 0
            case "uc":
                group.fallback = min(max(number or 0, 0), 10)
            case "v":
                group.is_hidden = number != 0
            case "deleted":
                group.is_deleted = number != 0
            case "plain":
                group.is_hidden = group.is_deleted = False
                group.font = self._default_font
            case _:
                return False
        return True

    def _document_state(self, word: str, value: int) -> bool:
        match word:
            case "fcharset" if value in _CHARSETS:
                self._encodings[self._group.font] = _CHARSETS[value]
            case "ansicpg":
                self._encoding = _known(f"cp{value}")
            case "mac" | "pc" | "pca":
                self._encoding = _SYSTEMS[word]
            case "deff":
                self._default_font = value
            case "creatim" | "revtim":
                self._stamp = {"creatim": "created_at", "revtim": "modified_at"}[word]
                self._moment = []
            case "yr" | "mo" | "dy":
                self._date(value)
            case _:
                return False
        return True

    def _style(self, number: int) -> None:
        if self._group.goes in {"stylesheet", "style"}:
            self._group.goes, self._group.name = "style", str(number)
        else:
            self._paragraph.style = number

    def _date(self, value: int) -> None:
        self._moment.append(value)
        if len(self._moment) == 3 and self._stamp:  # noqa: PLR2004
            year, month, day = self._moment
            self.metadata[self._stamp] = f"{year:04}-{month:02}-{day:02}"
            self._stamp = ""

    def _paragraph_mark(self) -> None:
        goes = self._group.goes
        if goes != "body":
            if goes:
                self._words.setdefault(goes, []).append("\n\n")
        elif self._paragraph.in_table:
            self._words.setdefault("body", []).append("\n")
        else:
            self._end_paragraph()

    def _end_paragraph(self) -> None:
        self._end_table()
        text = tidy("".join(self._words.pop("body", [])))
        if not text:
            return
        told = self._paragraph
        level = self._levels.get(told.style)
        if level is None and told.outline is not None:
            level = told.outline + 1 if 0 <= told.outline < _HEADING_DEPTH else None
        if level is not None:
            text = " ".join(text.split())
            level = min(max(level, 1), _HEADING_DEPTH)
            block = Block(
                text=text, markdown=f"{'#' * min(level, 6)} {text}", level=level
            )
        elif told.is_list:
            block = Block(text=text, markdown=f"{'  ' * told.depth}- {text}")
        else:
            block = Block(text=text)
        self._body.append(block)

    def _end_cell(self) -> None:
        if self._group.goes == "body":
            words = "".join(self._words.pop("body", []))
            self._row.append(" ".join(tidy(words).split()))

    def _end_row(self) -> None:
        if any(self._row):
            self._rows.append(self._row)
        self._row = []

    def _end_table(self) -> None:
        self._end_row()
        if self._rows:
            rows, self._rows = self._rows, []
            self._body.append(table_block(rows))


def _known(encoding: str) -> str:
    try:
        return codecs.lookup("utf-8" if encoding == "cp65001" else encoding).name
    except LookupError:
        return "cp1252"
