"""DOCX: paragraphs, headings, lists and tables from the archive's own XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.ooxml import core_properties
from prsnl.engines.documents.package import Package, name_of, opened
from prsnl.engines.documents.parts import Block, document, table_block

ENGINE: Final = "docx"
_DOCUMENT: Final = "word/document.xml"
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W_BYTES: Final = _W[1:-1].encode()
#: The same namespace as the strict variant of the format writes it.
_STRICT_BYTES: Final = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
#: Never part of what a reader sees: deleted text, codes of fields, formatting.
_UNSEEN: Final = frozenset(
    {"del", "moveFrom", "instrText", "delText", "pPr", "rPr", "sectPr", "tblPr"}
)
_HEADING_DEPTH: Final = 9


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts that end at its paragraphs.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: The archive or its XML is damaged.
        TooLargeError: It would unpack to more than is read.
    """
    with opened(
        files.inputs / params["path"],
        what="Word document",
        main=_DOCUMENT,
        renames=((_STRICT_BYTES, _W_BYTES),),
    ) as package:
        yield from document(
            list(_blocks(package)),
            metadata=core_properties(package),
            engine=ENGINE,
            reason="the file is DOCX",
            skip_parts=params.get("skip_pages") or (),
        )


@dataclass
class _Styles:
    """What the document's own styles and lists mean.

    Attributes:
        levels: Style id -> heading level, for styles that are headings.
        lists: Style id -> (list id, depth), for styles that are list items.
        numbered: (list id, depth) of lists that count.
    """

    levels: dict[str, int] = field(default_factory=dict)
    lists: dict[str, tuple[str, int]] = field(default_factory=dict)
    numbered: set[tuple[str, int]] = field(default_factory=set)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    def mark(self, place: tuple[str, int]) -> str:
        """The mark of the next item of a list, as Markdown writes it."""
        indent = "  " * place[1]
        if place not in self.numbered:
            return f"{indent}- "
        self.counts[place] = self.counts.get(place, 0) + 1
        for other in self.counts:
            if other[0] == place[0] and other[1] > place[1]:
                self.counts[other] = 0
        return f"{indent}{self.counts[place]}. "


def _styles(package: Package) -> _Styles:
    styles = _Styles()
    root = package.tree("word/styles.xml")
    based = {}
    for style in root.iter(f"{_W}style") if root is not None else ():
        name = str(style.get(f"{_W}styleId"))
        based[name] = _value(style, "basedOn")
        level = _level_of(style)
        if level is not None:
            styles.levels[name] = level
        if place := _list_place(style.find(f"{_W}pPr"), styles, None):
            styles.lists[name] = place
    for name in based:
        _inherit(name, based, styles)
    numbering = package.tree("word/numbering.xml")
    if numbering is not None:
        styles.numbered = _numbered(numbering)
    return styles


def _level_of(style: ET.Element) -> int | None:
    """A heading's level, by the name that Word gives in every language, or outline."""
    called = (_value(style, "name") or "").lower()
    if called == "title":
        return 1
    if called.startswith("heading ") and called[8:].isdecimal():
        return min(int(called[8:]), _HEADING_DEPTH)
    outline = style.find(f"{_W}pPr/{_W}outlineLvl")
    return None if outline is None else _outline_level(outline)


def _outline_level(outline: ET.Element) -> int | None:
    told = outline.get(f"{_W}val") or ""
    deep = told.isdecimal() and int(told) < _HEADING_DEPTH
    return int(told) + 1 if deep else None


def _inherit(name: str, based: dict[str, str | None], styles: _Styles) -> None:
    seen = {name}
    parent = based.get(name)
    while parent and parent not in seen:
        if name not in styles.levels and parent in styles.levels:
            styles.levels[name] = styles.levels[parent]
        if name not in styles.lists and parent in styles.lists:
            styles.lists[name] = styles.lists[parent]
        seen.add(parent)
        parent = based.get(parent)


def _numbered(root: ET.Element) -> set[tuple[str, int]]:
    counting: dict[str, set[int]] = {}
    for abstract in root.iter(f"{_W}abstractNum"):
        counting[str(abstract.get(f"{_W}abstractNumId"))] = {
            int(level.get(f"{_W}ilvl") or 0)
            for level in abstract.iter(f"{_W}lvl")
            if (_value(level, "numFmt") or "bullet") not in {"bullet", "none"}
        }
    return {
        (str(number.get(f"{_W}numId")), depth)
        for number in root.iter(f"{_W}num")
        for depth in counting.get(_value(number, "abstractNumId") or "", ())
    }


def _value(element: ET.Element, name: str) -> str | None:
    child = element.find(f"{_W}{name}")
    return None if child is None else child.get(f"{_W}val")


def _blocks(package: Package) -> Iterator[Block]:
    """Headers once, the body, then footnotes, comments, and footers once."""
    styles = _styles(package)
    yield from _margins(package, "word/header", styles)
    for _, element in package.elements(package.main, "body"):
        yield from _block(element, styles)
    for name in ("word/footnotes.xml", "word/endnotes.xml"):
        root = package.tree(name)
        if root is not None:
            yield from _children(root, styles)
    comments = package.tree("word/comments.xml")
    for comment in comments if comments is not None else ():
        words = " ".join(block.text for block in _children(comment, styles))
        if words:
            yield Block(text=f"Comment: {words}")
    yield from _margins(package, "word/footer", styles)


def _margins(package: Package, prefix: str, styles: _Styles) -> Iterator[Block]:
    """What stands in the margin of every page, said once."""
    told = set()
    for name in sorted(package.names):
        if name.startswith(prefix) and name.endswith(".xml"):
            root = package.tree(name)
            for block in _children(root, styles) if root is not None else ():
                if block.text not in told and not block.text.strip(" -/").isdecimal():
                    told.add(block.text)
                    yield block


def _block(element: ET.Element, styles: _Styles) -> Iterator[Block]:
    if element.tag == f"{_W}p":
        yield from _paragraph(element, styles)
    elif element.tag == f"{_W}tbl":
        rows = [list(_cells(row, styles)) for row in _rows(element)]
        rows = [row for row in rows if any(row)]
        if rows:
            yield table_block(rows)
    elif name_of(element) not in _UNSEEN:
        yield from _children(element, styles)


def _children(element: ET.Element, styles: _Styles) -> Iterator[Block]:
    for child in element:
        yield from _block(child, styles)


def _rows(table: ET.Element) -> Iterator[ET.Element]:
    for child in table:
        if child.tag == f"{_W}tr":
            yield child
        elif name_of(child) in {"sdt", "sdtContent", "ins", "customXml"}:
            yield from _rows(child)


def _cells(row: ET.Element, styles: _Styles) -> Iterator[str]:
    for child in row:
        if child.tag == f"{_W}tc":
            words = " ".join(block.text for block in _children(child, styles))
            yield " ".join(words.split())
        elif name_of(child) in {"sdt", "sdtContent", "ins", "customXml"}:
            yield from _cells(child, styles)


def _paragraph(element: ET.Element, styles: _Styles) -> Iterator[Block]:
    boxes: list[ET.Element] = []
    text = tidy("".join(_runs(element, boxes)))
    properties = element.find(f"{_W}pPr")
    style = "" if properties is None else _value(properties, "pStyle") or ""
    if text:
        level = styles.levels.get(style)
        if level is None and properties is not None:
            outline = properties.find(f"{_W}outlineLvl")
            level = None if outline is None else _outline_level(outline)
        place = _list_place(properties, styles, style)
        if level is not None:
            text = " ".join(text.split())
            yield Block(
                text=text, markdown=f"{'#' * min(level, 6)} {text}", level=level
            )
        elif place is not None:
            yield Block(text=text, markdown=styles.mark(place) + text)
        else:
            yield Block(text=text)
    for box in boxes:
        yield from _children(box, styles)


def _list_place(
    properties: ET.Element | None, styles: _Styles, style: str | None
) -> tuple[str, int] | None:
    """The list and the depth of an item; None for what is none."""
    own = None if properties is None else properties.find(f"{_W}numPr")
    inherited = styles.lists.get(style) if style else None
    if own is None:
        return inherited
    number = _value(own, "numId") or (inherited[0] if inherited else "0")
    depth = _value(own, "ilvl") or "0"
    if number == "0" or not depth.isdecimal():
        return None
    return number, min(int(depth), _HEADING_DEPTH)


def _runs(element: ET.Element, boxes: list[ET.Element]) -> Iterator[str]:
    """The words of a paragraph; text boxes in it are put aside for later."""
    for child in element:
        name = name_of(child)
        if name in _UNSEEN:
            continue
        if name == "t":
            yield child.text or ""
        elif name == "txbxContent":
            boxes.append(child)
        elif name == "AlternateContent":
            choice = child.find(f"{_MC}Choice")
            yield from _runs(child[0] if choice is None else choice, boxes)
        elif name == "sym":
            yield _symbol(child)
        elif name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif not (name == "r" and _is_hidden(child)):
            yield from _runs(child, boxes)


_CHARACTERS: Final = {
    "tab": "\t",
    "ptab": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "-",
    "softHyphen": "",
}


def _symbol(element: ET.Element) -> str:
    """A symbol outside the private area, where fonts differ."""
    try:
        code = int(element.get(f"{_W}char") or "", 16)
    except ValueError:
        return ""
    return "" if 0xE000 <= code <= 0xF8FF or code > 0xFFFF else chr(code)  # noqa: PLR2004


def _is_hidden(run: ET.Element) -> bool:
    vanish = run.find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and vanish.get(f"{_W}val") not in {"0", "false", "off"}
