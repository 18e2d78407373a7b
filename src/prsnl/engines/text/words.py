"""Words, and those that carry no meaning of their own."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from prsnl.engines.stop_words import STOP_WORDS

WORD: Final = re.compile(r"[^\W\d_](?:[\w'\u2019\-]{0,60}\w)?")
#: Written without spaces: pairs of characters stand for words.
UNSPACED: Final = frozenset({"zh", "ja", "th"})
_IDEOGRAPH: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

_NO_WORDS: Final[frozenset[str]] = frozenset()


def stop_words(language: str | None) -> frozenset[str]:
    """The words without meaning of a language; none for one without a list."""
    return STOP_WORDS.get(language or "", _NO_WORDS)


def terms(text: str, language: str | None) -> list[str]:
    """The words of *text* that mean something, folded, in order, with repetition."""
    if language in UNSPACED:
        signs = _IDEOGRAPH.findall(text)
        return [one + other for one, other in pairwise(signs)]
    left_out = stop_words(language)
    folded = (word.casefold() for word in WORD.findall(text))
    return [word for word in folded if len(word) > 1 and word not in left_out]
