"""EPUB: the chapters of a book in the order of its spine, through the HTML reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urldefrag
from xml.etree import ElementTree as ET

from prsnl.core.errors import CorruptError, EncryptedError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import html
from prsnl.engines.documents.package import (
    Package,
    attribute,
    child,
    descendants,
    name_of,
    opened,
)
from prsnl.engines.documents.parts import Block, divided, paged

ENGINE: Final = "epub"
_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_PAGES: Final = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_PROPERTIES: Final = {
    "title": "title",
    "creator": "author",
    "description": "description",
    "language": "language",
    "date": "date",
    "publisher": "publisher",
}
#: A heading is looked for among so many blocks at the start of a chapter.
_TITLE_WITHIN: Final = 3


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the book in parts; a chapter begins a new one.

    Raises:
        EncryptedError: Its chapters are locked to a reader's device.
        CorruptError: The archive or its XML is damaged.
        TooLargeError: It would unpack to more than is read.
    """
    with opened(files.inputs / params["path"], what="book", main=_CONTAINER) as package:
        book = _Book(package)
        chapters, warnings = book.chapters()
        yield from paged(
            [part for chapter in chapters for part in divided(chapter)],
            metadata=book.metadata(),
            warnings=tuple(warnings),
            engine=ENGINE,
            reason="the file is EPUB",
            skip_parts=params.get("skip_pages") or (),
        )


class _Book:
    """One open book."""

    def __init__(self, package: Package) -> None:
        rootfile = next(descendants(package.tree(package.main), "rootfile"), None)
        told = "" if rootfile is None else rootfile.get("full-path") or ""
        name = package.resolved("", told)
        root = package.tree(name)
        if root is None:
            raise CorruptError("The book is damaged: it has no table of its parts.")
        self._package = package
        self._root = root
        self._folder = name.rpartition("/")[0]
        self._items = {one.get("id") or "": one for one in descendants(root, "item")}

    def metadata(self) -> dict[str, str]:
        """What the book says of itself, with our plain keys."""
        told: dict[str, str] = {}
        subjects = []
        for element in child(self._root, "metadata") or ():
            words = " ".join((element.text or "").split())
            name = name_of(element)
            if words and name == "subject":
                subjects.append(words)
            elif words and name in _PROPERTIES:
                told.setdefault(_PROPERTIES[name], words)
        if subjects:
            told["keywords"] = ", ".join(subjects)
        return told

    def chapters(self) -> tuple[list[list[Block]], list[str]]:
        """The blocks of each file of the spine; what is missing is named."""
        titles = self._titles()
        locked = self._locked()
        chapters, warnings = [], []
        left = limits.TEXT_CHARACTERS
        for name in self._spine():
            if name in locked:
                raise EncryptedError(
                    "The book is locked to one reader's device (DRM), and cannot be "
                    "read here."
                )
            data = self._package.read(name)
            if data is None:
                warnings.append(f"A chapter of the book is missing: {name}.")
                continue
            blocks = _titled(html.parsed(data)[0], titles.get(name))
            left -= sum(len(block.text) for block in blocks)
            if left < 0:
                warnings.append(
                    f"The book has more than {limits.TEXT_CHARACTERS} characters: "
                    f"what follows {name} was not read."
                )
                break
            chapters.append(blocks)
        return chapters, warnings

    def _spine(self) -> Iterator[str]:
        told = set()
        for one in descendants(child(self._root, "spine"), "itemref"):
            item = self._items.get(one.get("idref") or "")
            if item is None or item.get("media-type") not in _PAGES:
                continue
            name = self._member(item.get("href") or "")
            # One file in the spine a thousand times is still one chapter.
            if name not in told:
                told.add(name)
                yield name

    def _member(self, href: str, folder: str | None = None) -> str:
        base = self._folder if folder is None else folder
        return self._package.resolved(base, unquote(urldefrag(href).url))

    def _titles(self) -> dict[str, str]:
        """File -> what the table of contents calls it, by its first mention."""
        titles: dict[str, str] = {}
        for item in self._items.values():
            name = self._member(item.get("href") or "")
            folder = name.rpartition("/")[0]
            if "nav" in (item.get("properties") or "").split():
                for href, title in self._navigation(name):
                    titles.setdefault(self._member(href, folder), title)
            elif item.get("media-type") == "application/x-dtbncx+xml":
                for href, title in self._ncx(name):
                    titles.setdefault(self._member(href, folder), title)
        return titles

    def _navigation(self, name: str) -> Iterator[tuple[str, str]]:
        try:
            root = self._package.tree(name)
        except ET.ParseError:  # XHTML may name entities that XML does not know
            return
        for one in descendants(root, "a"):
            title = " ".join("".join(one.itertext()).split())
            if title and (href := one.get("href")):
                yield href, title

    def _ncx(self, name: str) -> Iterator[tuple[str, str]]:
        for point in descendants(self._package.tree(name), "navPoint"):
            label = child(point, "navLabel", "text")
            content = child(point, "content")
            title = " ".join(((label is not None and label.text) or "").split())
            if title and content is not None:
                yield content.get("src") or "", title

    def _locked(self) -> frozenset[str]:
        """Members that only a device can read; fonts that are merely hidden are not."""
        root = self._package.tree(_ENCRYPTION)
        return frozenset(
            self._package.resolved("", attribute(one, "URI") or "")
            for one in descendants(root, "CipherReference")
        )


def _titled(blocks: Sequence[Block], title: str | None) -> list[Block]:
    """A chapter without a heading gets the one of the table of contents."""
    if not blocks or title is None or any(block.level is not None for block in blocks):
        return list(blocks)
    heading = Block(text=title, markdown=f"## {title}", level=2)
    for place, block in enumerate(blocks[:_TITLE_WITHIN]):
        if " ".join(block.text.split()).casefold() == title.casefold():
            found = replace(heading, text=block.text)
            return [*blocks[:place], found, *blocks[place + 1 :]]
    return [heading, *blocks]
