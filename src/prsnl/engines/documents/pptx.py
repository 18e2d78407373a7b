"""PPTX: slides in their order, with titles, lists, tables and speaker notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from xml.etree import ElementTree as ET

from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.ooxml import alternative, core_properties, drawn_text
from prsnl.engines.documents.package import (
    Package,
    Related,
    child,
    descendants,
    name_of,
    opened,
)
from prsnl.engines.documents.parts import Block, paged, table_block

ENGINE: Final = "pptx"
_MAIN: Final = "ppt/presentation.xml"
_TITLES: Final = frozenset({"title", "ctrTitle"})
#: Placeholders that every slide repeats.
_MARGINS: Final = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
#: Placeholders whose paragraphs are the points of a list.
_LISTS: Final = frozenset({None, "body", "obj"})
_DEPTH: Final = 8


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one page a slide; its notes and comments follow what it shows.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: The archive or its XML is damaged.
        TooLargeError: It would unpack to more than is read.
    """
    with opened(
        files.inputs / params["path"], what="presentation", main=_MAIN
    ) as package:
        slides = [_slide(package, name) for name in _order(package)]
        yield from paged(
            [slide.blocks for slide in slides],
            metadata=core_properties(package),
            warnings=_warnings(slides),
            engine=ENGINE,
            reason="the file is PPTX",
            skip_parts=params.get("skip_pages") or (),
        )


@dataclass(frozen=True)
class _Slide:
    blocks: list[Block]
    is_hidden: bool


def _warnings(slides: list[_Slide]) -> tuple[str, ...]:
    hidden = [str(n) for n, slide in enumerate(slides, 1) if slide.is_hidden]
    return (f"Hidden slides were read, too: {', '.join(hidden)}.",) if hidden else ()


def _order(package: Package) -> list[str]:
    related = package.related(package.main)
    root = package.tree(package.main)
    wanted = [related.get(_relation(one)) for one in descendants(root, "sldId")]
    return [one.target for one in wanted if one and one.target in package.names]


def _relation(element: ET.Element) -> str:
    """The id of a relationship, whose attribute is called as the element's own id."""
    return next(
        (value for key, value in element.items() if key.endswith("}id")),
        "",
    )


def _slide(package: Package, name: str) -> _Slide:
    root = package.tree(name)
    related = list(package.related(name).values())
    shapes = list(_shapes(child(root, "cSld", "spTree"), package, related))
    titles = [block for block in shapes if block.level is not None]
    others = [block for block in shapes if block.level is None]
    blocks = [*titles, *others, *_beside(package, related)]
    return _Slide(blocks, root is not None and root.get("show") in {"0", "false"})


def _shapes(
    tree: ET.Element | None, package: Package, related: list[Related]
) -> Iterator[Block]:
    for shape in tree if tree is not None else ():
        match name_of(shape):
            case "sp" | "cxnSp":
                yield from _shape(shape)
            case "grpSp":
                yield from _shapes(shape, package, related)
            case "AlternateContent":
                yield from _shapes(alternative(shape), package, related)
            case "graphicFrame":
                yield from _graphic(shape, package, related)
            case "pic":
                yield from _described(shape)
            case _:
                pass


def _shape(shape: ET.Element) -> Iterator[Block]:
    placeholder = child(shape, "nvSpPr", "nvPr", "ph")
    kind = None if placeholder is None else placeholder.get("type")
    if kind in _MARGINS:
        return
    is_list = placeholder is not None and kind in _LISTS
    paragraphs = list(_paragraphs(child(shape, "txBody"), is_list=is_list))
    if kind in _TITLES and paragraphs:
        text = " ".join(" ".join(one.text.split()) for one in paragraphs)
        yield Block(text=text, markdown=f"# {text}", level=1)
    else:
        yield from _joined(paragraphs)


def _joined(paragraphs: list[Block]) -> Iterator[Block]:
    """The paragraphs of one shape; points of one list on neighbouring lines."""
    if not paragraphs:
        return
    markdown = paragraphs[0].markdown or paragraphs[0].text
    for one, after in pairwise(paragraphs):
        is_list = one.markdown is not None and after.markdown is not None
        markdown += ("\n" if is_list else "\n\n") + (after.markdown or after.text)
    yield Block(text="\n".join(one.text for one in paragraphs), markdown=markdown)


def _paragraphs(body: ET.Element | None, *, is_list: bool) -> Iterator[Block]:
    count = 0
    for paragraph in body if body is not None else ():
        if name_of(paragraph) != "p":
            continue
        text = tidy(drawn_text(paragraph))
        if not text:
            continue
        properties = child(paragraph, "pPr")
        depth = _depth(properties)
        numbered = child(properties, "buAutoNum") is not None
        pointed = child(properties, "buChar") is not None
        bare = child(properties, "buNone") is not None
        count = count + 1 if numbered else 0
        if bare or not (is_list or numbered or pointed):
            yield Block(text=text)
        else:
            mark = f"{count}." if numbered else "-"
            yield Block(text=text, markdown=f"{'  ' * depth}{mark} {text}")


def _depth(properties: ET.Element | None) -> int:
    told = "" if properties is None else properties.get("lvl") or ""
    return min(int(told), _DEPTH) if told.isdecimal() and len(told) < 3 else 0  # noqa: PLR2004


def _graphic(
    frame: ET.Element, package: Package, related: list[Related]
) -> Iterator[Block]:
    rows = [
        [_cell(one) for one in row if name_of(one) == "tc"]
        for row in descendants(frame, "tr")
    ]
    rows = [row for row in rows if any(row)]
    if rows:
        yield table_block(rows)
    if any(name_of(one) == "relIds" for one in frame.iter()):
        yield from _diagrams(package, related)


def _cell(cell: ET.Element) -> str:
    words = (drawn_text(paragraph) for paragraph in descendants(cell, "p"))
    return " ".join(" ".join(words).split())


def _diagrams(package: Package, related: list[Related]) -> Iterator[Block]:
    """The words of SmartArt, which lie in a part of their own."""
    for one in related:
        if one.kind == "diagramData":
            root = package.tree(one.target)
            words = [tidy(drawn_text(p)) for p in descendants(root, "p")]
            if text := "\n".join(filter(None, words)):
                yield Block(text=text)


def _described(picture: ET.Element) -> Iterator[Block]:
    """What an author has written about a picture for those who do not see it."""
    properties = child(picture, "nvPicPr", "cNvPr")
    told = "" if properties is None else tidy(properties.get("descr") or "")
    if told:
        yield Block(text=told)


def _beside(package: Package, related: list[Related]) -> Iterator[Block]:
    """Speaker notes, then comments."""
    for one in related:
        if one.kind == "notesSlide":
            root = package.tree(one.target)
            notes = list(_notes(child(root, "cSld", "spTree")))
            if notes:
                text = "\n".join(block.text for block in notes)
                yield Block(text=f"Notes:\n{text}", markdown=f"**Notes:**\n\n{text}")
    for one in related:
        if one.kind == "comments":
            root = package.tree(one.target)
            for comment in descendants(root, "text"):
                words = comment.text or _cell(comment)
                if text := tidy(words):
                    yield Block(text=f"Comment: {text}")
            # The newer form keeps its words as a drawing does.
            for comment in descendants(root, "txBody"):
                if text := _cell(comment):
                    yield Block(text=f"Comment: {text}")


def _notes(tree: ET.Element | None) -> Iterator[Block]:
    for shape in tree if tree is not None else ():
        placeholder = child(shape, "nvSpPr", "nvPr", "ph")
        if placeholder is not None and placeholder.get("type") == "body":
            yield from _paragraphs(child(shape, "txBody"), is_list=False)
