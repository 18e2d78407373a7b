"""Amounts of money as people write them, in one form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_CURRENCIES: Final = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "$": "USD",
    "us$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "£": "GBP",
    "gbp": "GBP",
    "chf": "CHF",
    "sfr.": "CHF",
    "fr.": "CHF",
    "¥": "JPY",
    "jpy": "JPY",
    "sek": "SEK",
    "nok": "NOK",
    "dkk": "DKK",
    "pln": "PLN",
    "zł": "PLN",
    "czk": "CZK",
    "kč": "CZK",
    "huf": "HUF",
    "cad": "CAD",
    "aud": "AUD",
    "inr": "INR",
    "₹": "INR",
    "cny": "CNY",
    "brl": "BRL",
    "r$": "BRL",
}
_SCALES: Final = {
    "k": 10**3,
    "tsd": 10**3,
    "thousand": 10**3,
    "tausend": 10**3,
    "m": 10**6,
    "mio": 10**6,
    "mln": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "millionen": 10**6,
    "millones": 10**6,
    "milioni": 10**6,
    "miljoen": 10**6,
    "bn": 10**9,
    "mrd": 10**9,
    "billion": 10**9,
    "milliarden": 10**9,
    "milliards": 10**9,
    "miliardi": 10**9,
}
_CURRENCY: Final = "|".join(
    re.escape(one) for one in sorted(_CURRENCIES, key=len, reverse=True)
)
_SCALE: Final = "|".join(sorted(_SCALES, key=len, reverse=True))
#: Every repetition is bounded, so that a wall of digits costs no more than it is long.
_NUMBER: Final = (
    r"(?:\d{1,2}(?:,\d{2}){1,4},\d{3}(?!\d)(?:\.\d{1,2}(?!\d))?"  # lakhs, crores
    r"|\d{1,3}(?:[.,'\u2019 \u00a0\u202f]\d{3}){1,5}(?!\d)(?:[.,]\d{1,2}(?!\d))?"
    r"|\d{1,15}(?:[.,]\d{1,2}(?!\d))?)(?!\d)(?:,-|\.-|,\u2013|\.\u2013)?"
)
_SIGN: Final = r"(?:(?<![\w)])[-\u2212])?"
_BEFORE: Final = re.compile(
    rf"(?<![^\W_])(?P<currency>{_CURRENCY})[ \u00a0\u202f]?"
    rf"(?P<number>{_SIGN}{_NUMBER})(?:[ \u00a0\u202f]?(?P<scale>{_SCALE})(?!\w)\.?)?",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    rf"(?<![\w.,'\u2019])(?P<number>{_SIGN}{_NUMBER})"
    rf"(?:[ \u00a0\u202f]?(?P<scale>{_SCALE})\.?(?!\w))?"
    rf"[ \u00a0\u202f]?(?P<currency>{_CURRENCY})(?!\w)",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(r"[.,]")


@dataclass(frozen=True, kw_only=True)
class FoundAmount:
    """One amount: where it stands, and its value such as "940.00 EUR"."""

    start: int
    end: int
    value: str


def find_amounts(text: str) -> Iterator[FoundAmount]:
    """Every amount of *text* that names its currency, before or after the number."""
    taken: set[int] = set()
    for pattern in (_AFTER, _BEFORE):
        for match in pattern.finditer(text):
            if match.start() in taken or match.end() - 1 in taken:
                continue
            taken.update(range(*match.span()))
            number = decimal_of(match["number"])
            number *= _SCALES[match["scale"].casefold()] if match["scale"] else 1
            currency = _CURRENCIES[match["currency"].casefold()]
            yield FoundAmount(
                start=match.start(), end=match.end(), value=f"{number:.2f} {currency}"
            )


def decimal_of(written: str) -> Decimal:
    """The number in `1.234,56`, `1,234.56`, `1 234,56` or `1'234.56`.

    The last separator is a decimal one if one or two digits follow it; a single one
    before three digits separates thousands.
    """
    negative = written.startswith(("-", "\u2212"))
    plain = re.sub(r"[^\d.,]", "", written).rstrip(".,")
    separators = list(_SEPARATOR.finditer(plain))
    fraction = ""
    if separators and len(plain) - separators[-1].end() <= 2:  # noqa: PLR2004
        plain, fraction = plain[: separators[-1].start()], plain[separators[-1].end() :]
    whole = _SEPARATOR.sub("", plain)
    number = Decimal(f"{whole or '0'}.{fraction or '0'}")
    return -number if negative else number
