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
_SPACES: Final = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def without_controls(text: str) -> str:
    """Drop control characters and non-characters; every line ends in one newline."""
    return (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .translate(_UNWANTED)
        .encode("utf-8", errors="ignore")  # half a surrogate pair
        .decode("utf-8")
    )


def tidy(text: str) -> str:
    """Text as paragraphs: single spaces, no trailing ones, one blank line at most."""
    spaced = _SPACES.sub(" ", without_controls(text))
    lines = "\n".join(line.strip() for line in spaced.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")
