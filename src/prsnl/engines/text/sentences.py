"""Sentences, by pySBD: the only module that knows it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Final

from prsnl.engines.stop_words import STOP_WORDS

with warnings.catch_warnings():
    # Its source holds escapes that newer Pythons warn of when they compile it.
    warnings.simplefilter("ignore")
    import pysbd
    from pysbd.languages import LANGUAGE_CODES

# pySBD hands some 1,400 patterns to `re` as text, which keeps 512 compiled by itself.
re._MAXCACHE = 4096  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way

_PARAGRAPH: Final = re.compile(r"\n[ \t]*\n\s*")
#: Longer paragraphs are cut before they are divided: pySBD is not linear.
_PARAGRAPH_MAX: Final = 5_000
#: Abbreviations that something always follows, and those that may end a sentence.
_NEVER_LAST: Final = re.compile(
    r"(?:^|[\s(])(?:dkt|nos?|figs?|eqs?|vols?|pp|vs|cf|e\.g|i\.e|approx|mrs?|ms|dr|prof|"
    r"nr|abs|abb|tab|vgl|z\. ?b|d\. ?h|u\. ?a|ca|hr|fr|gem)\.$",
    re.IGNORECASE,
)
_ABBREVIATED: Final = re.compile(r"(?:^|[\s(])(?:\w\.){0,4}\w{1,3}\.$")
_LETTER_STOP: Final = re.compile(r"\b[A-Z]\. (?=(?P<next>[A-Z][a-z]{1,20})\b)")
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
    found: list[str] = []
    for one in _segmenter(known).segment(joined):
        for piece in _divided(one.strip()):
            if found and _goes_on(found[-1], piece):
                found[-1] += f" {piece}"
            else:
                found.append(piece)
    return found


def _divided(sentence: str) -> Iterator[str]:
    """Divided behind a single capital, where no name follows: "written in C. We"."""
    start = 0
    for match in _LETTER_STOP.finditer(sentence):
        if match.group("next").casefold() in STOP_WORDS["en"]:
            yield sentence[start : match.start("next")].strip()
            start = match.start("next")
    if rest := sentence[start:].strip():
        yield rest


def _goes_on(sentence: str, following: str) -> bool:
    """Whether a stop was that of an abbreviation, and the sentence goes on."""
    if _NEVER_LAST.search(sentence):
        return True
    ends_short = sentence.endswith(".") and _ABBREVIATED.search(sentence)
    return bool(ends_short) and (following[0].islower() or following[0] in ",;")
