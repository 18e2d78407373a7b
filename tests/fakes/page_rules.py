"""What every page of ours must be, in every state: a reader finds nothing unsaid."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Final

#: What a template says of a value that it should not have been given.
_UNSAID: Final = re.compile(
    r"\b(NaN|None|undefined|null|Infinity|True|False)\b|\{\{|\{%|<built-in|object at 0x"
)
_VOID: Final = frozenset({"meta", "link", "img", "input", "br", "hr"})
_NAMED: Final = frozenset({"button", "a", "h1", "h2", "h3", "th", "dt", "dd", "li"})
_LANDMARKS: Final = ("header", "main", "footer")


class _Node:
    """One element, with what is in it."""

    def __init__(
        self, name: str, attributes: dict[str, str], above: _Node | None
    ) -> None:
        self.name = name
        self.attributes = attributes
        self.above = above
        self.children: list[_Node] = []
        self.texts: list[str] = []

    @property
    def text(self) -> str:
        return " ".join(self._words()).strip()

    def _words(self) -> list[str]:
        words = [" ".join(self.texts)]
        words += [child.text for child in self.children]
        words += [self.attributes.get("alt", "")]
        return [word for word in words if word.strip()]

    def below(self) -> list[_Node]:
        """All that is in it."""
        return [node for child in self.children for node in (child, *child.below())]

    def is_in(self, *names: str) -> bool:
        """Whether it is part of such an element."""
        above = self.above
        while above is not None:
            if above.name in names or "hidden" in above.attributes:
                return True
            above = above.above
        return False


class _Tree(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("#root", {}, None)
        self._at = self.root
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(node)
        if tag not in _VOID:
            self._at = node

    def handle_endtag(self, _tag: str) -> None:
        assert self._at.above is not None
        self._at = self._at.above

    def handle_data(self, data: str) -> None:
        self._at.texts.append(data.strip())


def faults(source: str) -> list[str]:
    """What a person, a keyboard or a screen reader would stumble over."""
    every = _Tree(source).root.below()
    return [
        *_unsaid(every),
        *_nameless(every),
        *_unlabelled(every),
        *_bars(every),
        *_disabled(every),
        *_headings(every),
        *_frame(every),
    ]


def _unsaid(every: list[_Node]) -> list[str]:
    """Values that are none, in the text or where a reader hears them."""
    told = []
    for node in every:
        if node.name in ("script", "code", "pre", "bdi") or node.is_in("code", "pre"):
            continue
        said = [*node.texts, node.attributes.get("aria-label", "")]
        said += [node.attributes.get("title", ""), node.attributes.get("href", "")]
        told += [f"says {text!r}" for text in said if _UNSAID.search(text)]
    return told


def _nameless(every: list[_Node]) -> list[str]:
    """What is pressed or read, and says nothing."""
    told = []
    for node in every:
        is_state = "state" in node.attributes.get("class", "").split()
        if node.name not in _NAMED and not is_state:
            continue
        is_unseen = node.attributes.get("aria-hidden") == "true"
        if is_unseen or "hidden" in node.attributes or node.is_in("template"):
            continue
        if not node.text and not node.attributes.get("aria-label"):
            told.append(f"<{node.name}> without a word: {node.attributes}")
    return told


def _unlabelled(every: list[_Node]) -> list[str]:
    """Fields whose purpose nobody says."""
    labels = {node.attributes.get("for") for node in every if node.name == "label"}
    return [
        f"<{node.name}> without a label: {node.attributes}"
        for node in every
        if node.name in ("input", "select", "textarea")
        and node.attributes.get("type") != "hidden"
        and "hidden" not in node.attributes
        and not node.attributes.get("aria-label")
        and node.attributes.get("id") not in labels
        and not node.is_in("label")
    ]


def _bars(every: list[_Node]) -> list[str]:
    """Bars without a number, or beyond their end."""
    told = []
    for node in every:
        if node.name != "progress":
            continue
        value = node.attributes.get("value")
        if value is None or not 0 <= float(value) <= 100:
            told.append(f"a bar without a number: {node.attributes}")
        elif not re.search(r"\d+ %", node.above.text if node.above else ""):
            told.append(f"a bar whose number nobody reads: {node.attributes}")
    return told


def _disabled(every: list[_Node]) -> list[str]:
    """What cannot be pressed, and does not say why."""
    return [
        f"disabled without a reason: {node.text}"
        for node in every
        if "disabled" in node.attributes and not node.attributes.get("title")
    ]


def _headings(every: list[_Node]) -> list[str]:
    """Headings that skip a step: who jumps from one to the next gets lost."""
    steps = [
        int(node.name[1])
        for node in every
        if re.fullmatch("h[1-6]", node.name) and node.is_in("main")
    ]
    if steps[:1] != [1]:
        return [f"the first heading is no h1: {steps}"]
    return [
        f"h{after} follows h{before}"
        for before, after in pairwise(steps)
        if after > before + 1
    ]


def _frame(every: list[_Node]) -> list[str]:
    """Language, landmarks, and navigations that are told apart."""
    told = [f"no <{name}>" for name in _LANDMARKS if not _all(every, name)]
    if not any(node.attributes.get("lang") for node in _all(every, "html")):
        told.append("no language")
    told += [
        "a <nav> without a name"
        for node in _all(every, "nav")
        if not node.attributes.get("aria-label")
    ]
    return told


def _all(every: list[_Node], name: str) -> list[_Node]:
    return [node for node in every if node.name == name]
