"""Running headers, footers and page numbers, told by their repetition over pages.

A line is never told by its look: one that is short, or has digits, and stands on one
page alone, stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prsnl.engines.contracts import EdgeLine, PageText

#: A line runs from so many pages on; shorter documents stay as they are.
PAGES_MIN: Final = 3
#: The next page with the same line may be so far: even pages have their own.
_STEP_MAX: Final = 2
#: Lines of a chain stand at the same height, give or take this part of the page's.
_SAME_HEIGHT: Final = 0.02
_NUMBER: Final = re.compile(r"\d+")
_NUMBER_DIGITS_MAX: Final = 9
_ROMAN: Final = re.compile(
    r"(?=[ivxlc])(?:c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE
)
_ROMAN_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_WORDLESS: Final = re.compile(r"^\W+|\W+$")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_HEADING_MARK: Final = re.compile(r"^#{1,6} ")


@dataclass(frozen=True)
class _Seen:
    """A line at the edge of one page; its numbers apart from its words."""

    page: int
    line: EdgeLine
    numbers: tuple[int, ...]


@dataclass
class _Chain:
    """The same line, page after page."""

    seen: list[_Seen] = field(default_factory=list)
    #: By number: whether it counts the pages; None until two pages tell.
    counts: tuple[bool, ...] | None = None

    def takes(self, one: _Seen) -> bool:
        """Add the line of a later page if it goes on with this chain."""
        last = self.seen[-1]
        step = one.page - last.page
        if not 0 < step <= _STEP_MAX:
            return False
        if abs(one.line.at - last.line.at) > _SAME_HEIGHT:
            return False
        counts = []
        for before, after in zip(last.numbers, one.numbers, strict=True):
            if after - before not in (0, step):
                return False  # an amount, a date: it says something of its page
            counts.append(after != before)
        if self.counts not in (None, told := tuple(counts)):
            return False
        self.counts = told
        self.seen.append(one)
        return True


def running_lines(
    pages: Mapping[int, Sequence[EdgeLine]],
) -> dict[int, tuple[EdgeLine, ...]]:
    """The lines, by page, that stand at one place on page after page.

    Numbers in them are the same on every page, or count the pages. Every page, or
    every other one, has the line; three in a row make it a running one.
    """
    if len(pages) < PAGES_MIN:
        return {}
    found: dict[int, list[EdgeLine]] = defaultdict(list)
    for chain in _chains(pages):
        if len(chain.seen) >= PAGES_MIN:
            for one in chain.seen:
                found[one.page].append(one.line)
    return {number: tuple(lines) for number, lines in sorted(found.items())}


def without(page: PageText, lines: Sequence[EdgeLine]) -> PageText:
    """A page less these lines, in its text and in its Markdown.

    One that holds nothing else stays as it is: there they are what it says. So does
    one with doubtful words, whose places would move.
    """
    if page.recognition is not None and page.recognition.doubts:
        return page
    text = _less(page.text, lines)
    if not text:
        return page
    markdown = None if page.markdown is None else _less(page.markdown, lines)
    return page.model_copy(update={"text": text, "markdown": markdown})


def _chains(pages: Mapping[int, Sequence[EdgeLine]]) -> Iterator[_Chain]:
    alike: dict[tuple[bool, str], list[_Chain]] = defaultdict(list)
    for number in sorted(pages):
        for line in pages[number]:
            words, numbers = _generalised(line.text)
            one = _Seen(number, line, numbers)
            open_chains = alike[line.is_head, words]
            # A chain that has ended takes nothing: only the newest are asked.
            if not any(chain.takes(one) for chain in open_chains[-4:]):
                open_chains.append(_Chain([one]))
    for chains in alike.values():
        yield from chains


def _generalised(text: str) -> tuple[str, tuple[int, ...]]:
    """A line with a mark for each number, and the numbers."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    core = _WORDLESS.sub("", plain)
    if core and _ROMAN.fullmatch(core):
        return plain.replace(core, "#"), (_roman(core),)
    found = _NUMBER.findall(plain)
    if any(len(digits) > _NUMBER_DIGITS_MAX for digits in found):
        return plain, ()
    return _NUMBER.sub("#", plain), tuple(int(digits) for digits in found)


def _roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(
        -value if value < max(values[place:]) else value
        for place, value in enumerate(values)
    )


def _less(text: str, lines: Sequence[EdgeLine]) -> str:
    left = text.split("\n")
    for line in lines:
        order = range(len(left)) if line.is_head else range(len(left) - 1, -1, -1)
        for place in order:
            if _HEADING_MARK.sub("", left[place].strip()) == line.text:
                # A line of its own leaves one gap behind, not two.
                left[place] = ""
                break
    return _BLANK_LINES.sub("\n\n", "\n".join(left)).strip("\n")
