"""What a PDF's text layer needs: ligatures and hyphens at line ends."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

from prsnl.engines.cleaning import tidy
from prsnl.engines.pdf.layout import JOINED

_SOFT_HYPHEN: Final = "\u00ad"
#: The Latin and Armenian ligatures alone: what else NFKC folds carries meaning.
_LIGATURES: Final = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
        "\ufb13": "\u0574\u0576",
        "\ufb14": "\u0574\u0565",
        "\ufb15": "\u0574\u056b",
        "\ufb16": "\u057e\u0576",
        "\ufb17": "\u0574\u056d",
    }
)
_LIGATURE_LETTERS: Final = tuple(map(chr, _LIGATURES))
#: A hyphen between two letters, with or without the line break that was there.
#: (The hyphens first: to look for these few is ten times as quick as for a letter.)
_LINE_END_HYPHEN: Final = re.compile(
    rf"[{JOINED}\-\u2010\u00ac{_SOFT_HYPHEN}](?<=\w.)"
    rf"(?:(?<={JOINED})[ \t]*\n?|[ \t]*\n)[ \t]*(?=\w)"
)
_WORD: Final = re.compile(r"[\w\-\u2010]+")
_WORD_MAX: Final = 60
_LOOKED_FOR_MAX: Final = 100
_OCCURRENCES_MAX: Final = 1000
#: Parts of a word that are written with a hyphen, unless an ending follows them.
_COMPOUNDING: Final = frozenset({"self", "quasi"})
_SUFFIXES: Final = ("ish", "less", "hood")


def clean(raw: str) -> str:
    """A page's text for people: whole words, plain letters, paragraphs."""
    text = raw.replace("\r\n", "\n") if "\r" in raw else raw
    if text.isascii():
        if "-" not in text or ("-\n" not in text and "- \n" not in text):
            return tidy(text)
    elif any(ligature in text for ligature in _LIGATURE_LETTERS):
        text = text.translate(_LIGATURES)
    return tidy(_join_hyphens(text).replace(_SOFT_HYPHEN, ""))


def _join_hyphens(text: str) -> str:
    """Join a word that a line end divided; keep the hyphen of a compound.

    The page itself knows best: a form that it uses elsewhere wins. Else a hyphen
    stays before a capital or a digit ("T-Shirt"), after a part that has one already
    ("state-of-the-art"), after a single letter, where no word is ever divided
    ("e-mail"), and after a part that is always followed by one ("self-taught").
    """
    places = list(_LINE_END_HYPHEN.finditer(text))
    if not places:
        return text
    parts = [
        (_word_before(text, f.start()), _word_after(text, f.end())) for f in places
    ]
    known = _known(text, parts)
    pieces: list[str] = []
    start = 0
    for found, (before, after) in zip(places, parts, strict=True):
        keeps = found.group()[0] != _SOFT_HYPHEN and _keeps(before, after, known)
        pieces += text[start : found.start()], "-" if keeps else ""
        start = found.end()
    pieces.append(text[start:])
    return "".join(pieces)


def _keeps(before: str, after: str, known: Container[str]) -> bool:
    """Whether the two parts belong together with their hyphen."""
    if f"{before}{after}".casefold() in known:
        return False
    return (
        not after[0].islower()
        or not before[-1].isalpha()
        or "-" in before
        or len(before) == 1
        or (before.casefold() in _COMPOUNDING and not after.startswith(_SUFFIXES))
        or f"{before}-{after}".casefold() in known
    )


def _known(text: str, parts: Sequence[tuple[str, str]]) -> Container[str]:
    """Those of the joined forms that the page has as words elsewhere.

    To make a list of all its words is the dearest step of all, so a few are looked for
    one by one.
    """
    text = text.casefold()
    if len(parts) > _LOOKED_FOR_MAX:
        return set(_WORD.findall(text))
    wanted = {joined.casefold() for b, a in parts for joined in (b + a, f"{b}-{a}")}
    return {word for word in wanted if word in text and _has_word(text, word)}


def _has_word(text: str, word: str) -> bool:
    place = -1
    for _ in range(_OCCURRENCES_MAX):
        place = text.find(word, place + 1)
        if place < 0:
            return False
        end = place + len(word)
        around = text[max(0, place - 1) : place] + text[end : end + 1]
        if not _WORD.search(around):
            return True
    return False


def _word_before(text: str, end: int) -> str:
    start = end
    floor = max(0, end - _WORD_MAX)
    while start > floor and _WORD.match(text[start - 1]):
        start -= 1
    return text[start:end]


def _word_after(text: str, start: int) -> str:
    found = _WORD.match(text, start, min(len(text), start + _WORD_MAX))
    return found.group() if found else ""
