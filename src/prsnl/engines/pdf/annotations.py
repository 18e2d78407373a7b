"""What lies upon a page: links, and what readers have noted."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import Link
from prsnl.engines.pdf.limits import (
    ANNOTATIONS_MAX,
    COMMENT_CHARACTERS_MAX,
    URL_BYTES_MAX,
)

#: What a link stands on is a few words; more is a whole page made one link.
_LINK_TEXT_MAX: Final = 200
_SCHEMES: Final = ("http://", "https://", "mailto:", "ftp://", "tel:")
#: Kinds whose words are not drawn on the page: a reader opens them.
_NOTES: Final = frozenset(
    {
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_CARET,
        pdfium_c.FPDF_ANNOT_INK,
        pdfium_c.FPDF_ANNOT_SQUARE,
        pdfium_c.FPDF_ANNOT_CIRCLE,
        pdfium_c.FPDF_ANNOT_LINE,
    }
)


def links(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, text: pdfium.PdfTextPage
) -> tuple[Link, ...]:
    """The addresses that a page leads to, in their order, each once a place."""
    found: list[Link] = []
    position = ctypes.c_int(0)
    link = pdfium_c.FPDF_LINK()
    while len(found) < ANNOTATIONS_MAX and pdfium_c.FPDFLink_Enumerate(
        page, ctypes.byref(position), ctypes.byref(link)
    ):
        url = _url(document, link)
        if url.lower().startswith(_SCHEMES):
            told = Link(url=url, text=_text_under(link, text))
            if told not in found[-1:]:
                found.append(told)
    return tuple(found)


def comments(page: pdfium.PdfPage) -> tuple[str, ...]:
    """What readers have noted, each as a paragraph that says so."""
    told = []
    for annotation in _annotations(page):
        if pdfium_c.FPDFAnnot_GetSubtype(annotation) not in _NOTES:
            continue
        if pdfium_c.FPDFAnnot_GetFlags(annotation) & pdfium_c.FPDF_ANNOT_FLAG_HIDDEN:
            continue
        words = tidy(_string(annotation, b"Contents"))
        if words:
            author = " ".join(_string(annotation, b"T").split())
            by = f" by {author}" if author else ""
            told.append(f"[Comment{by}: {words}]")
    return tuple(told)


def _url(document: pdfium.PdfDocument, link: Any) -> str:
    action = pdfium_c.FPDFLink_GetAction(link)
    if not action or pdfium_c.FPDFAction_GetType(action) != pdfium_c.PDFACTION_URI:
        return ""
    size = pdfium_c.FPDFAction_GetURIPath(document, action, None, 0)
    if not 0 < size <= URL_BYTES_MAX:
        return ""
    room = ctypes.create_string_buffer(size)
    pdfium_c.FPDFAction_GetURIPath(document, action, room, size)
    url = room.value.decode(errors="replace").strip()
    return url if url.isprintable() else ""


def _text_under(link: Any, text: pdfium.PdfTextPage) -> str | None:
    box = pdfium_c.FS_RECTF()
    if not pdfium_c.FPDFLink_GetAnnotRect(link, ctypes.byref(box)):
        return None
    told = text.get_text_bounded(box.left, box.bottom, box.right, box.top)
    plain = " ".join(tidy(told).split())
    return plain if 0 < len(plain) <= _LINK_TEXT_MAX else None


def _annotations(page: pdfium.PdfPage) -> Iterator[Any]:
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), ANNOTATIONS_MAX)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if annotation:
            try:
                yield annotation
            finally:
                pdfium_c.FPDFPage_CloseAnnot(annotation)


def _string(annotation: Any, key: bytes) -> str:
    size = pdfium_c.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    if size <= 2:  # noqa: PLR2004 - nothing but its end
        return ""
    room = (ctypes.c_ushort * (size // 2))()
    pdfium_c.FPDFAnnot_GetStringValue(annotation, key, room, size)
    told = bytes(room).decode("utf-16-le", errors="ignore").rstrip("\x00")
    return told[:COMMENT_CHARACTERS_MAX]
