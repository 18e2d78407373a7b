"""One page recognised: made upright, read, and put together with its text layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from PIL import Image, ImageOps

from prsnl.engines.contracts import (
    Doubt,
    OcrRegion,
    PageStatus,
    PageText,
    Recognition,
)
from prsnl.engines.ocr import straighten
from prsnl.engines.ocr.composing import Composed, composed, marked
from prsnl.engines.ocr.contract import OcrEngine

#: Smaller pictures are read twice as large, if their letters are small too.
_SMALL_PIXELS: Final = 2000
#: An engine loses letters that touch the edge.
_MARGIN_PIXELS: Final = 12
#: A page that is read as well as this stands upright.
_UPRIGHT_FROM: Final = 0.75
_QUARTERS: Final = (90, 180, 270)
_UNSURE: Final = (
    "OCR is not sure of this page (confidence {:.2f}): compare it with the picture."
)


class Source(Protocol):
    """A file that can show its pages."""

    def page(self, number: int) -> Image.Image:
        """A whole page as a grey picture (mode "L")."""

    def region(self, number: int, region: OcrRegion) -> Image.Image:
        """A picture on a page, without the text of the text layer over it."""


@dataclass(frozen=True)
class Read:
    """What an engine made of one picture."""

    content: Composed
    turned_degrees: int = 0
    skew_degrees: float = 0.0


_NOTHING: Final = Read(Composed("", "", (), None))


def recognized(
    page: PageText, source: Source, engine: OcrEngine, languages: tuple[str, ...]
) -> PageText:
    """The page with all that its need asks for."""
    need = page.need
    assert need is not None
    engine_name = f"{engine.name} ({'+'.join(languages)})" if languages else engine.name
    if need.mode == "page":
        read = read_picture(source.page(page.number), engine)
        return _from_picture(page, read, engine, engine_name, languages)
    made = page
    for region in need.regions:
        picture = source.region(page.number, region)
        if straighten.looks_like_print(picture):
            read = read_picture(picture, engine)
            made = _with_picture(made, region, read, engine_name, languages)
    more = "no text in its pictures" if made is page else need.reason
    return made.model_copy(update={"need": None, "reason": f"{page.reason}; {more}"})


def read_picture(picture: Image.Image, engine: OcrEngine) -> Read:
    """Recognise a picture, whichever way up it stands."""
    if straighten.is_blank(picture):
        return _NOTHING
    picture = ImageOps.expand(
        _enlarged(picture), _MARGIN_PIXELS, fill=straighten.paper(picture)
    )
    turn = engine.turn(picture)
    if turn is not None:
        return _read_upright(straighten.turned(picture, turn), engine, turn)
    read = _read_upright(picture, engine, 0)
    if (read.content.confidence or 0.0) >= _UPRIGHT_FROM:
        return read
    others = (
        _read_upright(straighten.turned(picture, quarter), engine, quarter)
        for quarter in _QUARTERS
    )
    return max((read, *others), key=_worth)


def _read_upright(picture: Image.Image, engine: OcrEngine, turn: int) -> Read:
    skew = straighten.skew_degrees(picture)
    found = engine.read(straighten.straightened(picture, skew))
    return Read(composed(found, doubt_below=engine.doubt_below), turn, skew)


def _worth(read: Read) -> float:
    """How much sure text it is; what is upside down gives little, and unsure."""
    sure = read.content.confidence or 0.0
    return len(read.content.text) * max(0.0, sure - 0.3)


def _enlarged(picture: Image.Image) -> Image.Image:
    is_large = max(picture.size) >= _SMALL_PIXELS
    if is_large or not straighten.has_small_letters(picture):
        return picture
    return picture.resize(
        (picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC
    )


def _from_picture(
    page: PageText,
    read: Read,
    engine: OcrEngine,
    engine_name: str,
    languages: tuple[str, ...],
) -> PageText:
    assert page.need is not None
    content, reason = read.content, page.need.reason
    has_text = bool(content.text.strip())
    sure = content.confidence or 0.0
    is_unsure = has_text and sure < engine.doubt_below
    warning = _UNSURE.format(sure) if is_unsure else None
    return page.model_copy(
        update={
            "status": PageStatus.OK if has_text else PageStatus.EMPTY,
            "text": content.text,
            "raw_text": content.raw if content.raw != content.text else None,
            "markdown": _markdown(content, warning),
            "engine": engine_name,
            "reason": reason if has_text else f"{reason}; no text found",
            "confidence": round(sure, 3) if has_text else None,
            "need": None,
            "edges": (),
            "recognition": Recognition(
                mode="page",
                languages=languages,
                turned_degrees=read.turned_degrees,
                skew_degrees=read.skew_degrees,
                doubts=content.doubts,
                warning=warning,
            ),
        }
    )


def _markdown(content: Composed, warning: str | None) -> str | None:
    if not content.doubts and warning is None:
        return None
    text = marked(content.text, content.doubts)
    return text if warning is None else f"> {warning}\n\n{text}"


def _with_picture(
    page: PageText,
    region: OcrRegion,
    read: Read,
    engine_name: str,
    languages: tuple[str, ...],
) -> PageText:
    """The text of a picture, after the line that stands above it."""
    content = read.content
    if not content.text.strip():
        return page
    at = _place(page.text, region.after)
    text, start = _inserted(page.text, at, content.text)
    before = page.recognition
    doubts = sorted(
        (
            *_moved(before.doubts if before else (), start, len(text) - len(page.text)),
            *_moved(content.doubts, 0, start),
        ),
        key=lambda doubt: doubt.start,
    )
    shown = page.markdown or page.text
    markdown, _ = _inserted(
        shown, _place(shown, region.after), marked(content.text, content.doubts)
    )
    is_plain = page.markdown is None and not content.doubts
    return page.model_copy(
        update={
            "text": text,
            "raw_text": f"{page.raw_text or page.text}\n\n{content.raw}",
            "markdown": None if is_plain else markdown,
            "engine": page.engine if before else f"{page.engine}, {engine_name}",
            "confidence": _together(page, content),
            "recognition": Recognition(
                mode="pictures", languages=languages, doubts=tuple(doubts)
            ),
        }
    )


def _place(text: str, after: str | None) -> int:
    """Where a picture's text belongs: behind the paragraph of the line above it."""
    if after is None:
        return 0
    found = text.find(after.strip())
    if found < 0:
        return len(text)
    end = text.find("\n\n", found + len(after.strip()))
    return len(text) if end < 0 else end


def _inserted(text: str, at: int, more: str) -> tuple[str, int]:
    """The text with a paragraph more, and where that begins."""
    head, tail = text[:at].rstrip("\n"), text[at:].lstrip("\n")
    parts = [part for part in (head, more, tail) if part]
    return "\n\n".join(parts), len(head) + 2 if head else 0


def _moved(doubts: Sequence[Doubt], start: int, by: int) -> list[Doubt]:
    """Offsets from `start` on, moved by so many characters."""
    return [
        doubt
        if doubt.start < start
        else doubt.model_copy(update={"start": doubt.start + by, "end": doubt.end + by})
        for doubt in doubts
    ]


def _together(page: PageText, content: Composed) -> float | None:
    """One confidence for letters of both kinds."""
    parts = [
        (len(text), sure)
        for text, sure in (
            (page.text, page.confidence),
            (content.text, content.confidence),
        )
        if sure is not None and text
    ]
    letters = sum(count for count, _ in parts)
    if not letters:
        return None
    return round(sum(count * sure for count, sure in parts) / letters, 3)
