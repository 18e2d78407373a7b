"""Finds words and phrases in a text: many at once, in time that the text bounds."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r"\w+")
#: What may stand before the first word of a line: a bullet, a number, a mark.
_NUMBERING: Final = re.compile(r"[\W\d_]*(?:[ivx]{1,4}\.\s)?[\W_]*", re.IGNORECASE)


#: First words whose cues are remembered: the words of texts are mostly the same ones.
_KNOWN_MAX: Final = 4_000


class Token(NamedTuple):
    """One word of a text, folded, and where on its line it stands."""

    word: str
    starts_line: bool
    ends_line: bool


@dataclass(frozen=True)
class _Cue:
    said: str
    words: tuple[str, ...]
    starts_line: bool
    ends_line: bool

    def is_at(self, tokens: Sequence[Token], place: int) -> bool:
        end = place + len(self.words)
        if end > len(tokens):
            return False
        if self.starts_line and not tokens[place].starts_line:
            return False
        if self.ends_line and not tokens[end - 1].ends_line:
            return False
        return all(
            _fits(token.word, word)
            for token, word in zip(tokens[place:end], self.words, strict=True)
        )


def tokens(text: str) -> list[Token]:
    """The words of *text*, in its order."""
    found: list[Token] = []
    # A file system or a scan may write an umlaut as two characters.
    for line in unicodedata.normalize("NFC", text).split("\n"):
        begin = _first(line)
        words = list(_TOKEN.finditer(line))
        for number, match in enumerate(words, 1):
            found.append(
                Token(
                    match.group().casefold(),
                    starts_line=match.start() == begin or number == 1,
                    ends_line=number == len(words),
                )
            )
    return found


def _first(line: str) -> int:
    """Where the first word stands that is no numbering."""
    match = _NUMBERING.match(line)
    return match.end() if match else 0


class CueBook:
    """Some cues, ready to be looked for; equal ones are found once."""

    def __init__(self, cues: Iterable[str]) -> None:
        self._plain: dict[str, list[_Cue]] = defaultdict(list)
        self._starred: list[_Cue] = []
        self._known: dict[str, Sequence[_Cue]] = {}
        for said in dict.fromkeys(cues):
            cue = _cue(said)
            if not cue.words:
                continue
            if "*" in cue.words[0]:
                self._starred.append(cue)
            else:
                self._plain[cue.words[0]].append(cue)

    def find(self, text: Sequence[Token]) -> Counter[str]:
        """How often each cue stands in a text; those that do not are left out."""
        found: Counter[str] = Counter()
        for place, token in enumerate(text):
            for cue in self._beginning_with(token.word):
                if cue.is_at(text, place):
                    found[cue.said] += 1
        return found

    def _beginning_with(self, word: str) -> Sequence[_Cue]:
        """The cues whose first word this is."""
        cues = self._known.get(word)
        if cues is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            starred = (cue for cue in self._starred if _fits(word, cue.words[0]))
            cues = self._known[word] = (*self._plain.get(word, ()), *starred)
        return cues


def _cue(said: str) -> _Cue:
    starts, ends = said.startswith("^"), said.endswith("$")
    plain = said.removeprefix("^").removesuffix("$").casefold()
    words = tuple(re.findall(r"\*?\w+\*?", plain))
    return _Cue(said, words, starts, ends)


def _fits(word: str, wanted: str) -> bool:
    if "*" not in wanted:
        return word == wanted
    part = wanted.strip("*")
    if wanted.startswith("*") and wanted.endswith("*"):
        return part in word
    if wanted.startswith("*"):
        return word.endswith(part) and len(word) > len(part)
    return word.startswith(part)
