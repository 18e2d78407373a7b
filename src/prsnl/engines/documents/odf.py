"""ODT, ODS and ODP: OpenDocument's one format for texts, sheets and slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypedDict
from xml.etree import ElementTree as ET

from prsnl.core.errors import EncryptedError
from prsnl.engines import limits
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import LOCKED
from prsnl.engines.documents.package import (
    Package,
    attribute,
    child,
    descendants,
    name_of,
    opened,
)
from prsnl.engines.documents.parts import Block, document, paged, table_block
from prsnl.engines.documents.sheets import Sheet, workbook

_MAIN: Final = "content.xml"
_NAMES: Final = {
    "odt": "OpenDocument text",
    "ods": "OpenDocument spreadsheet",
    "odp": "OpenDocument presentation",
}
#: What no reader sees: what was deleted, and how things look.
_UNSEEN: Final = frozenset(
    {"tracked-changes", "sequence-decls", "forms", "variable-decls", "settings"}
)
_PROPERTIES: Final = {
    "title": "title",
    "subject": "subject",
    "description": "description",
    "keyword": "keywords",
    "initial-creator": "author",
    "creator": "author",
    "creation-date": "created_at",
    "date": "modified_at",
    "language": "language",
}
_HEADING_DEPTH: Final = 9
_SPACES: Final = 100


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a text in parts, a presentation by its slides, a workbook by its sheets.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: The archive or its XML is damaged.
        TooLargeError: It would unpack to more than is read.
    """
    kind = str(params["kind"])
    with opened(
        files.inputs / params["path"], what=_NAMES[kind], main=_MAIN
    ) as package:
        _refuse_locked(package)
        told = _Told(
            metadata=_metadata(package),
            engine=kind,
            reason=f"the file is {kind.upper()}",
            skip_parts=params.get("skip_pages") or (),
        )
        if kind == "ods":
            yield from workbook(_sheets(package), **told)
        elif kind == "odp":
            yield from paged(list(_slides(package)), **told)
        else:
            yield from document(list(_text(package)), **told)


class _Told(TypedDict):
    """What is told of a document of any kind."""

    metadata: dict[str, str]
    engine: str
    reason: str
    skip_parts: Sequence[int]


def _refuse_locked(package: Package) -> None:
    root = package.tree("META-INF/manifest.xml")
    if next(descendants(root, "encryption-data"), None) is not None:
        raise EncryptedError(LOCKED)


def _metadata(package: Package) -> dict[str, str]:
    told: dict[str, str] = {}
    root = child(package.tree("meta.xml"), "meta")
    for element in root if root is not None else ():
        key = _PROPERTIES.get(name_of(element))
        words = " ".join((element.text or "").split())
        if not key or not words:
            continue
        if key == "keywords" and key in told:
            told[key] = f"{told[key]}, {words}"
        else:
            told.setdefault(key, words)
    return told


@dataclass
class _Reader:
    """Turns elements into blocks.

    Attributes:
        numbered: List styles that count, with the depths at which they do.
        notes: Footnotes and endnotes met so far, to be told at the end.
        comments: What was written beside the text.
    """

    numbered: set[tuple[str, int]] = field(default_factory=set)
    notes: list[Block] = field(default_factory=list)
    comments: list[Block] = field(default_factory=list)

    def blocks(self, element: ET.Element) -> Iterator[Block]:
        """The blocks of one element of a body."""
        match name_of(element):
            case "h":
                yield from self._heading(element)
            case "p":
                yield from self._paragraph(element)
            case "list":
                yield from self._list(element, style=None, depth=0)
            case "table":
                rows = [row for row in self.rows(element) if any(row)]
                if rows:
                    yield table_block(rows)
            case "annotation":
                self._comment(element)
            case name if name not in _UNSEEN:
                yield from self.children(element)
            case _:
                pass

    def children(self, element: ET.Element) -> Iterator[Block]:
        """The blocks of all that an element holds."""
        for one in element:
            yield from self.blocks(one)

    def words(self, element: ET.Element) -> str:
        """The words of a cell or a frame, on one line."""
        return " ".join(" ".join(b.text for b in self.children(element)).split())

    def _heading(self, element: ET.Element) -> Iterator[Block]:
        boxes: list[ET.Element] = []
        text = " ".join("".join(self._inline(element, boxes)).split())
        told = attribute(element, "outline-level") or ""
        level = int(told) if told.isdecimal() and len(told) < 3 else 1  # noqa: PLR2004
        level = min(max(level, 1), _HEADING_DEPTH)
        if text:
            yield Block(
                text=text, markdown=f"{'#' * min(level, 6)} {text}", level=level
            )
        for box in boxes:
            yield from self.children(box)

    def _paragraph(self, element: ET.Element) -> Iterator[Block]:
        boxes: list[ET.Element] = []
        marked: list[str] = []
        text = tidy("".join(self._inline(element, boxes, marked)))
        if text:
            markdown = tidy("".join(marked))
            yield Block(text=text, markdown=None if markdown == text else markdown)
        for box in boxes:
            yield from self.children(box)

    def _list(
        self, element: ET.Element, *, style: str | None, depth: int
    ) -> Iterator[Block]:
        style = attribute(element, "style-name") or style
        count = 0
        for item in element:
            if name_of(item) not in {"list-item", "list-header"}:
                continue
            count += 1
            counts = (style or "", min(depth, _HEADING_DEPTH)) in self.numbered
            mark = f"{count}. " if counts else "- "
            for one in item:
                if name_of(one) == "list":
                    yield from self._list(one, style=style, depth=depth + 1)
                    continue
                for block in self.blocks(one):
                    if block.level is None and not block.is_table and mark:
                        words = block.markdown or block.text
                        marked = f"{'  ' * min(depth, _HEADING_DEPTH)}{mark}{words}"
                        yield Block(text=block.text, markdown=marked)
                        mark = ""
                    else:
                        yield block

    def rows(self, table: ET.Element) -> Iterator[list[str]]:
        """The cells of a table, each on one line; repeated ones as often as it says."""
        for one in table:
            match name_of(one):
                case "table-row":
                    row = list(self._cells(one))
                    for _ in range(_repeated(one, "rows") if any(row) else 1):
                        yield row
                case "table-rows" | "table-header-rows" | "table-row-group":
                    yield from self.rows(one)
                case _:
                    pass

    def _cells(self, row: ET.Element) -> Iterator[str]:
        empty = 0
        for cell in row:
            if name_of(cell) not in {"table-cell", "covered-table-cell"}:
                continue
            words = self.words(cell)
            if not words:
                empty += _repeated(cell, "columns")
                continue
            yield from [""] * min(empty, limits.REPEATED)
            empty = 0
            yield from [words] * _repeated(cell, "columns")

    def _inline(
        self,
        element: ET.Element,
        boxes: list[ET.Element],
        marked: list[str] | None = None,
    ) -> Iterator[str]:
        """The words of a paragraph; frames in it are put aside for later.

        Args:
            element: The paragraph or a piece of it.
            boxes: Gets the frames.
            marked: Gets the same words, with links as Markdown writes them.
        """
        for piece, link in self._pieces(element, boxes):
            if marked is not None:
                is_link = link and piece.strip()
                marked.append(f"[{piece}]({link})" if is_link else piece)
            yield piece

    def _pieces(
        self, element: ET.Element, boxes: list[ET.Element], link: str = ""
    ) -> Iterator[tuple[str, str]]:
        yield _flat(element.text), link
        for one in element:
            match name_of(one):
                case "s":
                    told = attribute(one, "c") or "1"
                    count = int(told) if told.isdecimal() and len(told) < 4 else 1  # noqa: PLR2004
                    yield " " * min(count, _SPACES), link
                case "tab":
                    yield "\t", link
                case "line-break":
                    yield "\n", link
                case "note":
                    self._note(one)
                case "annotation":
                    self._comment(one)
                case "frame" | "text-box" | "custom-shape" | "g":
                    boxes.append(one)
                case "a":
                    href = attribute(one, "href") or ""
                    is_link = href.startswith(("http://", "https://", "mailto:"))
                    yield from self._pieces(one, boxes, href if is_link else link)
                case "tracked-changes" | "annotation-end" | "ruby-text":
                    pass
                case _:
                    yield from self._pieces(one, boxes, link)
            yield _flat(one.tail), link

    def _note(self, element: ET.Element) -> None:
        body = child(element, "note-body")
        citation = child(element, "note-citation")
        mark = "" if citation is None else (citation.text or "").strip()
        for block in list(self.children(body)) if body is not None else ():
            text = f"{mark} {block.text}".strip()
            self.notes.append(Block(text=text))

    def _comment(self, element: ET.Element) -> None:
        words = [b.text for one in element for b in self.blocks(one) if _speaks(one)]
        if words:
            self.comments.append(Block(text=f"Comment: {' '.join(words)}"))


def _speaks(element: ET.Element) -> bool:
    """Whether a part of a comment is its words, not its author or date."""
    return name_of(element) in {"p", "list"}


def _flat(text: str | None) -> str:
    """White space as OpenDocument means it: tabs and breaks have their own elements."""
    return "" if not text else text.replace("\n", " ").replace("\t", " ")


def _repeated(element: ET.Element, what: str) -> int:
    told = attribute(element, f"number-{what}-repeated") or "1"
    if not told.isdecimal() or len(told) > 9:  # noqa: PLR2004
        return 1
    return min(max(int(told), 1), limits.REPEATED)


def _reader(package: Package) -> _Reader:
    reader = _Reader()
    for name in ("styles.xml", _MAIN):
        for style in _list_styles(package, name):
            for level in style:
                told = attribute(level, "level") or "1"
                if name_of(level) == "list-level-style-number" and told.isdecimal():
                    depth = min(int(told[:2]) - 1, _HEADING_DEPTH)
                    reader.numbered.add((attribute(style, "name") or "", depth))
    return reader


def _list_styles(package: Package, name: str) -> Iterator[ET.Element]:
    if name in package.names:
        for _, one in package.elements(name, "automatic-styles", "styles"):
            if name_of(one) == "list-style":
                yield one


def _text(package: Package) -> Iterator[Block]:
    """Headers once, the body, notes and comments, then footers once."""
    reader = _reader(package)
    yield from _margins(package, "header")
    for _, element in package.elements(_MAIN, "text"):
        yield from reader.blocks(element)
    yield from reader.notes
    yield from reader.comments
    yield from _margins(package, "footer")


def _margins(package: Package, what: str) -> Iterator[Block]:
    """What stands in the margin of every page, said once."""
    told = set()
    names = {what, f"{what}-left", f"{what}-first"}
    if "styles.xml" not in package.names:
        return
    for _, page in package.elements("styles.xml", "master-styles"):
        for margin in page:
            if name_of(margin) not in names:
                continue
            for block in _Reader().children(margin):
                if block.text not in told and not block.text.strip(" -/").isdecimal():
                    told.add(block.text)
                    yield block


def _slides(package: Package) -> Iterator[list[Block]]:
    for _, page in package.elements(_MAIN, "presentation", "drawing"):
        if name_of(page) == "page":
            yield list(_slide(page, _Reader()))


def _slide(page: ET.Element, reader: _Reader) -> Iterator[Block]:
    later: list[Block] = []
    notes: list[str] = []
    for shape in page:
        blocks = list(reader.children(shape))
        if name_of(shape) == "notes":
            notes = [block.text for block in blocks]
        elif attribute(shape, "class") == "title" and blocks:
            text = " ".join(" ".join(block.text for block in blocks).split())
            yield Block(text=text, markdown=f"# {text}", level=1)
        elif attribute(shape, "class") not in {"page-number", "date-time", "footer"}:
            later += blocks
    yield from later
    if notes:
        text = "\n".join(notes)
        yield Block(text=f"Notes:\n{text}", markdown=f"**Notes:**\n\n{text}")
    yield from reader.comments


def _sheets(package: Package) -> Iterator[Sheet]:
    hidden = _hidden_styles(package)
    for _, table in package.elements(_MAIN, "spreadsheet"):
        if name_of(table) == "table":
            reader = _Reader()
            yield Sheet(
                name=attribute(table, "name") or "",
                rows=reader.rows(table),
                is_hidden=(attribute(table, "style-name") or "") in hidden,
                beside=reader.comments,
            )


def _hidden_styles(package: Package) -> set[str]:
    return {
        attribute(style, "name") or ""
        for _, style in package.elements(_MAIN, "automatic-styles")
        if any(attribute(one, "display") == "false" for one in style)
    }
