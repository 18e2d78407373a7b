"""Text made clean in the ways that every engine needs."""

from __future__ import annotations

import re
from typing import Final

#: Control characters, non-characters and byte order marks, which no reader wants;
#: a form feed or a vertical tab ends a line.
_UNWANTED: Final = {
    **dict.fromkeys(
        code
        for code in (*range(0x20), *range(0x7F, 0xA0))
        if chr(code) not in "\t\n\x0b\x0c\x85"
    ),
    **dict.fromkeys((0xFFFE, 0xFFFF, 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB)),
    0x0B: "\n",
    0x0C: "\n",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
}
_OTHER_SPACES: Final = "\t\u00a0\u1680\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_SPACES: Final = re.compile(f"[ {_OTHER_SPACES}]+")
_ANY_UNWANTED: Final = re.compile(f"[{re.escape(''.join(map(chr, _UNWANTED)))}]")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def without_controls(text: str) -> str:
    """Drop control characters and non-characters; every line ends in one newline."""
    plain = text
    if "\r" in text:
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain.isascii():
        return plain.translate(_UNWANTED)
    # To look for something is ten times as quick as to translate every letter.
    if _ANY_UNWANTED.search(plain):
        plain = plain.translate(_UNWANTED)
    return plain.encode("utf-8", errors="ignore").decode()  # half a surrogate pair


def tidy(text: str) -> str:
    """Text as paragraphs: single spaces, no trailing ones, one blank line at most."""
    text = without_controls(text)
    # Most texts are tidy, and a pattern that matches every space is dear.
    others = "\t" if text.isascii() else _OTHER_SPACES
    if "  " in text or any(space in text for space in others):
        text = _SPACES.sub(" ", text)
    if " \n" in text or "\n " in text:
        text = "\n".join([line.strip() for line in text.split("\n")])
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip("\n ")
