"""Bytes to text: byte order marks, UTF-8, UTF-16, else Windows-1252."""

from __future__ import annotations

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Control characters that no text has.
_BINARY: Final = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_BINARY_SHARE_MAX: Final = 0.002
_UTF16_ZEROS_MIN: Final = 0.3


def decode_text(data: bytes, *, whole: bool = True) -> str | None:
    """The text that *data* holds, or None if it holds something else.

    A byte order mark decides; then UTF-16 without one if every other byte of what is
    mostly Latin is zero; then UTF-8; and since almost every old text is Windows-1252,
    that, unless the result has control characters.

    Args:
        data: The bytes of a text, or its first ones.
        whole: False if *data* was cut, perhaps within a character.
    """
    found = charset(data, whole=whole)
    return None if found is None else data.decode(found, errors="ignore")


def charset(data: bytes, *, whole: bool = True) -> str | None:
    """The name of the encoding of *data*, or None if it is no text."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name if _is_text(data.decode(name, errors="replace")) else None
    if guessed := _utf16_without_mark(data):
        return guessed
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return "cp1252" if _is_cp1252(data) else None
    return "utf-8" if _is_text(data.decode("utf-8", errors="ignore")) else None


def known(name: str | None) -> str | None:
    """A charset that a file names, if it is one; a file may name anything."""
    try:
        b"".decode(name or "")
        return codecs.lookup(name or "").name
    except (LookupError, ValueError):
        return None


def _utf16_without_mark(data: bytes) -> str | None:
    sample = data[:4096]
    half = len(sample) // 2
    if half == 0:
        return None
    for name, zeros, letters in (
        ("utf-16-le", sample[1::2], sample[0::2]),
        ("utf-16-be", sample[0::2], sample[1::2]),
    ):
        if (
            zeros.count(0) > _UTF16_ZEROS_MIN * half
            and letters.count(0) == 0
            and _is_text(sample.decode(name, errors="replace"))
        ):
            return name
    return None


def _is_cp1252(data: bytes) -> bool:
    text = data.decode("cp1252", errors="replace")
    high = sum(byte >= 0x80 for byte in data[:_SAMPLE_BYTES])  # noqa: PLR2004
    letters = sum(letter.isalpha() for letter in text[:_SAMPLE_BYTES])
    return _is_text(text) and high <= letters


_SAMPLE_BYTES: Final = 64 * 1024


def _is_text(text: str) -> bool:
    if not text:
        return False
    odd = len(_BINARY.findall(text)) + text.count("\ufffd")
    return odd <= _BINARY_SHARE_MAX * len(text)
