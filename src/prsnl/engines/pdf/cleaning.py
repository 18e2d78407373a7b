"""What a PDF's text layer needs: ligatures and hyphens at line ends."""

from __future__ import annotations

import re
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


def clean(raw: str) -> str:
    """A page's text for people: whole words, plain letters, paragraphs."""
    text = raw.replace("\r\n", "\n")
    if text.isascii():
        if "-\n" not in text and "- \n" not in text:
            return tidy(text)
    elif any(ligature in text for ligature in _LIGATURE_LETTERS):
        text = text.translate(_LIGATURES)
    return tidy(_join_hyphens(text).replace(_SOFT_HYPHEN, ""))


def _join_hyphens(text: str) -> str:
    """Join a word that a line end divided; keep the hyphen of a compound.

    The page itself knows best: a form that it uses elsewhere wins. Else a hyphen
    stays before a capital or a digit ("T-Shirt") and after a part that has one
    already ("state-of-the-art").
    """
    if _LINE_END_HYPHEN.search(text) is None:
        return text
    known = {word.casefold() for word in _WORD.findall(text)}

    def joint(found: re.Match[str]) -> str:
        before = _word_before(text, found.start())
        after = _word_after(text, found.end())
        if f"{before}{after}".casefold() in known:
            return ""
        keeps = (
            not after[0].islower()
            or not before[-1].isalpha()
            or "-" in before
            or f"{before}-{after}".casefold() in known
        )
        return "-" if keeps else ""

    return _LINE_END_HYPHEN.sub(joint, text)


def _word_before(text: str, end: int) -> str:
    start = end
    floor = max(0, end - _WORD_MAX)
    while start > floor and _WORD.match(text[start - 1]):
        start -= 1
    return text[start:end]


def _word_after(text: str, start: int) -> str:
    found = _WORD.match(text, start, min(len(text), start + _WORD_MAX))
    return found.group() if found else ""
