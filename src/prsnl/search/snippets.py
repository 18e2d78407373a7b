"""A few words around what was found, and which of them to mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.search.folding import Token, tokens
from prsnl.search.query import Term
from prsnl.wire.search import Snippet

#: About three lines.
LENGTH: Final = 260
#: So much of a page is looked through for the best place.
_READ: Final = 40_000
_SPACE: Final = re.compile(r"\s+")
_SENTENCE_END: Final = re.compile(r"[.!?…:]\s+|\n\s*\n")
_SENTENCE_BEFORE: Final = 90
_WORDS_BEFORE: Final = 40
_GAP: Final = "… "


@dataclass(frozen=True)
class Mark:
    """Where a term stands in a text."""

    term: int
    start: int
    end: int


def marks_of(
    found: Sequence[Token], terms: Sequence[Term], stems: Mapping[str, Sequence[str]]
) -> list[Mark]:
    """Where the terms stand, in order.

    Args:
        found: The words of the text.
        terms: What is looked for.
        stems: Word -> its stems, of the words of terms and of those texts alike.
    """
    first: dict[str, list[int]] = {}
    for number, term in enumerate(terms):
        first.setdefault(term.words[0], []).append(number)
    by_stem = {
        stem: number
        for number, term in enumerate(terms)
        if term.is_plain
        for stem in stems.get(term.words[0], ())
    }
    prefixes = {
        term.words[0]: number for number, term in enumerate(terms) if term.is_prefix
    }
    inflected = {
        word: by_stem[stem]
        for word, known in stems.items()
        for stem in known
        if stem in by_stem
    }
    made: list[Mark] = []
    for place, token in enumerate(found):
        word = token.word
        if word in first:
            for number in first[word]:
                run = found[place : place + len(terms[number].words)]
                if tuple(one.word for one in run) == terms[number].words:
                    made.append(Mark(number, token.start, run[-1].end))
        elif word in inflected:
            made.append(Mark(inflected[word], token.start, token.end))
        elif prefixes and word.startswith(tuple(prefixes)):
            head = next(head for head in prefixes if word.startswith(head))
            made.append(Mark(prefixes[head], token.start, token.end))
    return made


def read(text: str) -> list[Token]:
    """The words of a page that are looked through."""
    return list(tokens(text[:_READ]))


def alike(pages: Iterable[Sequence[Token]], terms: Sequence[Term]) -> list[str]:
    """The words of pages that may be forms of a term's: they begin alike."""
    heads = tuple({term.words[0][:3] for term in terms if term.is_plain})
    found = {token.word for page in pages for token in page}
    return sorted(word for word in found if word.startswith(heads))


@dataclass(frozen=True)
class Found:
    """The best place of a text."""

    snippet: Snippet
    #: Of the first mark, or of the snippet, in characters.
    start: int


def snippet(
    text: str,
    found: Sequence[Token],
    terms: Sequence[Term],
    stems: Mapping[str, Sequence[str]],
    *,
    near: int | None = None,
) -> Found:
    """The stretch of a text that holds most of what is looked for.

    Args:
        text: A page's.
        found: Its words.
        terms: What is looked for.
        stems: See `marks_of`.
        near: Where a passage of the right meaning begins: nothing else is shown.
    """
    marks = marks_of(found, terms, stems)
    first = 0
    if near is not None:
        first = min(near, len(text))
        marks = [one for one in marks if first <= one.start < first + 4 * LENGTH]
    best = _best(marks)
    start, end = _stretch(text, first if best is None else best, earliest=first)
    shown = [mark for mark in marks if start <= mark.start and mark.end <= end]
    return Found(_tidied(text, start, end, shown), start if best is None else best)


def _best(marks: Sequence[Mark]) -> int | None:
    """Where the stretch with the most different terms begins; then the most marks."""
    best: tuple[int, int] = (0, 0)
    place = None
    last = 0
    for number, mark in enumerate(marks):
        last = max(last, number)
        while last < len(marks) and marks[last].end <= mark.start + LENGTH:
            last += 1
        here = marks[number:last]
        value = (len({one.term for one in here}), len(here))
        if value > best:
            best, place = value, mark.start
    return place


def _stretch(text: str, place: int, *, earliest: int) -> tuple[int, int]:
    """From a sentence's or word's begin a little before a place to a word's end."""
    earliest = max(earliest, place - _SENTENCE_BEFORE)
    start = place
    if ends := [one.end() for one in _SENTENCE_END.finditer(text, earliest, place)]:
        start = ends[-1]
    elif earliest in {0, place}:
        start = earliest
    elif space := _SPACE.search(text, max(earliest, place - _WORDS_BEFORE), place):
        start = space.end()
    end = min(len(text), start + LENGTH)
    if end < len(text):
        spaces = [
            one.start() for one in _SPACE.finditer(text, end - _WORDS_BEFORE, end)
        ]
        end = spaces[-1] if spaces else end
    return start, end


def _tidied(text: str, start: int, end: int, marks: Sequence[Mark]) -> Snippet:
    """The stretch in one line, its marks moved along."""
    made = _GAP if text[:start].strip() else ""
    moved: list[tuple[int, int]] = []
    place = start
    for mark in sorted(marks, key=lambda one: (one.start, -one.end)):
        if mark.start < place:
            continue
        made = _joined(made, text[place : mark.start])
        begin = len(made)
        made = _joined(made, text[mark.start : mark.end])
        moved.append((begin, len(made)))
        place = mark.end
    made = _joined(made, text[place:end]).rstrip()
    return Snippet(text=f"{made} …" if text[end:].strip() else made, marks=moved)


def _joined(made: str, more: str) -> str:
    told = _SPACE.sub(" ", more)
    if made.endswith(" ") or not made:
        told = told.removeprefix(" ")
    return made + told
