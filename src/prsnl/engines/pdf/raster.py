"""Pages of a PDF as pictures for OCR; with `pdfium` and `decision` alone PDFium's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from prsnl.core.errors import CorruptError
from prsnl.engines.contracts import ChildFiles, JsonObject, OcrRegion
from prsnl.engines.pdf.pdfium import PdfFile, open_pdf

_POINTS_AN_INCH: Final = 72
_DOTS_AN_INCH: Final = 300
#: A picture on a page is drawn with a little of what surrounds it, in points.
_SURROUNDINGS: Final = 2.0


@dataclass(frozen=True)
class PdfSource:
    """An open PDF, drawn page by page within a limit of pixels."""

    pdf: PdfFile
    pixels_max: int

    def page(self, number: int) -> Image.Image:
        """A page as it is shown, at 300 dots an inch or as near as the limit allows.

        Raises:
            CorruptError: It cannot be drawn.
        """
        with _page(self.pdf, number) as page:
            width, height = page.get_size()
            return _drawn(page, _scale(width, height, self.pixels_max))

    def region(self, number: int, region: OcrRegion) -> Image.Image:
        """A picture on a page; its text layer is left out.

        Raises:
            CorruptError: It cannot be drawn.
        """
        with _page(self.pdf, number) as page:
            rotation = page.get_rotation()
            page.set_rotation(0)
            for index in range(pdfium_c.FPDFPage_CountObjects(page)):
                one = pdfium_c.FPDFPage_GetObject(page, index)
                if pdfium_c.FPDFPageObj_GetType(one) == pdfium_c.FPDF_PAGEOBJ_TEXT:
                    pdfium_c.FPDFPageObj_SetIsActive(one, False)
            width, height = page.get_size()
            left, top, right, bottom = region.box
            crop = (
                max(0.0, left * width - _SURROUNDINGS),
                max(0.0, (1 - bottom) * height - _SURROUNDINGS),
                max(0.0, (1 - right) * width - _SURROUNDINGS),
                max(0.0, top * height - _SURROUNDINGS),
            )
            scale = _scale(
                width - crop[0] - crop[2], height - crop[1] - crop[3], self.pixels_max
            )
            picture = _drawn(page, scale, crop)
        return picture.rotate(-rotation, expand=True) if rotation else picture


@contextmanager
def source(files: ChildFiles, params: JsonObject) -> Iterator[PdfSource]:
    """Open the PDF that `params` names.

    Raises:
        EncryptedError: It needs a password, or another one.
        CorruptError: It is damaged.
    """
    with open_pdf(files.inputs / params["path"], params.get("password")) as pdf:
        yield PdfSource(pdf, int(params["pixels_max"]))


@contextmanager
def _page(pdf: PdfFile, number: int) -> Iterator[pdfium.PdfPage]:
    try:
        page = pdf.document.get_page(number - 1)
        try:
            yield page
        finally:
            page.close()
    except pdfium.PdfiumError as error:
        raise CorruptError(f"Page {number} cannot be drawn.") from error


def _scale(width: float, height: float, pixels_max: int) -> float:
    """Pixels a point: settled before anything is drawn."""
    wanted = _DOTS_AN_INCH / _POINTS_AN_INCH
    allowed = math.sqrt(pixels_max / (max(width, 1.0) * max(height, 1.0)))
    return min(wanted, allowed)


def _drawn(
    page: pdfium.PdfPage,
    scale: float,
    crop: tuple[float, float, float, float] = (0, 0, 0, 0),
) -> Image.Image:
    bitmap = page.render(scale=scale, crop=crop, grayscale=True, draw_annots=True)
    try:
        picture: Image.Image = bitmap.to_pil().convert("L").copy()
    finally:
        bitmap.close()
    return picture
