"""Dates in seven languages, with the day that each means where that is certain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

_MONTH_NAMES: Final = (
    "january jan januar jänner janvier janv enero ene gennaio gen januari janeiro",
    "february feb februar febr février févr fév febrero febbraio februari fevereiro",
    "march mar märz mrz mars marzo maart mrt março",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août agosto ago augustus",
    "september sept sep septembre septiembre settembre sett setembro set",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dic dicembre dezembro",
)
#: Name or short form -> month, from 1.
MONTHS: Final = {
    name: number
    for number, names in enumerate(_MONTH_NAMES, 1)
    for name in names.split()
}
_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_CENTURY: Final = 100
#: Two digits of a year: 70 to 99 are of the last century.
_PIVOT: Final = 70
_YEARS: Final = range(1500, 2200)


@dataclass(frozen=True, kw_only=True)
class FoundDate:
    """One date of a text.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends, exclusive.
        value: The day in ISO 8601, or the month ("2024-05") if it names no day.
        day: The same as a date; None for a month, and where two days are possible.
    """

    start: int
    end: int
    value: str | None
    day: date | None


#: Year first, day first, month first; the numbers' order decides what they mean.
_PATTERNS: Final = (
    re.compile(
        r"(?<![\w.\-/])(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
        r"(?![\w/]|[-.]\d)"
    ),
    re.compile(
        r"(?<![\w.\-/])(?P<d>\d{1,2})\.[ \u00a0]?(?P<m>\d{1,2})\.[ \u00a0]?"
        r"(?P<y>\d{4}|\d{2})(?![\w/]|[-.]\d)"
    ),
    re.compile(
        r"(?<![\w.\-/])(?P<a>\d{1,2})(?P<s>[/-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})"
        r"(?![\w/]|[-.]\d)"
    ),
    re.compile(
        r"(?<![\w.\-/])(?P<d>\d{1,2})(?:st|nd|rd|th|er|ère|º|°|\.)?[\s\u00a0]{1,3}"
        rf"(?:of\s|de\s|del\s|d['\u2019])?(?P<month>{_MONTH})\.?,?[\s\u00a0]{{1,3}}"
        r"(?:de\s|del\s|of\s)?(?P<y>\d{4})(?!\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<!\w)(?P<month>{_MONTH})\.?[\s\u00a0]{{1,3}}(?P<d>\d{{1,2}})"
        r"(?:st|nd|rd|th)?,?[\s\u00a0]{1,3}(?P<y>\d{4})(?!\w)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<!\d)(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]"
    ),
    re.compile(
        rf"(?<!\w)(?P<month>{_MONTH})\.?,?[\s\u00a0]{{1,3}}(?:de\s|del\s|of\s)?"
        r"(?P<y>\d{4})(?!\w)",
        re.IGNORECASE,
    ),
)


def find_dates(text: str) -> Iterator[FoundDate]:
    """Every date of *text*; one that overlaps an earlier find is left out.

    Of `05/12/2024` nobody can tell the month: it is found, and has no value. With
    `25/12/2024` the order is certain.
    """
    taken: set[int] = set()
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start in taken or end - 1 in taken:
                continue
            found = _meaning(match)
            if found is not None:
                taken.update(range(start, end))
                yield FoundDate(start=start, end=end, value=found[0], day=found[1])


def _meaning(match: re.Match[str]) -> tuple[str | None, date | None] | None:
    told = match.groupdict()
    year = int(told["y"])
    if len(told["y"]) <= 2:  # noqa: PLR2004
        year += _CENTURY * (19 if year >= _PIVOT else 20)
    if year not in _YEARS:
        return None
    if told.get("a"):
        return _either_order(year, int(told["a"]), int(told["b"]))
    month = int(told["m"]) if told.get("m") else MONTHS[told["month"].casefold()]
    if told.get("d") is None:
        return f"{year:04}-{month:02}", None
    day = _day(year, month, int(told["d"]))
    return (day.isoformat(), day) if day else None


def _either_order(
    year: int, first: int, second: int
) -> tuple[str | None, date | None] | None:
    """Day and month in an order that only their size can tell."""
    days = {
        day
        for day in (_day(year, second, first), _day(year, first, second))
        if day is not None
    }
    if not days:
        return None
    if len(days) > 1:
        return None, None
    day = days.pop()
    return day.isoformat(), day


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
