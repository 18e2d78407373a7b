"""Numbers as a spreadsheet shows them: its format codes, as far as people use them.

Dates are shown as ISO 8601, whatever the format says: 03/04 is two days in the world.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

#: Formats that a file refers to without telling their code (ECMA-376, 18.8.30).
BUILT_IN: Final = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00",
    40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0",
    49: "@",
}  # fmt: skip
_LITERAL: Final = re.compile(r'"([^"]*)"|\\(.)|_.|\*.')
_CURRENCY: Final = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
_BRACKETS: Final = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[#0?][#0?,. ]*")
_DATE: Final = re.compile(r"[dyhs]|m(?!ax)", re.IGNORECASE)
_FRACTION_MAX: Final = 15
_EXACT_DIGITS: Final = 15
_DAYS_MAX: Final = 2_958_466  # 31 December 9999, one more
_FALSE_LEAP_DAY: Final = 60
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400


def shown(value: float, code: str, *, from_1904: bool = False) -> str:
    """A number as a cell of that format shows it.

    Args:
        value: The number; of a date its serial number.
        code: The format's code.
        from_1904: Whether dates count from 1904, as on an old Macintosh.
    """
    if not math.isfinite(value):
        return str(value)
    if code == "General":
        return general(value)
    section = _section(code, value)
    if is_date(section):
        return _date(value, section, from_1904=from_1904)
    return _number(value, section, has_own_sign=value < 0 and _sections(code) > 1)


@lru_cache(maxsize=4096)
def is_date(code: str) -> bool:
    """Whether a format shows dates or times."""
    if code.strip().lower() in {"general", "@", ""}:
        return False
    bare = _BRACKETS.sub("", _LITERAL.sub("", code))
    return bool(_DATE.search(bare)) and "E+" not in bare.upper()


def general(value: float) -> str:
    """A number without a format: no more digits than it has."""
    if value == int(value) and abs(value) < 10**_EXACT_DIGITS:
        return str(int(value))
    return f"{value:.{_EXACT_DIGITS}g}"


@lru_cache(maxsize=4096)
def _split(code: str) -> tuple[str, ...]:
    pieces, quoted = [""], False
    for letter in code:
        quoted ^= letter == '"'
        if letter == ";" and not quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return tuple(pieces)


def _sections(code: str) -> int:
    return len(_split(code))


def _section(code: str, value: float) -> str:
    """The part of a format for positive, negative or zero."""
    pieces = _split(code)
    if value < 0 and len(pieces) > 1:
        return pieces[1]
    if value == 0 and len(pieces) > 2:  # noqa: PLR2004
        return pieces[2]
    return pieces[0]


def _number(value: float, code: str, *, has_own_sign: bool) -> str:
    bare = _BRACKETS.sub("", _CURRENCY.sub(lambda m: f'"{m.group(1)}"', code))
    text = _LITERAL.sub(lambda m: m.group(1) or m.group(2) or "", bare)
    mask = _LITERAL.sub(lambda m: "\x00" * len(m.group(1) or m.group(2) or ""), bare)
    if not code.strip() or "general" in code.lower() or "@" in mask:
        return general(value)
    found = _NUMBER.search(mask)
    if found is None:
        return text.strip()
    digits = found.group().rstrip(" ")
    if "E" in mask[found.end() :].upper()[:1] or "/" in mask:
        return general(value)
    percent = "%" in mask
    scale = len(digits) - len(digits.rstrip(","))
    told = abs(value) * (100 if percent else 1) / 1000**scale
    places = min(len(digits.partition(".")[2].strip(", ")), _FRACTION_MAX)
    grouped = "," in digits.rstrip(",")
    body = f"{told:,.{places}f}" if grouped else f"{told:.{places}f}"
    body = _without_optional(body, digits.partition(".")[2])
    sign = "-" if value < 0 and not has_own_sign and body.strip("0.,") else ""
    before, after = text[: found.start()], text[found.start() + len(digits) :]
    return f"{sign}{before}{body}{after}".strip()


def _without_optional(body: str, fraction: str) -> str:
    """Drop zeros at the end that the format shows only where they count."""
    needed = fraction.rfind("0") + 1
    whole, point, shown_part = body.partition(".")
    while len(shown_part) > needed and shown_part.endswith("0"):
        shown_part = shown_part[:-1]
    return f"{whole}{point}{shown_part}" if shown_part else whole


def _date(value: float, code: str, *, from_1904: bool) -> str:
    bare = _BRACKETS.sub("", _LITERAL.sub("", code)).lower()
    has_day = bool(re.search(r"[dy]|mmm", bare)) or not re.search(r"[hs]", bare)
    has_time = bool(re.search(r"[hs]", bare))
    if "[" in bare or not has_day:
        return _clock(value, "s" in bare, is_span="[" in bare)
    if not 0 <= value < _DAYS_MAX:
        return general(value)
    moment = _moment(value, from_1904=from_1904)
    day = moment.date().isoformat()
    if not has_time:
        return day
    return f"{day} {moment:%H:%M:%S}" if "s" in bare else f"{day} {moment:%H:%M}"


def _moment(value: float, *, from_1904: bool) -> datetime:
    if from_1904:
        start = datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet knows no zone
    elif value < _FALSE_LEAP_DAY:  # it believes in 29 February 1900
        start = datetime(1899, 12, 31)  # noqa: DTZ001
    else:
        start = datetime(1899, 12, 30)  # noqa: DTZ001
    return start + timedelta(days=int(value), seconds=round(value % 1 * _DAY_S))


def _clock(value: float, has_seconds: bool, *, is_span: bool) -> str:  # noqa: FBT001
    seconds = round(abs(value) * _DAY_S)
    if not is_span:
        seconds %= _DAY_S
    minutes, rest = divmod(seconds, _MINUTE_S)
    hours, minutes = divmod(minutes, _MINUTE_S)
    sign = "-" if value < 0 else ""
    told = f"{sign}{hours:02}:{minutes:02}"
    return f"{told}:{rest:02}" if has_seconds else told
