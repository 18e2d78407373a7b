"""Text with some of it marked: what was looked for, and what OCR doubts.

Marks are put into the text as signs of their own before its lines are joined, so that
they stay where they belong; at the end the signs become elements, and all else is
escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

#: Private characters: a text that holds them shows replacement characters instead.
_DOUBT, _DOUBT_END, _FOUND, _FOUND_END = "\ue000", "\ue001", "\ue002", "\ue003"
_SIGN: Final = re.compile("[\ue000-\ue003]")


@dataclass(frozen=True)
class Span:
    """Some characters of a text."""

    start: int
    end: int
    #: For who points at it; None of what was looked for.
    doubt: str | None = None

    @property
    def is_found(self) -> bool:
        """Whether it was looked for, rather than doubted."""
        return self.doubt is None


def signed(text: str, spans: Iterable[Span]) -> str:
    """The text with signs where spans begin and end."""
    clean = _SIGN.sub("\ufffd", text)
    at = sorted(_signs(spans, len(clean)))
    made, place = [], 0
    for offset, _, sign in at:
        made += [clean[place:offset], sign]
        place = offset
    return "".join([*made, clean[place:]])


def _signs(spans: Iterable[Span], length: int) -> Iterator[tuple[int, int, str]]:
    for span in spans:
        if 0 <= span.start < span.end <= length:
            begin, end = _FOUND, _FOUND_END
            if not span.is_found:
                begin, end = _DOUBT, _DOUBT_END
            yield span.start, 1, begin
            yield span.end, 0, end  # what ends here ends before another begins


def unsigned(text: str) -> str:
    """The text without signs."""
    return _SIGN.sub("", text)


def rendered(text: str, spans: Iterable[Span] = ()) -> Markup:
    """A signed text as HTML.

    Args:
        text: With its signs.
        spans: Those that were signed; what is doubted is told for who points at it.
    """
    doubts = iter(
        [
            span.doubt
            for span in sorted(spans, key=_start)
            if not span.is_found and span.start < span.end
        ]
    )
    made, place = Markup(), 0
    doubt: str | None = None
    is_found = False
    for sign in _SIGN.finditer(text):
        made += _wrapped(text[place : sign.start()], doubt, is_found=is_found)
        place = sign.end()
        match sign.group():
            case "\ue000":
                doubt = next(doubts, "") or ""
            case "\ue001":
                doubt = None
            case found:
                is_found = found == _FOUND
    return made + _wrapped(text[place:], doubt, is_found=is_found)


def _start(span: Span) -> int:
    return span.start


def _wrapped(text: str, doubt: str | None, *, is_found: bool) -> Markup:
    made = Markup("<mark>{}</mark>").format(text) if is_found else Markup.escape(text)
    if doubt is not None and text:
        made = Markup('<span class="doubt" title="{}">{}</span>').format(doubt, made)
    return made if text else Markup()
