"""OCR by Tesseract: the only module that knows tesserocr.

The library comes with the wheel; its language data are the system's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import tesserocr
from PIL.Image import Image
from tesserocr import OEM, PSM, RIL, PyTessBaseAPI

from prsnl.engines.ocr.contract import Line, Paragraph, Word
from prsnl.engines.ocr.reading_order import untangled

_VERSION: Final = tesserocr.tesseract_version().split()[1]
_ORIENTATION: Final = "osd"
#: Tesseract takes it for the size of letters; the pictures come near it.
_DPI: Final = 300
#: Below it the found orientation is a guess ("15 is reasonably confident").
_TURN_CONFIDENCE_MIN: Final = 2.0
#: Layouts are found in whole pages; a lone word or two are not taken for one.
_SEGMENTATIONS: Final = (PSM.AUTO, PSM.SPARSE_TEXT)


class TesseractOcr:
    """Tesseract with some languages loaded."""

    name = f"tesseract {_VERSION}"
    doubt_below = 0.6

    def __init__(self, tessdata: str, languages: tuple[str, ...]) -> None:
        self._tessdata = tessdata
        self._api = PyTessBaseAPI(
            path=tessdata, lang="+".join(languages), oem=OEM.LSTM_ONLY
        )

    def turn(self, picture: Image) -> int | None:
        """Ask its detector of orientation, if the system has the data for it."""
        told = _orientation(self._tessdata, picture)
        if told is None or told["orient_conf"] < _TURN_CONFIDENCE_MIN:
            return None
        return int(360 - told["orient_deg"]) % 360

    def script(self, picture: Image) -> tuple[str, float] | None:
        """The script of an upright picture, and how sure that is; None if unknown."""
        told = _orientation(self._tessdata, picture)
        if told is None:
            return None
        return str(told["script_name"]), float(told["script_conf"])

    def read(self, picture: Image) -> list[Paragraph]:
        """Its own paragraphs and order, where it has told columns apart."""
        for segmentation in _SEGMENTATIONS:
            if found := self._read(picture, segmentation):
                return untangled(found)
        return []

    def _read(self, picture: Image, segmentation: int) -> list[Paragraph]:
        self._api.SetPageSegMode(segmentation)
        self._api.SetImage(picture)
        self._api.SetSourceResolution(_DPI)
        try:
            if not self._api.Recognize():
                return []
            iterator = self._api.GetIterator()
            return [] if iterator is None else _paragraphs(iterator)
        finally:
            self._api.Clear()


def _paragraphs(iterator: tesserocr.PyResultIterator) -> list[Paragraph]:
    paragraphs: list[list[Line]] = []
    line: list[Word] = []
    for at in tesserocr.iterate_level(iterator, RIL.WORD):
        if at.IsAtBeginningOf(RIL.PARA):
            paragraphs.append([])
        if at.IsAtBeginningOf(RIL.TEXTLINE):
            line = []
            paragraphs[-1].append(line)
        line.extend(_word(at))
    return [
        [line for line in lines if line]
        for lines in paragraphs
        if any(line for line in lines)
    ]


def _word(at: tesserocr.PyResultIterator) -> Iterator[Word]:
    if at.Empty(RIL.WORD):
        return
    text = at.GetUTF8Text(RIL.WORD).strip()
    box = at.BoundingBox(RIL.WORD)
    if text and box:
        yield Word(text, box, at.Confidence(RIL.WORD) / 100)


@cache
def _detector(tessdata: str) -> PyTessBaseAPI | None:
    try:
        return PyTessBaseAPI(path=tessdata, lang=_ORIENTATION, psm=PSM.OSD_ONLY)
    except RuntimeError:  # the system lacks these data
        return None


def _orientation(tessdata: str, picture: Image) -> dict[str, Any] | None:
    detector = _detector(tessdata)
    if detector is None:
        return None
    detector.SetImage(picture)
    detector.SetSourceResolution(_DPI)
    try:
        told: dict[str, Any] | None = detector.DetectOrientationScript()
    finally:
        detector.Clear()
    return told


def load(setup: dict[str, str], languages: tuple[str, ...]) -> TesseractOcr:
    """The engine with its languages; loading takes a tenth of a second each."""
    return TesseractOcr(setup["tessdata"], languages)
