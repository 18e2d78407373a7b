"""Texts that a row can hold, and days and times as texts."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
)


def storable(text: str) -> str:
    """The text, if PostgreSQL can hold it.

    Raises:
        ValueError: It has a NUL, or half of a surrogate pair.
    """
    if "\0" in text or not _is_unicode(text):
        raise ValueError("the text holds a character that is none")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _day(given: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if isinstance(given, date) or (isinstance(given, str) and _DAY.fullmatch(given)):
        return given
    raise ValueError("give a day as YYYY-MM-DD")


def _moment(given: Any) -> Any:
    if isinstance(given, datetime) and given.tzinfo is not None:
        return given
    if isinstance(given, str) and _MOMENT.fullmatch(given):
        return given
    raise ValueError("give a time with its zone, as 2024-05-12T08:00:00Z")


def _flag(given: Any) -> Any:
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise ValueError("give true or false")  # noqa: TRY004 - pydantic wants this one
    return given


#: True or false, and no number for it.
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
#: A time with its zone.
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_moment)]
#: A day.
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]

StorableText: TypeAlias = Annotated[
    str,
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
    AfterValidator(storable),
]
_NOT_BLANK: Final = {"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
#: One line that a person typed: without blanks around it, and not empty.
ShortText: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(json_schema_extra=_NOT_BLANK),
    AfterValidator(storable),
]
#: A tag, as it is kept.
Tag: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(json_schema_extra=_NOT_BLANK),
    AfterValidator(storable),
]
