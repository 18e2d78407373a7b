"""What sort of document a text is: by what it calls itself, its words, its meaning.

Each sort gets points; a confidence is the softmax of them, with a share for "none".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from prsnl.engines.contracts import DocumentType, Guess
from prsnl.engines.taxonomy.contract import TypeDefinition
from prsnl.engines.text.cues import CueBook, Token, tokens
from prsnl.engines.text.meaning import likeness, vector_of

#: Under it nothing is told; from the other on a guess counts as sure.
FLOOR: Final = 0.5
SURE: Final = 0.8

_HEAD_CHARACTERS: Final = 4_000
#: A letter's close and a paper's references stand at the end.
_TAIL_CHARACTERS: Final = 1_500
_HEADING_LINES: Final = 15
_HEADING_WORDS: Final = 7

#: Points of a title that holds the name, and more the less it holds besides.
_NAMED: Final = 3.0
_NAMED_ALONE: Final = 3.0
_IN_FILE_NAME: Final = 2.0
_NAMED_MAX: Final = 7.0
_SIGN: Final = 2.5
#: Of each sign beyond the first: a salutation and a close leave little doubt.
_TOGETHER: Final = 1.0
_WORD: Final = 0.7
_WORDS_MAX: Final = 4.0
#: What stands twice or more counts so much more: repetition is little proof.
_AGAIN: Final = 1.25
_KIND: Final = 8.0
#: The model has learnt English; of other languages it knows little.
_MEANING: Final = {"en": 2.0}
_MEANING_ELSE: Final = 0.7
_MEANING_SCALE: Final = 0.1
_MEANING_BOUNDS: Final = (-1.5, 2.5)
#: Points of "none of them", and how many points make e times as likely.
_NONE: Final = 4.5
_TEMPERATURE: Final = 1.5
_GUESSES: Final = 3
_SHOWN_CUES: Final = 4


@dataclass(frozen=True, kw_only=True)
class Described:
    """A document, as far as its sort can be told from it."""

    title: str
    text: str
    file_name: str
    #: As `file.identify` tells it; None for a text that is no file.
    kind: str | None = None
    #: ISO 639-1.
    language: str | None = None


@dataclass(frozen=True)
class _Case:
    """What speaks for one sort."""

    name: str
    points: float
    reasons: tuple[str, ...]


def type_of(
    described: Described, types: Sequence[TypeDefinition], *, engine: str
) -> DocumentType:
    """The sort of a document, if it is likely enough, and what speaks for it."""
    if not types or not (described.text.strip() or described.title.strip()):
        return DocumentType(engine=engine)
    cases = sorted(_cases(described, types), key=lambda one: -one.points)
    weights = [math.exp((case.points - _NONE) / _TEMPERATURE) for case in cases]
    whole = 1 + sum(weights)
    best = cases[0]
    nearest = f"the nearest is {best.name}"
    confidence = round(weights[0] / whole, 3)
    return DocumentType(
        engine=engine,
        document_type=best.name if confidence >= FLOOR else None,
        confidence=confidence,
        reason=_sentence(
            best.reasons if confidence >= FLOOR else (nearest, *best.reasons)
        ),
        guesses=tuple(
            Guess(name=case.name, confidence=round(weight / whole, 3))
            for case, weight in zip(cases[:_GUESSES], weights, strict=False)
        ),
    )


def _cases(described: Described, types: Sequence[TypeDefinition]) -> Iterator[_Case]:
    book = _book(tuple(types))
    head = described.text[:_HEAD_CHARACTERS]
    tail = described.text[_HEAD_CHARACTERS:][-_TAIL_CHARACTERS:]
    said = book.cues.find(tokens(f"{head}\n{tail}"))
    shares = book.shares
    meaning = _meaning(described, types)
    naming = _Naming.of(described, head)
    for number, one in enumerate(types):
        named, told_where = naming.points(book.names[number])
        signs = {cue: said[cue] for cue in one.signs if cue in said}
        words = {cue: said[cue] for cue in one.words if cue in said}
        is_kind = bool({kind.casefold() for kind in one.kinds} & naming.kinds)
        points = (
            named
            + _KIND * is_kind
            + sum(_SIGN * _times(n) / shares[cue] for cue, n in signs.items())
            + _TOGETHER * max(0, len(signs) - 1)
            + min(
                _WORDS_MAX,
                sum(_WORD * _times(n) / shares[cue] for cue, n in words.items()),
            )
            + meaning[number]
        )
        told = [
            *told_where,
            *(["such files are one"] if is_kind else []),
            *_shown([*signs, *words]),
        ]
        yield _Case(one.name, points, tuple(told))


def _times(count: int) -> float:
    return _AGAIN if count > 1 else 1.0


def _meaning(described: Described, types: Sequence[TypeDefinition]) -> Sequence[float]:
    """Points for the nearness of each description, about 0 in the mean."""
    near = likeness(
        vector_of(described.title, described.text), [one.description for one in types]
    )
    if near is None:
        return [0.0] * len(types)
    weight = _MEANING.get(described.language or "", _MEANING_ELSE)
    mean = sum(near) / len(near)
    low, high = _MEANING_BOUNDS
    return [weight * min(high, max(low, (n - mean) / _MEANING_SCALE)) for n in near]


@dataclass(frozen=True)
class _Naming:
    """Where a document may say what it is."""

    title: Sequence[Token]
    headings: Sequence[Sequence[Token]]
    file_name: Sequence[Token]
    kinds: frozenset[str]

    @classmethod
    def of(cls, described: Described, head: str) -> _Naming:
        lines = [line for line in head.split("\n") if line.strip()][:_HEADING_LINES]
        name = PurePath(described.file_name)
        ending = name.suffix.removeprefix(".").casefold()
        return cls(
            tokens(described.title),
            [
                words
                for line in lines
                if 0 < len(words := tokens(line)) <= _HEADING_WORDS
            ],
            tokens(re.sub(r"[_\-.]+", " ", name.stem)),
            frozenset({ending, (described.kind or "").casefold()} - {""}),
        )

    def points(self, names: CueBook) -> tuple[float, Sequence[str]]:
        """How plainly a document calls itself so, and where it does."""
        of_title = _named(names, self.title)
        of_heading = max(
            (_named(names, one) for one in self.headings), default=(0.0, "")
        )
        of_file = _named(names, self.file_name)
        points = max(of_title, of_heading)[0] + _IN_FILE_NAME * bool(of_file[0])
        places = {
            "its title": of_title,
            "a heading": of_heading,
            "its file's name": of_file,
        }
        told = (
            f"{place} says {_quoted(cue)}" for place, (n, cue) in places.items() if n
        )
        return min(_NAMED_MAX, points), list(told)[:1]


def _named(names: CueBook, line: Sequence[Token]) -> tuple[float, str]:
    found = names.find(line)
    if not found:
        return 0.0, ""
    cue = max(found, key=lambda each: (len(each.split()), each))
    return _NAMED + _NAMED_ALONE * len(cue.split()) / len(line), cue


@dataclass(frozen=True)
class _Book:
    """The cues of a taxonomy's types."""

    cues: CueBook
    names: Sequence[CueBook]
    #: How many types a cue speaks for: it tells the less, the more they are.
    shares: Counter[str]


@lru_cache(maxsize=8)
def _book(types: tuple[TypeDefinition, ...]) -> _Book:
    cues = [list(dict.fromkeys((*one.signs, *one.words))) for one in types]
    return _Book(
        CueBook(cue for each in cues for cue in each),
        [CueBook(one.names) for one in types],
        Counter(cue for each in cues for cue in each),
    )


def _shown(cues: Iterable[str]) -> Iterator[str]:
    said = [_quoted(cue) for cue in cues][:_SHOWN_CUES]
    if said:
        yield f"the text says {', '.join(said)}"


def _quoted(cue: str) -> str:
    return "\u201c" + cue.strip("^$").replace("*", "\u2026") + "\u201d"


def _sentence(reasons: Sequence[str]) -> str | None:
    if not reasons:
        return None
    told = "; ".join(reasons)
    return f"{told[0].upper()}{told[1:]}."
