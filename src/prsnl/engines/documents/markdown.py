"""Markdown, by markdown-it: the only module that knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import markdown_it
from markdown_it.token import Token

from prsnl.core.errors import CorruptError
from prsnl.engines.cleaning import tidy, without_controls
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.decoding import charset
from prsnl.engines.documents.parts import Block, document

ENGINE: Final = f"markdown-it-py {markdown_it.__version__}"
_FRONT_MATTER: Final = re.compile(
    r"\s*---[ \t]*\n(.{0,20000}?)\n---[ \t]*(?:\n|$)", re.DOTALL
)
_ENTRY: Final = re.compile(
    r"^([A-Za-z][\w -]{0,40}):[ \t]*(\S[^\n]{0,500})$", re.MULTILINE
)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG: Final = re.compile(r"</?[A-Za-z!][^<>]{0,1000}>")
#: What authors call things in front matter -> our plain keys.
_KEYS: Final = {
    "date": "date",
    "created": "created_at",
    "updated": "modified_at",
    "modified": "modified_at",
    "tags": "keywords",
    "keywords": "keywords",
    "description": "subject",
    "subject": "subject",
    "title": "title",
    "author": "author",
    "authors": "author",
    "lang": "language",
    "language": "language",
}


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts; `text` is without marks, `markdown` the source.

    Raises:
        CorruptError: The bytes are no text.
    """
    data = (files.inputs / params["path"]).read_bytes()
    encoding = charset(data)
    if encoding is None:
        raise CorruptError("The file is no text: it holds bytes that no text has.")
    source = without_controls(data.decode(encoding, errors="replace"))
    metadata, body = _split_front_matter(source)
    yield from document(
        list(_blocks(body)),
        metadata=metadata,
        engine=ENGINE,
        reason="the file is Markdown",
        skip_parts=params.get("skip_pages") or (),
    )


def _split_front_matter(source: str) -> tuple[dict[str, str], str]:
    """The simple entries of YAML front matter, and what follows it."""
    found = _FRONT_MATTER.match(source)
    if not found:
        return {}, source
    metadata = {}
    for key, value in _ENTRY.findall(found.group(1)):
        if name := _KEYS.get(key.lower()):
            metadata[name] = value.strip().strip("\"'[]").strip()
    return metadata, source[found.end() :]


def _blocks(source: str) -> Iterator[Block]:
    lines = source.split("\n")
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(source)
    for group in _top_level(tokens):
        place = group[0].map
        written = "\n".join(lines[place[0] : place[1]]).strip() if place else ""
        level = int(group[0].tag[1]) if group[0].type == "heading_open" else None
        text = _plain(group)
        if text:
            is_table = group[0].type == "table_open"
            yield Block(text=text, markdown=written, level=level, is_table=is_table)


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """One group for each block; a list gives one for each of its items."""
    group: list[Token] = []
    depth = 0
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"} and depth == 0:
            continue
        if token.type in {"bullet_list_close", "ordered_list_close"} and depth == 0:
            continue
        group.append(token)
        depth += token.nesting
        if depth == 0:
            yield group
            group = []


def _plain(tokens: Sequence[Token]) -> str:
    """The words of a block, without its marks."""
    lines: list[str] = []
    cells: list[str] | None = None
    for token in tokens:
        if token.type == "tr_open":
            cells = []
        elif token.type == "tr_close" and cells is not None:
            lines.append("\t".join(cells))
            cells = None
        elif token.type == "inline":
            words = _inline(token)
            if cells is None:
                lines.append(words)
            else:
                cells.append(" ".join(words.split()))
        elif token.type in {"fence", "code_block"}:
            lines.append(token.content.rstrip("\n"))
        elif token.type == "html_block":
            lines.append(tidy(_TAG.sub(" ", _without_comments(token.content))))
    return "\n".join(line for line in lines if line.strip())


def _without_comments(text: str) -> str:
    pieces = []
    place = 0
    while (start := text.find("<!--", place)) >= 0:
        pieces.append(text[place:start])
        end = text.find("-->", start + 4)
        place = len(text) if end < 0 else end + 3
    pieces.append(text[place:])
    return " ".join(pieces)


def _inline(token: Token) -> str:
    pieces = []
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline":
                pieces.append(child.content)
            case "softbreak" | "hardbreak":
                pieces.append("\n")
            case "image":
                pieces.append(child.content)
            case "html_inline" if child.content.lower().startswith("<br"):
                pieces.append("\n")
            case _:
                pass
    return tidy("".join(pieces))
