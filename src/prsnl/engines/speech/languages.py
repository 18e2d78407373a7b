"""Names of languages: servers say "english" where others say "en"."""

from __future__ import annotations

from typing import Final

_CODES: Final = {
    "english": "en",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "dutch": "nl",
    "polish": "pl",
    "russian": "ru",
    "ukrainian": "uk",
    "czech": "cs",
    "slovak": "sk",
    "slovenian": "sl",
    "croatian": "hr",
    "serbian": "sr",
    "bosnian": "bs",
    "bulgarian": "bg",
    "macedonian": "mk",
    "romanian": "ro",
    "hungarian": "hu",
    "greek": "el",
    "turkish": "tr",
    "swedish": "sv",
    "danish": "da",
    "norwegian": "no",
    "finnish": "fi",
    "icelandic": "is",
    "estonian": "et",
    "latvian": "lv",
    "lithuanian": "lt",
    "catalan": "ca",
    "galician": "gl",
    "basque": "eu",
    "welsh": "cy",
    "afrikaans": "af",
    "albanian": "sq",
    "arabic": "ar",
    "hebrew": "he",
    "persian": "fa",
    "urdu": "ur",
    "hindi": "hi",
    "bengali": "bn",
    "tamil": "ta",
    "telugu": "te",
    "marathi": "mr",
    "gujarati": "gu",
    "kannada": "kn",
    "malayalam": "ml",
    "punjabi": "pa",
    "nepali": "ne",
    "sinhala": "si",
    "thai": "th",
    "vietnamese": "vi",
    "indonesian": "id",
    "malay": "ms",
    "tagalog": "tl",
    "chinese": "zh",
    "mandarin": "zh",
    "cantonese": "yue",
    "japanese": "ja",
    "korean": "ko",
    "mongolian": "mn",
    "kazakh": "kk",
    "azerbaijani": "az",
    "armenian": "hy",
    "georgian": "ka",
    "belarusian": "be",
    "swahili": "sw",
    "somali": "so",
    "amharic": "am",
    "yoruba": "yo",
    "hausa": "ha",
    "latin": "la",
    "maltese": "mt",
    "luxembourgish": "lb",
    "yiddish": "yi",
}
_LONGEST_CODE: Final = 3


def code_of(told: str) -> str | None:
    """ISO 639-1 of a language by its English name or its code; None if unknown."""
    plain = told.strip().casefold()
    if plain in _CODES:
        return _CODES[plain]
    code = plain.partition("-")[0]
    is_code = code.isascii() and code.isalpha() and 1 < len(code) <= _LONGEST_CODE
    return code if is_code else None
