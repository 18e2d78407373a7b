"""Recognised words as a page: its text, what is doubtful in it, its Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines.contracts import Doubt
from prsnl.engines.ocr.contract import Paragraph, Word, confidence, words
from prsnl.engines.pdf.cleaning import clean

#: What stands after doubtful words in Markdown.
DOUBT_MARK: Final = "[?]"
#: A word of so many letters or digits can prove that a picture holds text.
_PROOF_LETTERS: Final = 2
#: A picture in which less than this part of the letters is proven holds no text.
_PROVEN_MIN: Final = 0.2
#: A paragraph without a single sure word, and less sure than this, is no text.
_NOISE_BELOW: Final = 0.35
#: How far on, in characters, the next word of the raw text may stand in the clean one.
_SLACK: Final = 80


@dataclass(frozen=True)
class Composed:
    """The text of a page or a picture."""

    text: str
    raw: str
    doubts: tuple[Doubt, ...]
    confidence: float | None


def composed(paragraphs: Sequence[Paragraph], *, doubt_below: float) -> Composed:
    """Clean text of what an engine has found, with what it doubts.

    A picture in which hardly a word is sure holds no text: what was seen there is in
    `raw` alone.
    """
    raw = _joined(paragraphs)
    kept = _without_noise(paragraphs, doubt_below)
    text = clean(_joined(kept))
    doubts = tuple(_merged(text, list(_doubts(kept, text, doubt_below))))
    return Composed(text, raw, doubts, confidence(kept))


def marked(text: str, doubts: Sequence[Doubt]) -> str:
    """The text with a mark after each doubtful place."""
    parts = []
    done = 0
    for doubt in doubts:
        parts += [text[done : doubt.end], DOUBT_MARK]
        done = doubt.end
    return "".join([*parts, text[done:]])


def _joined(paragraphs: Sequence[Paragraph]) -> str:
    return "\n\n".join(
        "\n".join(" ".join(word.text for word in line) for line in lines)
        for lines in paragraphs
    )


def _without_noise(
    paragraphs: Sequence[Paragraph], doubt_below: float
) -> list[Paragraph]:
    """Leave out what is no text: specks read as signs, photographs read as words."""
    cleared = [
        [kept for line in lines if (kept := _without_specks(line, doubt_below))]
        for lines in paragraphs
    ]
    if _proven(cleared, doubt_below) < _PROVEN_MIN:
        return []
    return [
        lines
        for lines in cleared
        if any(_is_proof(word, doubt_below) for word in words([lines]))
        or (confidence([lines]) or 0.0) >= _NOISE_BELOW
    ]


def _proven(paragraphs: Sequence[Paragraph], doubt_below: float) -> float:
    """Which part of all letters stands in words that prove that there is text."""
    found = list(words(paragraphs))
    proof = sum(len(word.text) for word in found if _is_proof(word, doubt_below))
    return proof / max(1, sum(len(word.text) for word in found))


def _without_specks(line: Sequence[Word], doubt_below: float) -> list[Word]:
    return [
        word
        for word in line
        if word.confidence >= doubt_below or any(sign.isalnum() for sign in word.text)
    ]


def _is_proof(word: Word, doubt_below: float) -> bool:
    letters = sum(sign.isalnum() for sign in word.text)
    return word.confidence >= doubt_below and letters >= _PROOF_LETTERS


def _doubts(
    paragraphs: Sequence[Paragraph], text: str, doubt_below: float
) -> Iterator[Doubt]:
    """Where doubtful words stand in the cleaned text: words keep their order there."""
    at = 0
    for word in words(paragraphs):
        shown = clean(word.text)
        found = text.find(shown, at, at + len(shown) + _SLACK) if shown else -1
        if found < 0:  # divided by a line end, and joined without its hyphen
            shown = shown.rstrip("-\u2010\u00ac")
            found = text.find(shown, at, at + len(shown) + _SLACK) if shown else -1
        if found < 0:
            continue
        at = found + len(shown)
        if word.confidence < doubt_below:
            yield Doubt(
                start=found, end=at, confidence=round(max(0.0, word.confidence), 3)
            )


def _merged(text: str, doubts: Sequence[Doubt]) -> Iterator[Doubt]:
    """Neighbours as one: a mark after each word of a line would be noise of its own."""
    held: Doubt | None = None
    for doubt in doubts:
        if held is not None and not text[held.end : doubt.start].strip(" "):
            held = Doubt(
                start=held.start,
                end=doubt.end,
                confidence=min(held.confidence, doubt.confidence),
            )
            continue
        if held is not None:
            yield held
        held = doubt
    if held is not None:
        yield held
