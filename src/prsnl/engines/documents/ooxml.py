"""What DOCX, XLSX and PPTX share: properties, and the marks of their drawings' text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from prsnl.engines.documents.package import Package, child, name_of

_PROPERTIES: Final = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "description": "description",
    "keywords": "keywords",
    "language": "language",
    "created": "created_at",
    "modified": "modified_at",
}


def core_properties(package: Package) -> dict[str, str]:
    """What the document says of itself, with our plain keys."""
    root = package.tree("docProps/core.xml")
    told = {}
    for element in root if root is not None else ():
        key = _PROPERTIES.get(name_of(element))
        words = " ".join((element.text or "").split())
        if key and words:
            told[key] = words
    return told


def drawn_text(paragraph: ET.Element) -> str:
    """The words of one paragraph of a drawing (`a:p`)."""
    return "".join(_runs(paragraph))


def _runs(element: ET.Element) -> Iterator[str]:
    for one in element:
        match name_of(one):
            case "t":
                yield one.text or ""
            case "br":
                yield "\n"
            case "r" | "fld":
                yield from _runs(one)
            case _:
                pass


def alternative(element: ET.Element) -> ET.Element | None:
    """What is shown of an element that comes in several forms."""
    choice = child(element, "Choice")
    return child(element, "Fallback") if choice is None else choice
