"""Which language a text is in, as OCR needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prsnl.engines.ocr.languages import by_short, of_script
from prsnl.engines.text.language import language_of

#: Lingua is believed from here on.
_SURE: Final = 0.7
#: Fewer letters decide nothing: names and numbers look like any language.
_LETTERS_MIN: Final = 40
#: English words stand in documents of every language.
_ALWAYS: Final = "eng"
#: The detector of scripts is believed from here on, for a page that reads badly.
_SCRIPT_SURE: Final = 2.0


@dataclass(frozen=True)
class Guess:
    """The languages of a document, the main one first; empty if unknown."""

    languages: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether one was found."""
        return bool(self.languages)


def guess(text: str) -> Guess:
    """The languages of a text, if it is long and clear enough to tell."""
    if sum(sign.isalpha() for sign in text) < _LETTERS_MIN:
        return Guess()
    short, confidence = language_of(text)
    code = by_short(short)
    if code is None or (confidence or 0.0) < _SURE:
        return Guess()
    return Guess(tuple(dict.fromkeys((code, _ALWAYS))))


def guess_of_script(told: tuple[str, float] | None) -> Guess:
    """The languages of a script that a page seems to be in, other than Latin."""
    if told is None or told[1] < _SCRIPT_SURE or told[0] == "Latin":
        return Guess()
    return Guess(of_script(told[0]))
