"""Sentences, by pySBD: the only module that knows it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Final

with warnings.catch_warnings():
    # Its source holds escapes that newer Pythons warn of when they compile it.
    warnings.simplefilter("ignore")
    import pysbd
    from pysbd.languages import LANGUAGE_CODES

_PARAGRAPH: Final = re.compile(r"\n[ \t]*\n\s*")
#: Longer paragraphs are cut before they are divided: pySBD is not linear.
_PARAGRAPH_MAX: Final = 5_000
_WRAPPED_LINE: Final = re.compile(r"\s+")


@cache
def _segmenter(language: str) -> pysbd.Segmenter:
    return pysbd.Segmenter(language=language, clean=False)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of *text*, each at most 5,000 characters long."""
    for paragraph in _PARAGRAPH.split(text):
        for start in range(0, len(paragraph), _PARAGRAPH_MAX):
            piece = paragraph[start : start + _PARAGRAPH_MAX].strip()
            if piece:
                yield piece


def sentences(paragraph: str, language: str | None) -> list[str]:
    """The sentences of one paragraph, its wrapped lines joined.

    Args:
        paragraph: At most 5,000 characters, as `paragraphs` gives it.
        language: ISO 639-1; a language without rules is divided as English.
    """
    known = language if language in LANGUAGE_CODES else "en"
    joined = _WRAPPED_LINE.sub(" ", paragraph).strip()
    return [
        piece for one in _segmenter(known).segment(joined) if (piece := one.strip())
    ]
