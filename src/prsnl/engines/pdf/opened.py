"""A page and its text as their reader opens and closes them.

pypdfium2 has every object of its own closed when it is forgotten, and keeps a book of
them: a tenth of the time that a page takes. Here whoever opens a page closes it.
"""

from __future__ import annotations

import ctypes
from typing import Self

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c


class OpenPage(pdfium.PdfPage):  # type: ignore[misc]  # pypdfium2 has no types
    """A page, open until `close`."""

    def __init__(self, document: pdfium.PdfDocument, number: int) -> None:
        """Open a page, counted from 1.

        Raises:
            PdfiumError: It is damaged.
        """
        self.pdf = document
        self.formenv = document.formenv
        self.raw = pdfium_c.FPDF_LoadPage(document.raw, number - 1)
        if not self.raw:
            raise pdfium.PdfiumError("Failed to load page.")
        if self.formenv:
            pdfium_c.FORM_OnAfterLoadPage(self.raw, self.formenv)

    def close(self) -> None:
        """Give up what PDFium holds for it."""
        raw, self.raw = self.raw, None
        if raw:
            self._close_impl(raw, self.formenv)


class OpenText(pdfium.PdfTextPage):  # type: ignore[misc]  # pypdfium2 has no types
    """The text of an open page, within a `with` block."""

    def __init__(self, page: OpenPage) -> None:
        """Have PDFium find the text.

        Raises:
            PdfiumError: The page is damaged.
        """
        self.page = page
        self.raw = pdfium_c.FPDFText_LoadPage(page.raw)
        if not self.raw:
            raise pdfium.PdfiumError("Failed to load text page.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        raw, self.raw = self.raw, None
        pdfium_c.FPDFText_ClosePage(raw)

    def whole(self, count: int) -> str:
        """All of its *count* characters, as `get_text_range` tells them."""
        last = pdfium_c.FPDFText_GetTextIndexFromCharIndex(self.raw, count - 1)
        if last < 0 or pdfium_c.FPDFText_GetTextIndexFromCharIndex(self.raw, 0) < 0:
            return str(self.get_text_range())
        units = last + 2  # and a NUL
        room = (ctypes.c_ushort * units)()
        told = pdfium_c.FPDFText_GetText(self.raw, 0, count, room)
        return bytes(room)[: 2 * max(0, told - 1)].decode("utf-16-le", errors="ignore")
