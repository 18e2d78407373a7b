"""The language of a text, by Lingua: the only module that knows it.

A restricted set of languages in the low accuracy mode takes 50 MB; every language
in full takes 0.9 GB.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

_LANGUAGES: Final = (
    Language.ARABIC,
    Language.BOKMAL,
    Language.BULGARIAN,
    Language.CATALAN,
    Language.CHINESE,
    Language.CROATIAN,
    Language.CZECH,
    Language.DANISH,
    Language.DUTCH,
    Language.ENGLISH,
    Language.FINNISH,
    Language.FRENCH,
    Language.GERMAN,
    Language.GREEK,
    Language.HEBREW,
    Language.HINDI,
    Language.HUNGARIAN,
    Language.ITALIAN,
    Language.JAPANESE,
    Language.KOREAN,
    Language.LATIN,
    Language.PERSIAN,
    Language.POLISH,
    Language.PORTUGUESE,
    Language.ROMANIAN,
    Language.RUSSIAN,
    Language.SLOVAK,
    Language.SPANISH,
    Language.SWEDISH,
    Language.TURKISH,
    Language.UKRAINIAN,
)
#: Fewer letters than this tell nothing.
_LETTERS_MIN: Final = 12
_CONFIDENCE_MIN: Final = 0.4
#: What is read of a long text, from three places.
_SAMPLE_CHARACTERS: Final = 2_000


@cache
def _detector() -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_languages(*_LANGUAGES)
    return builder.with_low_accuracy_mode().build()


def language_of(text: str) -> tuple[str | None, float | None]:
    """The ISO 639-1 code of *text* and a confidence between 0 and 1.

    Both are None if the text is too short to tell, or in no language known here.
    """
    sample = _sample(text)
    if sum(letter.isalpha() for letter in sample) < _LETTERS_MIN:
        return None, None
    best = _detector().compute_language_confidence_values(sample)[0]
    if best.value < _CONFIDENCE_MIN:
        return None, None
    return best.language.iso_code_639_1.name.lower(), round(best.value, 3)


def _sample(text: str) -> str:
    if len(text) <= 3 * _SAMPLE_CHARACTERS:
        return text
    middle = (len(text) - _SAMPLE_CHARACTERS) // 2
    return "\n".join(
        text[start : start + _SAMPLE_CHARACTERS]
        for start in (0, middle, len(text) - _SAMPLE_CHARACTERS)
    )
