"""HTML: its text, headings, lists, tables and metadata, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from prsnl.core.errors import CorruptError
from prsnl.engines.cleaning import tidy, without_controls
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.decoding import charset, known
from prsnl.engines.documents.parts import Block, document, table_block

ENGINE: Final = "html.parser"
_DECLARED: Final = re.compile(
    rb"""(?:charset|encoding)\s{0,9}=\s{0,9}["']?\s{0,9}([A-Za-z0-9_:.-]{2,40})""",
    re.IGNORECASE,
)
_DECLARED_WITHIN_BYTES: Final = 4096
#: Browsers read these names as the wider encoding.
_WIDER: Final = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}
#: What is between these is never text of the page.
_UNSEEN: Final = frozenset(
    "script style noscript template svg iframe object select textarea head".split()  # noqa: SIM905
)
_BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl "  # noqa: SIM905
    "dt fieldset figcaption figure footer form header hr html legend li main nav ol "
    "p pre section summary ul h1 h2 h3 h4 h5 h6".split()
)
_VOID: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
_MARKS: Final = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_METADATA: Final = {
    "author": "author",
    "article:author": "author",
    "dc.creator": "author",
    "description": "subject",
    "og:description": "subject",
    "keywords": "keywords",
    "generator": "creator",
    "og:title": "title",
    "dc.title": "title",
    "article:published_time": "date",
    "date": "date",
    "dc.date": "date",
    "dcterms.created": "created_at",
    "article:modified_time": "modified_at",
    "dcterms.modified": "modified_at",
}
_SPACE: Final = re.compile(r"\s+")


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the page in parts that end at its blocks.

    Raises:
        CorruptError: The bytes are no text.
    """
    blocks, metadata = parsed((files.inputs / params["path"]).read_bytes())
    yield from document(
        blocks,
        metadata=metadata,
        engine=ENGINE,
        reason="the file is HTML",
        skip_parts=params.get("skip_pages") or (),
    )


def parsed(
    data: bytes | str, encoding: str | None = None
) -> tuple[list[Block], dict[str, str]]:
    """The blocks of a page and what it says of itself.

    Args:
        data: The page.
        encoding: What its envelope says of its bytes, as a mail's part does.

    Raises:
        CorruptError: The bytes are no text.
    """
    page = _Page()
    page.feed(
        without_controls(data) if isinstance(data, str) else _decoded(data, encoding)
    )
    page.close()
    page.finish()
    return page.blocks, page.metadata


def _decoded(data: bytes, told: str | None = None) -> str:
    """The text of a page: what it declares yields to bytes that are plainly UTF-8."""
    encoding = charset(data)
    if encoding is None or encoding == "cp1252":
        encoding = _declared(data) or known(told) or encoding
    if encoding is None:
        raise CorruptError("The file is no HTML: it holds bytes that no text has.")
    return without_controls(data.decode(encoding, errors="replace"))


def _declared(data: bytes) -> str | None:
    found = _DECLARED.search(data[:_DECLARED_WITHIN_BYTES])
    if not found:
        return None
    name = known(found.group(1).decode("ascii"))
    if name is None:
        return None
    if name.startswith("utf"):  # the bytes have been tried as that
        return None
    return _WIDER.get(name, name)


class _Page(HTMLParser):
    """Collects the blocks of a page; a tag that is never closed does no harm."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.metadata: dict[str, str] = {}
        self._unseen: list[str] = []
        self._title: list[str] | None = None
        self._text: list[str] = []
        self._markdown: list[str] = []
        self._level: int | None = None
        self._preformatted = 0
        self._lists: list[int | None] = []
        self._item: str | None = None
        self._links: list[str | None] = []
        self._tables = 0
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "html" and told.get("lang"):
            self.metadata["language"] = told["lang"]
        elif tag == "meta":
            self._meta(told)
        elif tag == "title" and "title" not in self.metadata and not self._in_picture():
            self._title = []
        elif tag == "body":
            self._unseen.clear()
        if tag in _UNSEEN or ("hidden" in told and tag not in _VOID):
            self._unseen.append(tag)
        elif not self._unseen:
            self._open(tag, told)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            title = " ".join("".join(self._title).split())
            self._title = None
            if title:
                self.metadata["title"] = title
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                pass
        elif not self._unseen:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._unseen:
            self._add(data if self._preformatted else _SPACE.sub(" ", data))

    def finish(self) -> None:
        """Close what the page left open."""
        if self._tables:
            self._tables = 1
            self._close("table")
        self._flush()

    def _in_picture(self) -> bool:
        return "svg" in self._unseen

    def _meta(self, told: dict[str, str]) -> None:
        name = (told.get("name") or told.get("property") or "").lower()
        key = _METADATA.get(name)
        content = " ".join(told.get("content", "").split())
        if key and content:
            self.metadata.setdefault(key, content)

    def _add(self, text: str, markdown: str | None = None) -> None:
        self._text.append(text)
        self._markdown.append(text if markdown is None else markdown)

    def _open(self, tag: str, told: dict[str, str]) -> None:
        if tag == "table":
            if not self._tables:
                self._flush()
            self._tables += 1
        elif tag == "tr" and self._tables == 1:
            self._end_cell()
            self._rows.append([])
        elif tag in {"td", "th"} and self._tables == 1:
            self._end_cell()
            if not self._rows:
                self._rows.append([])
            self._rows[-1].append("")
        elif tag == "br":
            self._add("\n")
        elif tag in _MARKS:
            self._add("", _MARKS[tag])
        elif tag == "a":
            href = told.get("href", "")
            link = href if href.startswith(("http://", "https://", "mailto:")) else None
            self._links.append(link)
            self._add("", "[" if link else "")
        elif tag in _BLOCKS or tag in {"tr", "td", "th"}:
            self._start_block(tag, told)

    def _start_block(self, tag: str, told: dict[str, str]) -> None:
        self._flush()
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "pre":
            self._preformatted += 1
        elif tag in {"ul", "ol"}:
            start = told.get("start", "")
            first = int(start) if start.isdecimal() and len(start) < 9 else 1  # noqa: PLR2004
            self._lists.append(first if tag == "ol" else None)
        elif tag == "li":
            self._item = self._next_item()

    def _next_item(self) -> str:
        if not self._lists:
            return "- "
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1]
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _close(self, tag: str) -> None:
        if tag == "table" and self._tables:
            self._tables -= 1
            if not self._tables:
                self._end_cell()
                self._end_table()
        elif tag in {"td", "th"} and self._tables == 1:
            self._end_cell()
        elif tag in _MARKS:
            self._add("", _MARKS[tag])
        elif tag == "a" and self._links:
            link = self._links.pop()
            self._add("", f"]({link})" if link else "")
        elif tag in _BLOCKS:
            self._flush()
            if tag == "pre" and self._preformatted:
                self._preformatted -= 1
            elif tag in {"ul", "ol"} and self._lists:
                self._lists.pop()

    def _end_cell(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        self._markdown.clear()
        if not text:
            return
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] = f"{self._rows[-1][-1]} {text}".strip()
        else:
            self.blocks.append(Block(text=text))

    def _end_table(self) -> None:
        rows = [row for row in self._rows if any(row)]
        self._rows = []
        if rows:
            self.blocks.append(table_block(rows))

    def _flush(self) -> None:
        if self._tables:  # within a table everything belongs to its cell
            self._add("\n")
            return
        text = "".join(self._text)
        markdown = "".join(self._markdown)
        level, item = self._level, self._item
        self._text, self._markdown = [], []
        self._level = None
        if self._preformatted:
            if text.strip():
                plain = text.strip("\n").rstrip()
                self.blocks.append(Block(text=plain, markdown=f"```\n{plain}\n```"))
            return
        text = tidy(text)
        if not text:
            return
        self._item = None
        marked = tidy(markdown)
        if level is not None:
            marked = f"{'#' * level} {' '.join(text.split())}"
        elif item is not None:
            marked = item + marked
        self.blocks.append(Block(text=text, markdown=marked, level=level))
