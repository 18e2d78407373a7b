"""Lengths of time to act in: "within 14 days", "three months' notice"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_NUMBER_WORDS: Final = (
    "one ein einem einer einen eine un une uno",
    "two zwei deux dos due twee dois",
    "three drei trois tres tre drie três",
    "four vier quatre cuatro quattro quatro",
    "five fünf cinq cinco cinque vijf",
    "six sechs seis sei zes",
    "seven sieben sept siete sette zeven sete",
    "eight acht huit ocho otto oito",
    "nine neun neuf nueve nove negen",
    "ten zehn dix diez dieci tien dez",
    "eleven elf onze once undici",
    "twelve zwölf douze doce dodici twaalf",
)
_NUMBERS: Final = {
    word: number
    for number, words in enumerate(_NUMBER_WORDS, 1)
    for word in words.split()
}
#: ISO 8601's letter -> the words of a unit.
_UNITS: Final = {
    "D": r"(?:calendar |kalender)?(?:days?|tage?n?|jours?|días?|giorn[io]|dagen|dag|"
    r"dias?)",
    "W": r"weeks?|wochen?|semaines?|semanas?|settiman[ae]|weken|week",
    "M": r"months?|monate?n?|mois|mes(?:es)?|mes[ei]|maanden|maand|mês",
    "Y": r"years?|jahre?n?|ans?|années?|años?|ann[io]|jaar|anos?",
}
_UNIT: Final = "|".join(f"(?P<{letter}>{words})" for letter, words in _UNITS.items())
_WORD: Final = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_LENGTH: Final = (
    rf"(?P<number>\d{{1,3}}|{_WORD})(?:[ ]\(\d{{1,3}}\))?[ \u00a0\-]{{1,2}}(?:{_UNIT})"
)
_BEFORE: Final = re.compile(
    r"(?<!\w)(?P<label>within|no later than|notice(?: period)? of|innerhalb von|"
    r"innerhalb|binnen|kündigungsfrist(?: von| beträgt)?|frist von|zahlungsziel:?|"
    r"sous|dans un délai de|dans les|préavis de|en un plazo de|dentro de|plazo de|"
    r"preaviso de|entro|preavviso di|opzegtermijn van|no prazo de|"
    r"aviso prévio de)[ \u00a0\n]"
    rf"{_LENGTH}(?!\w)",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    rf"(?<![\w.,\-]){_LENGTH}['\u2019]?(?:s['\u2019])?[ ]"
    r"(?P<label>(?:written |prior )?notice)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class FoundTerm:
    """One length of time: where it stands, and in ISO 8601 ("P14D")."""

    start: int
    end: int
    value: str
    label: str


def find_terms(text: str) -> Iterator[FoundTerm]:
    """Every length of time that the text gives somebody to act in."""
    taken: set[int] = set()
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(text):
            start = match.start("number")
            if start in taken:
                continue
            taken.add(start)
            written = match["number"].casefold()
            number = int(written) if written.isdecimal() else _NUMBERS[written]
            letter = next(one for one in _UNITS if match[one])
            end = max(match.end(letter), start)
            yield FoundTerm(
                start=start,
                end=end,
                value=f"P{number}{letter}",
                label=" ".join(match["label"].split()),
            )
