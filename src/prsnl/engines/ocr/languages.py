"""Languages as OCR engines name them, and as people do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from prsnl.core.errors import BadRequestError

LANGUAGES_MAX: Final = 6
_CODE: Final = re.compile(r"[a-z]{3}(?:_[a-z]{3,8})?")


@dataclass(frozen=True)
class Language:
    """One language."""

    #: As tesseract and ISO 639-2 name it.
    code: str
    #: ISO 639-1, as Lingua and documents name it.
    short: str
    name: str
    #: As tesseract's detector of scripts names it.
    script: str


_ROWS: Final = (
    Language("ara", "ar", "Arabic", "Arabic"),
    Language("bul", "bg", "Bulgarian", "Cyrillic"),
    Language("cat", "ca", "Catalan", "Latin"),
    Language("ces", "cs", "Czech", "Latin"),
    Language("chi_sim", "zh", "Chinese", "Han"),
    Language("chi_tra", "zh-tw", "traditional Chinese", "Han"),
    Language("dan", "da", "Danish", "Latin"),
    Language("deu", "de", "German", "Latin"),
    Language("ell", "el", "Greek", "Greek"),
    Language("eng", "en", "English", "Latin"),
    Language("fas", "fa", "Persian", "Arabic"),
    Language("fin", "fi", "Finnish", "Latin"),
    Language("fra", "fr", "French", "Latin"),
    Language("heb", "he", "Hebrew", "Hebrew"),
    Language("hin", "hi", "Hindi", "Devanagari"),
    Language("hrv", "hr", "Croatian", "Latin"),
    Language("hun", "hu", "Hungarian", "Latin"),
    Language("ita", "it", "Italian", "Latin"),
    Language("jpn", "ja", "Japanese", "Japanese"),
    Language("kor", "ko", "Korean", "Hangul"),
    Language("lat", "la", "Latin", "Latin"),
    Language("nld", "nl", "Dutch", "Latin"),
    Language("nor", "nb", "Norwegian", "Latin"),
    Language("pol", "pl", "Polish", "Latin"),
    Language("por", "pt", "Portuguese", "Latin"),
    Language("ron", "ro", "Romanian", "Latin"),
    Language("rus", "ru", "Russian", "Cyrillic"),
    Language("slk", "sk", "Slovak", "Latin"),
    Language("spa", "es", "Spanish", "Latin"),
    Language("swe", "sv", "Swedish", "Latin"),
    Language("tha", "th", "Thai", "Thai"),
    Language("tur", "tr", "Turkish", "Latin"),
    Language("ukr", "uk", "Ukrainian", "Cyrillic"),
)
_BY_SHORT: Final = {row.short: row for row in _ROWS}
_BY_CODE: Final = {row.code: row for row in _ROWS}
#: What `code_of` takes, for the description; it also takes capitals.
CODE_PATTERN: Final = (
    r"^([a-z]{3}(_[a-z]{3,8})?|("
    + "|".join(sorted({row.short[:2] for row in _ROWS}))
    + r")([_-][a-z0-9]{2,8})*)$"
)


def code_of(told: str) -> str:
    """Our code of a language that somebody names: "de", "de-AT" or "deu" is "deu".

    Raises:
        BadRequestError: It is no such name.
    """
    plain = told.strip().lower().replace("-", "_")
    if plain in _BY_CODE or _CODE.fullmatch(plain):
        return plain
    known = _BY_SHORT.get(plain.replace("_", "-")) or _BY_SHORT.get(plain[:2])
    if known is None or not re.fullmatch(r"[a-z]{2}(?:_[a-z0-9]{2,8})*", plain):
        raise BadRequestError(
            f"{told[:20]!r} names no language: give codes such as en, de, eng, deu."
        )
    return known.code


def codes_of(told: str) -> tuple[str, ...]:
    """The codes in a list such as "de, en" or "deu+eng", each once.

    Raises:
        BadRequestError: One is no language, or they are too many.
    """
    codes = tuple(
        dict.fromkeys(code_of(part) for part in re.split(r"[+,;\s]+", told) if part)
    )
    if len(codes) > LANGUAGES_MAX:
        raise BadRequestError(
            f"These are {len(codes)} languages; at most {LANGUAGES_MAX} are "
            "looked for at once."
        )
    return codes


def by_short(short: str | None) -> str | None:
    """The code for an ISO 639-1 one, if it is known here."""
    row = None if short is None else _BY_SHORT.get(short.lower()[:2])
    return None if row is None else row.code


def name_of(code: str) -> str:
    """What a person calls a language."""
    row = _BY_CODE.get(code)
    return code if row is None else row.name


def of_script(script: str) -> tuple[str, ...]:
    """The codes of the languages that a script is written in, as far as known."""
    return tuple(row.code for row in _ROWS if row.script == script)


def with_scripts(*scripts: str) -> frozenset[str]:
    """The codes of all languages of some scripts."""
    return frozenset(row.code for row in _ROWS if row.script in scripts)


def _once_each(told: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(code_of(one) for one in told))
    except BadRequestError as error:
        raise ValueError(error.message) from error


#: Languages as somebody asks for them, each once, as our codes.
LanguageCodes: TypeAlias = Annotated[
    tuple[Annotated[str, Field(json_schema_extra={"pattern": CODE_PATTERN})], ...],
    Field(max_length=LANGUAGES_MAX),
    AfterValidator(_once_each),
]
