"""Text layer or OCR: what a page of a PDF shows, and what follows from it."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.engines.contracts import OcrNeed, OcrRegion

#: Left, top, right, bottom in parts of the unturned page, from 0 to 1.
Place: TypeAlias = tuple[float, float, float, float]

#: A text of which more letters than this mean nothing is no text.
_MEANINGLESS_MAX: Final = 0.3
#: Together so much of a page in pictures, and it is a scan.
_FULL_PAGE: Final = 0.8
#: A scan with fewer letters over it bears a stamp, a page number, a fax's header.
_STAMP_LETTERS: Final = 100
#: A scanner's text layer that reads worse is not trusted.
_PLAUSIBLE_MIN: Final = 0.6
#: Smaller pictures, in parts of the page or in their own pixels, hold no text.
_PICTURE_MIN: Final = 0.01
_PICTURE_PIXELS_MIN: Final = (60, 12)
_PICTURES_MAX: Final = 8
#: Pictures that stand so near are strips of one.
_NEAR: Final = 0.005
_OBJECTS_MAX: Final = 20_000
_DEPTH_MAX: Final = 3
_SAMPLED_LETTERS: Final = 40
_TOKEN: Final = re.compile(r"\S+")
#: Words of one letter, in the languages of Europe.
_LONE_LETTERS: Final = frozenset("aAIiOoyYeEuUwWzZkKvVsS&")
_EDGES: Final = " \t.,;:!?()[]{}\"'\u2018\u2019\u201c\u201d\u00ab\u00bb-\u2013\u2014/*"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a page shows besides its text.

    Attributes:
        pictures: Where its pictures stand, the large ones, strips joined.
        is_drawn_on: Whether anything at all stands on it.
        is_invisible: Whether its text is there to be searched, and not shown: the
            layer that a scanner puts over a picture.
        known_letters: The part of the sampled letters whose font says what they mean.
    """

    pictures: tuple[Place, ...] = ()
    is_drawn_on: bool = False
    is_invisible: bool = False
    known_letters: float | None = None


def evidence(
    page: pdfium.PdfPage,
    text: pdfium.PdfTextPage,
    *,
    has_text: bool,
    may_have_pictures: bool,
    known_letters: float | None,
) -> Evidence:
    """Look at a page.

    Args:
        page: The page.
        text: Its text layer.
        has_text: Whether that holds letters.
        may_have_pictures: False if the whole file holds none: then a page of text
            needs no look at its objects.
        known_letters: The part of the sampled letters that mean something.
    """
    if has_text and not may_have_pictures:
        return Evidence(is_drawn_on=True, known_letters=known_letters)
    pictures = _joined(list(_pictures(page)))
    return Evidence(
        pictures=tuple(pictures),
        is_drawn_on=pdfium_c.FPDFPage_CountObjects(page) > 0,
        is_invisible=has_text and bool(pictures) and _is_invisible(text),
        known_letters=known_letters,
    )


def decide(found: Evidence, text: str, lines: Sequence[tuple[str, Place]]) -> (
    OcrNeed | None
):  # fmt: skip
    """What of a page must be recognised; None where its text layer says it all.

    Args:
        found: What it shows.
        text: Its cleaned text.
        lines: The lines of its text layer with their places, in reading order.
    """
    covered = sum(map(_area, found.pictures))
    if not text.strip():
        return _without_text(found, covered)
    if _meaningless(text, found.known_letters) > _MEANINGLESS_MAX:
        return _whole("the text layer's letters mean nothing: unmapped fonts")
    if covered >= _FULL_PAGE:
        if sum(sign.isalnum() for sign in text) < _STAMP_LETTERS:
            return _whole("a scan with a few letters over it, such as a stamp")
        if plausibility(text) < _PLAUSIBLE_MIN:
            return _whole("a scan whose text layer reads badly")
        if found.is_invisible:
            return None
    return _beside(found.pictures, lines)


def plausibility(text: str) -> float:
    """How much of a text looks like words of some language, from 0 to 1.

    OCR of poor quality leaves lone letters, signs within words, and capitals and
    figures in their middle. Scripts without capitals and spaces pass by their letters.
    """
    tokens = [token.strip(_EDGES) for token in _TOKEN.findall(text)[:2000]]
    tokens = [token for token in tokens if token]
    if not tokens:
        return 0.0
    weights = [(len(token), _is_plausible(token)) for token in tokens]
    return sum(count for count, is_good in weights if is_good) / sum(
        count for count, _ in weights
    )


def _is_plausible(token: str) -> bool:
    letters = sum(sign.isalpha() for sign in token)
    digits = sum(sign.isdigit() for sign in token)
    if letters + digits < 0.75 * len(token):
        return "@" in token or "://" in token or "www." in token
    if len(token) == 1:
        return not token.isascii() or token.isdigit() or token in _LONE_LETTERS
    if digits and letters:
        return token[0].isdigit() or token[-1].isdigit() or token.isupper()
    inner = token[1:]
    return digits > 0 or token.isupper() or inner == inner.lower() or "-" in token


def _without_text(found: Evidence, covered: float) -> OcrNeed | None:
    if covered >= _FULL_PAGE:
        return _whole("no text layer: a scan")
    if found.pictures:
        return _whole("no text layer: pictures")
    if found.is_drawn_on:
        return _whole("no text layer, but something is drawn")
    return None


def _whole(reason: str) -> OcrNeed:
    return OcrNeed(mode="page", reason=reason)


def _beside(
    pictures: Sequence[Place], lines: Sequence[tuple[str, Place]]
) -> OcrNeed | None:
    if not pictures:
        return None
    largest = sorted(pictures, key=_area, reverse=True)[:_PICTURES_MAX]
    regions = tuple(
        OcrRegion(box=place, after=_line_above(place, lines))
        for place in sorted(largest, key=lambda place: place[1])
    )
    return OcrNeed(mode="pictures", reason="OCR of its pictures", regions=regions)


def _line_above(place: Place, lines: Sequence[tuple[str, Place]]) -> str | None:
    """The last line, in reading order, that stands above a picture and over it."""
    above = [
        text
        for text, (left, _, right, bottom) in lines
        if bottom <= (place[1] + place[3]) / 2 and left < place[2] and right > place[0]
    ]
    return above[-1].strip() if above else None


def _meaningless(text: str, known_letters: float | None) -> float:
    unmapped = 0.0 if known_letters is None else 1 - known_letters
    if text.isascii():
        return unmapped
    signs = text.replace("\n", "").replace(" ", "")
    empty = signs.count("\ufffd")
    if not signs.isprintable():  # which tells of most pages that none is meaningless
        signs = "".join(signs.split())
        empty += sum(
            unicodedata.category(sign) in {"Co", "Cc", "Cn", "Cs"} for sign in signs
        )
    return max(empty / max(1, len(signs)), unmapped)


def _pictures(page: pdfium.PdfPage) -> Iterator[Place]:
    """Where pictures stand, those in forms too."""
    left, bottom, right, top = page.get_bbox()
    width, height = max(right - left, 1e-6), max(top - bottom, 1e-6)
    for x0, y0, x1, y1 in _picture_bounds(page):
        place = (
            _part((x0 - left) / width),
            _part((top - y1) / height),
            _part((x1 - left) / width),
            _part((top - y0) / height),
        )
        if _area(place) > 0:
            yield place


def _picture_bounds(page: pdfium.PdfPage) -> Iterator[Place]:
    count = min(pdfium_c.FPDFPage_CountObjects(page), _OBJECTS_MAX)
    for index in range(count):
        one = pdfium_c.FPDFPage_GetObject(page, index)
        yield from _bounds_of(one, (), 0)


Matrix: TypeAlias = tuple[float, float, float, float, float, float]


def _bounds_of(
    one: pdfium_c.FPDF_PAGEOBJECT, around: tuple[Matrix, ...], depth: int
) -> Iterator[Place]:
    kind = pdfium_c.FPDFPageObj_GetType(one)
    if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
        if _is_large(one):
            yield from _bounds(one, around)
    elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _DEPTH_MAX:
        matrix = pdfium_c.FS_MATRIX()
        if not pdfium_c.FPDFPageObj_GetMatrix(one, ctypes.byref(matrix)):
            return
        inner = (
            (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f),
            *around,
        )
        for index in range(min(pdfium_c.FPDFFormObj_CountObjects(one), _OBJECTS_MAX)):
            part = pdfium_c.FPDFFormObj_GetObject(one, index)
            yield from _bounds_of(part, inner, depth + 1)


def _is_large(one: pdfium_c.FPDF_PAGEOBJECT) -> bool:
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    if not pdfium_c.FPDFImageObj_GetImagePixelSize(
        one, ctypes.byref(wide), ctypes.byref(high)
    ):
        return True
    # A strip of a scan may be a few pixels high.
    return wide.value >= _PICTURE_PIXELS_MIN[0] or high.value >= _PICTURE_PIXELS_MIN[0]


def _bounds(
    one: pdfium_c.FPDF_PAGEOBJECT, around: tuple[Matrix, ...]
) -> Iterator[Place]:
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium_c.FPDFPageObj_GetBounds(one, *map(ctypes.byref, edges)):
        return
    left, bottom, right, top = (edge.value for edge in edges)
    if not all(map(math.isfinite, (left, bottom, right, top))):
        return
    corners = [(left, bottom), (left, top), (right, bottom), (right, top)]
    for a, b, c, d, e, f in around:
        corners = [(a * x + c * y + e, b * x + d * y + f) for x, y in corners]
    across = [x for x, _ in corners]
    up = [y for _, y in corners]
    yield min(across), min(up), max(across), max(up)


def _joined(places: list[Place]) -> list[Place]:
    """Strips of one scan as one; what is small after that is left out."""
    made: list[Place] = []
    for place in sorted(places, key=lambda place: (place[1], place[0])):
        grown = place
        apart = []
        for other in made:
            if _are_near(grown, other):
                grown = _around(grown, other)
            else:
                apart.append(other)
        made = [*apart, grown]
    return [place for place in made if _area(place) >= _PICTURE_MIN]


def _are_near(one: Place, other: Place) -> bool:
    return (
        one[0] - _NEAR <= other[2]
        and other[0] - _NEAR <= one[2]
        and one[1] - _NEAR <= other[3]
        and other[1] - _NEAR <= one[3]
    )


def _around(one: Place, other: Place) -> Place:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _area(place: Place) -> float:
    return max(0.0, place[2] - place[0]) * max(0.0, place[3] - place[1])


def _part(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 5)


def _is_invisible(text: pdfium.PdfTextPage) -> bool:
    """Whether most of the sampled letters are not painted."""
    count = text.count_chars()
    sample = range(0, count, max(1, count // _SAMPLED_LETTERS))
    hidden = seen = 0
    for index in sample:
        holder = pdfium_c.FPDFText_GetTextObject(text, index)
        if holder:
            seen += 1
            mode = pdfium_c.FPDFTextObj_GetTextRenderMode(holder)
            hidden += mode == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
    return hidden * 2 > seen
