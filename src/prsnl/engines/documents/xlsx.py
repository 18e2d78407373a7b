"""XLSX: cells as they are shown, sheet by sheet; never a grid of empty ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from prsnl.engines import limits
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.number_formats import BUILT_IN, general, shown
from prsnl.engines.documents.ooxml import core_properties, drawn_text
from prsnl.engines.documents.package import (
    Package,
    Related,
    child,
    descendants,
    name_of,
    opened,
)
from prsnl.engines.documents.parts import Block
from prsnl.engines.documents.sheets import Sheet, workbook

ENGINE: Final = "xlsx"
_MAIN: Final = "xl/workbook.xml"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMNS: Final = 16_384
_LETTERS: Final = 26


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the workbook; a formula is its last result.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: The archive or its XML is damaged.
        TooLargeError: It would unpack to more than is read.
    """
    with opened(files.inputs / params["path"], what="workbook", main=_MAIN) as package:
        yield from workbook(
            _sheets(package),
            metadata=core_properties(package),
            engine=ENGINE,
            reason="the file is XLSX",
            skip_parts=params.get("skip_pages") or (),
        )


def _sheets(package: Package) -> Iterator[Sheet]:
    related = package.related(package.main)
    root = package.tree(package.main)
    book = _Book(package)
    properties = child(root, "workbookPr")
    told = None if properties is None else properties.get("date1904")
    book.from_1904 = told in {"1", "true"}
    for one in descendants(child(root, "sheets"), "sheet"):
        identity = next((v for k, v in one.items() if k.endswith("}id")), "")
        target = related.get(identity, Related("", "")).target
        if target in package.names:
            yield Sheet(
                name=one.get("name") or "",
                rows=book.rows(target),
                is_hidden=one.get("state") in {"hidden", "veryHidden"},
                beside=_beside(package, target),
            )


@dataclass
class _Book:
    """What all sheets share: texts that cells refer to, and formats."""

    package: Package
    from_1904: bool = False
    _strings: list[str] = field(default_factory=list)
    _codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        folder = self.package.main.rpartition("/")[0]
        named = {
            one.kind: one.target
            for one in self.package.related(self.package.main).values()
        }
        strings = named.get("sharedStrings", f"{folder}/sharedStrings.xml")
        if strings in self.package.names:
            self._strings = [
                _string(one) for _, one in self.package.elements(strings, "sst")
            ]
        self._codes = _codes(
            self.package.tree(named.get("styles", f"{folder}/styles.xml"))
        )

    def rows(self, name: str) -> Iterator[list[str]]:
        """The rows that have cells, from column A."""
        for _, row in self.package.elements(name, "sheetData"):
            cells: list[str] = []
            for one in row:
                place = _column(one.get("r"), len(cells))
                # An empty cell costs a tab: far ones stand behind a few only.
                gap = min(place - len(cells), limits.TABLE_COLUMNS)
                cells += [""] * gap
                cells.append(self._shown(one))
            yield cells

    def _shown(self, cell: ET.Element) -> str:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return _string(child(cell, "is"))
        found = child(cell, "v")
        value = "" if found is None else found.text or ""
        match kind:
            case "s":
                known = value.isdecimal() and int(value) < len(self._strings)
                return self._strings[int(value)] if known else ""
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(value, value)
            case "n":
                return self._number(value, cell.get("s") or "0")
            case "d":
                return value.replace("T", " ")
            case _:
                return _unescaped(value)

    def _number(self, value: str, style: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return value
        known = style.isdecimal() and int(style) < len(self._codes)
        code = self._codes[int(style)] if known else "General"
        try:
            return shown(number, code, from_1904=self.from_1904)
        except (ValueError, OverflowError):
            return general(number)


def _string(element: ET.Element | None) -> str:
    """A text of one or several formats; how it is pronounced is left out."""
    words = []
    for one in element if element is not None else ():
        if name_of(one) == "t":
            words.append(one.text or "")
        elif name_of(one) == "r":
            words += [text.text or "" for text in one if name_of(text) == "t"]
    return _unescaped("".join(words))


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def _codes(root: ET.Element | None) -> list[str]:
    """The format of each cell style, by its number."""
    own = {
        one.get("numFmtId"): one.get("formatCode") or "General"
        for one in descendants(child(root, "numFmts"), "numFmt")
    }
    codes = []
    for style in child(root, "cellXfs") or ():
        number = style.get("numFmtId") or "0"
        built_in = BUILT_IN.get(int(number), "General") if number.isdecimal() else None
        codes.append(own.get(number) or built_in or "General")
    return codes


def _column(reference: str | None, following: int) -> int:
    """The column of a cell, from 0; the one that follows where none is told."""
    found = _REFERENCE.match(reference or "")
    if not found:
        return following
    number = 0
    for letter in found.group(1):
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return max(following, min(number, _COLUMNS) - 1)


def _beside(package: Package, sheet: str) -> Iterator[Block]:
    """Comments, and the words of text boxes and charts' titles."""
    for one in package.related(sheet).values():
        if one.kind in {"comments", "threadedComment"}:
            root = package.tree(one.target)
            yield from _comments(root)
        elif one.kind == "drawing":
            root = package.tree(one.target)
            words = [tidy(drawn_text(p)) for p in descendants(root, "p")]
            if text := "\n".join(filter(None, words)):
                yield Block(text=text)


def _comments(root: ET.Element | None) -> Iterator[Block]:
    for name in ("comment", "threadedComment"):
        for one in descendants(root, name):
            text = child(one, "text")
            words = _string(text) or ("" if text is None else text.text or "")
            if words.strip() and not words.startswith("[Threaded comment]"):
                yield Block(text=f"{one.get('ref') or ''}: {tidy(words)}")
