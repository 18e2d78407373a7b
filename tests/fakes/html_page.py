"""A page as a browser would take it apart, strict about what ours may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "input", "br", "hr", "track"})


@dataclass(frozen=True)
class Element:
    """One start tag."""

    name: str
    attributes: dict[str, str]


@dataclass
class HtmlPage(HTMLParser):
    """What a page holds.

    Raises:
        AssertionError: A tag is closed that was not the last one opened.
    """

    source: str
    elements: list[Element] = field(default_factory=list)
    text: str = ""
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append(Element(tag, {name: v or "" for name, v in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str, **attributes: str) -> list[Element]:
        """The elements of a name with these attributes; `_` stands for `-`."""
        wanted = {key.replace("_", "-"): value for key, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.name == name and wanted.items() <= element.attributes.items()
        ]

    def loads(self) -> list[str]:
        """Every address that the page loads, leads to or sends to."""
        return [
            element.attributes[name]
            for element in self.elements
            for name in ("src", "href", "action")
            if name in element.attributes
        ]
