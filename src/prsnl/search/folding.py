"""Words as the index has them: small letters without accents, and where they stand.

The same as `search_fold` and `search_plain` of the schema, which fold what is stored:
a test compares the two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_LETTERS: Final = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "\u0131": "i",
        "ŧ": "t",
        "ħ": "h",
        "\u2019": "'",
    }
)
_SIGN: Final = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_NO_WORD: Final = (
    "\\x01-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\xbf\\xd7\\xf7\u2000-\u206f\u20a0-\u20cf"
    "\u2190-\u2bff\u3000-\u303f\ufe30-\ufe4f\ufffd"
)
#: One sign of a script without blanks, or a run of letters and digits.
_WORD: Final = re.compile(f"[{_SIGN}]|[^{_SIGN}{_NO_WORD}]+")


def fold(text: str) -> str:
    """The text in small letters, without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return _ACCENTS.sub("", decomposed).lower().translate(_LETTERS)


def words(folded: str) -> list[str]:
    """The words of a folded text, in order."""
    return _WORD.findall(folded)


@dataclass(frozen=True)
class Token:
    """A word of a text: folded, and the characters that it is."""

    word: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """The words of a text that is not folded, with their places."""
    for match in _WORD.finditer(text):
        for word in _words_in(match.group()):
            yield Token(word, match.start(), match.end())


@lru_cache(maxsize=50_000)
def _words_in(word: str) -> tuple[str, ...]:
    """A word folded: one letter may fold to several words (½), at one place."""
    return tuple(words(fold(word)))
