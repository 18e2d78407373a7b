"""OCR: the text of pages that are pictures."""

from __future__ import annotations

from typing import Final

#: What a warm child has loaded, whichever engine it will use.
PRELOAD: Final = (
    "prsnl.engines.ocr.operations",
    "prsnl.engines.images.decode",
    "prsnl.engines.pdf.raster",
    "PIL.JpegImagePlugin",
)
#: What it has loaded besides, by engine.
PRELOAD_OF: Final = {
    "tesseract": ("prsnl.engines.ocr.tesseract",),
    "rapidocr": ("prsnl.engines.ocr.rapid:model",),
}
