"""OCR by RapidOCR: the only module that knows it. Its models come with its wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import rapidocr
from PIL import Image
from rapidocr import RapidOCR

from prsnl.engines.ocr.contract import Box, Paragraph, Word
from prsnl.engines.ocr.reading_order import TextBox, paragraphs
from prsnl.engines.versions import version_of

_MODELS: Final = Path(rapidocr.__file__).parent / "models"
#: One thread a child: children are what spreads pages over cores. With the models'
#: paths given nothing is looked for elsewhere.
_SETUP: Final[dict[str, Any]] = {
    "Global.use_cls": False,
    "Global.log_level": "critical",
    "Global.text_score": 0.0,
    "Global.return_word_box": True,
    "Det.model_path": str(_MODELS / "PP-OCRv6_det_small.onnx"),
    # Its own way draws a strip of a page up to 736 pixels high: slow, and no better.
    "Det.limit_type": "max",
    "Det.limit_side_len": 2000,
    "Rec.model_path": str(_MODELS / "PP-OCRv6_rec_small.onnx"),
    "Rec.rec_batch_num": 1,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
#: A box of less confidence is a speck, a rule or a part of a picture.
_SPECK_BELOW: Final = 0.5
#: Orientation is looked for in a picture reduced to this longest side.
_GLANCE_PIXELS: Final = 1000
#: So many of the longest lines are read both ways up.
_GLANCE_LINES: Final = 5
#: Lines that are read so well stand upright.
_UPRIGHT_FROM: Final = 0.9
#: A line is so much longer than it is high.
_LINE_SHAPE: Final = 1.5


class RapidOcr:
    """RapidOCR with its small models: Latin, Greek, Chinese and Japanese."""

    name = f"rapidocr {version_of('rapidocr')}"
    doubt_below = 0.8

    def turn(self, picture: Image.Image) -> int | None:
        """Which way its lines run, then which way up some of them are read better."""
        boxes = _glance(picture)
        if not boxes:
            return None
        upright = sum(_length(box) for box in boxes if _is_level(box))
        total = sum(map(_length, boxes))
        lies = upright * 2 < total
        level = picture.transpose(Image.Transpose.ROTATE_270) if lies else picture
        if lies:
            boxes = [
                (picture.height - bottom, left, picture.height - top, right)
                for left, top, right, bottom in boxes
            ]
        longest = sorted(boxes, key=_length, reverse=True)[:_GLANCE_LINES]
        lines = [level.crop(_whole(box)) for box in longest]
        as_it_is = _readability(lines)
        quarter = 90 if lies else 0
        if as_it_is >= _UPRIGHT_FROM:
            return quarter
        turned = [line.transpose(Image.Transpose.ROTATE_180) for line in lines]
        return quarter + 180 if _readability(turned) > as_it_is else quarter

    def script(self, picture: Image.Image) -> tuple[str, float] | None:
        """It cannot tell."""
        del picture
        return None

    def read(self, picture: Image.Image) -> list[Paragraph]:
        """Its boxes, put in reading order."""
        found = model()(_pixels(picture), use_det=True, use_rec=True)
        if found.boxes is None or not found.txts:
            return []
        told = zip(
            found.boxes, found.txts, found.scores, found.word_results, strict=True
        )
        return paragraphs(
            [
                TextBox(_around(box), _words(text, score, pieces, _around(box)))
                for box, text, score, pieces in told
                if score >= _SPECK_BELOW and text.strip()
            ]
        )


@cache
def model() -> Any:
    """The models, loaded once a process; what a call gives depends on its options."""
    cv2.setNumThreads(1)
    made = RapidOCR(params=_SETUP)
    blank = np.full((64, 320, 3), 255, np.uint8)
    cv2.putText(blank, "Words", (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    made(blank)  # its sessions are made at the first use
    return made


def load(setup: dict[str, str], languages: tuple[str, ...]) -> RapidOcr:
    """The engine; all that it reads is in one model."""
    del setup, languages
    return RapidOcr()


def _glance(picture: Image.Image) -> list[Box]:
    """Where lines are, seen from afar."""
    shrink = max(1.0, max(picture.size) / _GLANCE_PIXELS)
    small = picture.resize(
        (max(1, round(picture.width / shrink)), max(1, round(picture.height / shrink))),
        Image.Resampling.BOX,
    )
    found = model()(_pixels(small), use_det=True, use_rec=False)
    if found.boxes is None:
        return []
    around = [_around(box) for box in found.boxes]
    return [
        (left * shrink, top * shrink, right * shrink, bottom * shrink)
        for left, top, right, bottom in around
    ]


def _readability(lines: list[Image.Image]) -> float:
    """How sure the recogniser is of these lines, by their letters."""
    letters = score = 0.0
    for line in lines:
        found = model()(_pixels(line), use_det=False, use_rec=True)
        for text, sure in zip(found.txts or (), found.scores or (), strict=True):
            letters += len(text)
            score += len(text) * sure
    return score / letters if letters else 0.0


def _words(
    text: str, score: float, pieces: list[tuple[str, float, Any]], box: Box
) -> list[Word]:
    """The words of a line: cut at its spaces, placed by their letters.

    The engine's own pieces divide words too; of them the confidence alone is taken.
    """
    sure = [float(one) for piece, one, _ in pieces for letter in piece if letter != " "]
    left, top, right, bottom = box
    step = (right - left) / max(1, len(text))
    made = []
    letters = start = 0
    for part in text.split(" "):
        if part:
            known = sure[letters : letters + len(part)] or [float(score)]
            place = (
                left + start * step,
                top,
                left + (start + len(part)) * step,
                bottom,
            )
            made.append(Word(part, place, max(0.0, min(1.0, *known))))
        letters += len(part)
        start += len(part) + 1
    return made


def _pixels(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(picture.convert("RGB"))


def _around(corners: Any) -> Box:
    horizontal = [float(corner[0]) for corner in corners]
    vertical = [float(corner[1]) for corner in corners]
    return min(horizontal), min(vertical), max(horizontal), max(vertical)


def _length(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _is_level(box: Box) -> bool:
    """Whether a box is wider than high; one of a letter or two says nothing."""
    return (box[3] - box[1]) < _LINE_SHAPE * (box[2] - box[0])


def _whole(box: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    return int(left), int(top), int(right) + 1, int(bottom) + 1
