"""Texts that a row can hold."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, StringConstraints


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


StorableText: TypeAlias = Annotated[str, AfterValidator(storable)]
#: One line that a person typed: without blanks around it, and not empty.
ShortText: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(storable),
]
#: A tag, as it is kept.
Tag: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(storable),
]
