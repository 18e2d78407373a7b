"""PDF by PDFium: with `decision` and `raster` the only module that knows pypdfium2.

PDFium is not thread-safe, and one page object is open at a time.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.core.errors import CorruptError, EncryptedError, UnsupportedError
from prsnl.engines.contracts import Heading
from prsnl.engines.pdf.decision import Evidence, evidence
from prsnl.engines.pdf.layout import Line

ENGINE: Final = f"pypdfium2 {pdfium.version.PYPDFIUM_INFO.version}"
_PAGES_MAX: Final = 100_000
_CHARACTERS_MAX: Final = 2_000_000
_OUTLINE_MAX: Final = 2_000
_OUTLINE_DEPTH_MAX: Final = 9
#: Characters asked, of each page, whether their font says what they mean.
_SAMPLED_CHARACTERS: Final = 200
#: The share of a page's letters that decides how it should be turned.
_MOST_TEXT: Final = 0.6
_THUMBNAIL_ASPECT_MAX: Final = 4
_JPEG_QUALITY: Final = 80
_KEYS: Final = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "Creator": "creator",
    "Producer": "producer",
}
_DATES: Final = {"CreationDate": "created_at", "ModDate": "modified_at"}
_PDF_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?"
    r"(?:(Z)|([+-])(\d{2})'?(\d{2})?)?"
)


class UnreadablePageError(Exception):
    """One page cannot be read; the message says why, and the others still can."""


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What one page holds.

    Attributes:
        raw: The text as PDFium gave it.
        lines: The same, line by line, with positions.
        evidence: What it shows besides, which decides about OCR.
        size: Its width and height in points, as it is shown.
        confidence: The part of the sampled characters whose font says what they mean.
        label: The page's number as the document prints it, if it has one.
    """

    raw: str
    lines: list[Line]
    evidence: Evidence
    size: tuple[float, float]
    confidence: float | None
    label: str | None


@dataclass(frozen=True)
class PdfFile:
    """One open document; use `open_pdf`."""

    document: pdfium.PdfDocument
    page_count: int
    has_form: bool
    #: Whether any page may show a picture.
    may_have_pictures: bool = True

    def metadata(self) -> dict[str, str]:
        """The document information with plain keys and ISO 8601 dates."""
        told = {
            key: " ".join(value.replace("\x00", "").split())
            for key, value in self.document.get_metadata_dict(skip_empty=True).items()
        }
        plain = {name: told[key] for key, name in _KEYS.items() if told.get(key)}
        for key, name in _DATES.items():
            if moment := iso_date(told.get(key, "")):
                plain[name] = moment
        return plain

    def outline(self) -> tuple[Heading, ...]:
        """The bookmarks as headings; broken ones are left out."""
        headings: list[Heading] = []
        for mark in self.document.get_toc(max_depth=_OUTLINE_DEPTH_MAX):
            title = " ".join(mark.get_title().replace("\x00", "").split())
            target = mark.get_dest()
            index = target.get_index() if target else None
            if title:
                headings.append(
                    Heading(
                        level=min(mark.level + 1, _OUTLINE_DEPTH_MAX),
                        text=title,
                        page=None if index is None else index + 1,
                    )
                )
            if len(headings) >= _OUTLINE_MAX:
                break
        return tuple(headings)

    def page(self, number: int) -> PageContent:
        """Read one page, counted from 1, with what its form fields hold.

        Raises:
            UnreadablePageError: This page is damaged.
        """
        try:
            content, turn = self._read(number)
            if turn:
                # PDFium orders lines as they are shown: show them upright.
                with self._open_page(number) as page:
                    page.set_rotation(turn % 360)
                content, _ = self._read(number)
        except pdfium.PdfiumError as error:
            raise UnreadablePageError(
                f"Page {number} is damaged and cannot be read."
            ) from error
        return content

    def _read(self, number: int) -> tuple[PageContent, int]:
        """What a page holds, and a rotation in degrees if its text is not upright."""
        with self._open_page(number) as page:
            with self._open_text(page) as text:
                raw = _all_text(text)
                lines = _lines(text, raw)
                confidence = _confidence(text)
                found = evidence(
                    page,
                    text,
                    has_text=bool(raw.strip()),
                    may_have_pictures=self.may_have_pictures,
                    known_letters=confidence,
                )
            size = page.get_size()
            turn = _upright(lines, page.get_rotation())
        label = self.document.get_page_label(number - 1)
        content = PageContent(
            raw=raw,
            lines=lines,
            evidence=found,
            size=size,
            confidence=confidence,
            label=label if label and label != str(number) else None,
        )
        return content, turn

    @contextmanager
    def _open_page(self, number: int) -> Iterator[pdfium.PdfPage]:
        page = self.document.get_page(number - 1)
        try:
            if self.has_form or _has_drawn_annotations(page):
                # What a person filled in is drawn by annotations: make it page text.
                flattened = pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
                if flattened == pdfium_c.FLATTEN_SUCCESS:
                    page.close()
                    page = self.document.get_page(number - 1)
            yield page
        finally:
            page.close()

    @contextmanager
    def _open_text(self, page: pdfium.PdfPage) -> Iterator[pdfium.PdfTextPage]:
        text = page.get_textpage()
        try:
            yield text
        finally:
            text.close()

    def draw(self, number: int, target: Path, *, width: int) -> tuple[int, int]:
        """Draw one page as a JPEG file and return its width and height in pixels.

        The picture is never larger than `width` by four times that: the size is
        settled before anything is drawn.

        Raises:
            UnreadablePageError: This page cannot be drawn.
        """
        try:
            page = self.document.get_page(number - 1)
            try:
                points_wide, points_high = page.get_size()
                scale = min(
                    width / max(points_wide, 1.0),
                    _THUMBNAIL_ASPECT_MAX * width / max(points_high, 1.0),
                )
                bitmap = page.render(scale=scale, draw_annots=True)
                try:
                    picture = bitmap.to_pil().convert("RGB")
                    picture.save(target, "JPEG", quality=_JPEG_QUALITY)
                finally:
                    bitmap.close()
            finally:
                page.close()
        except (pdfium.PdfiumError, OSError) as error:
            raise UnreadablePageError(f"Page {number} cannot be drawn.") from error
        return int(picture.width), int(picture.height)


@contextmanager
def open_pdf(path: Path, password: str | None = None) -> Iterator[PdfFile]:
    """Open a document for reading.

    Raises:
        EncryptedError: It needs a password, or another one.
        CorruptError: It is no PDF, or damaged beyond repair.
        UnsupportedError: It is protected in a way, or of a size, that is not read.
    """
    try:
        document = pdfium.PdfDocument(path, password=password)
    except pdfium.PdfiumError as error:
        raise _translated(error, password) from error
    try:
        page_count = len(document)
        if page_count > _PAGES_MAX:
            raise UnsupportedError(
                f"The document says that it has {page_count} pages; "
                f"at most {_PAGES_MAX} are read."
            )
        if page_count == 0:
            raise CorruptError("The PDF has no page that can be read.")
        has_form = document.get_formtype() != pdfium_c.FORMTYPE_NONE
        if has_form:
            document.init_forms()
        yield PdfFile(document, page_count, has_form, _may_have_pictures(path))
    finally:
        document.close()


def _translated(
    error: pdfium.PdfiumError, password: str | None
) -> EncryptedError | UnsupportedError | CorruptError:
    if error.err_code == pdfium_c.FPDF_ERR_PASSWORD and password:
        return EncryptedError(
            "The password does not open this PDF: give the right one."
        )
    if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
        return EncryptedError(
            "The PDF is encrypted and needs a password: save a copy without the "
            "password, and upload that."
        )
    if error.err_code == pdfium_c.FPDF_ERR_SECURITY:
        return UnsupportedError(
            "The PDF is protected by a security scheme that cannot be opened here."
        )
    return CorruptError("The PDF is damaged: its structure cannot be read.")


def iso_date(told: str) -> str | None:
    """A PDF date (`D:20240512103000+02'00'`) in ISO 8601; None if it is none."""
    found = _PDF_DATE.match(told.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, utc, sign, ahead_h, ahead_m = found.groups()
    zone: timezone | None = UTC if utc else None
    try:
        if sign:
            ahead = timedelta(hours=int(ahead_h), minutes=int(ahead_m or 0))
            zone = timezone(-ahead if sign == "-" else ahead)
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=zone,
        )
    except ValueError:
        return None
    return moment.isoformat() if hour else moment.date().isoformat()


def _has_drawn_annotations(page: pdfium.PdfPage) -> bool:
    """Whether an annotation shows text of its own (a free text, a stamp)."""
    shown = {pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_STAMP}
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), 1000)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if annotation:
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            pdfium_c.FPDFPage_CloseAnnot(annotation)
            if kind in shown:
                return True
    return False


def _may_have_pictures(path: Path) -> bool:
    """Whether the file holds the name of a picture's kind.

    It stands in the clear: a stream's dictionary is neither packed nor encrypted.
    """
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(b"/Image") >= 0


def _all_text(text: pdfium.PdfTextPage) -> str:
    count = text.count_chars()
    if count > _CHARACTERS_MAX:
        raise UnreadablePageError(
            f"The page holds {count} characters; at most {_CHARACTERS_MAX} are read."
        )
    return str(text.get_text_range()) if count else ""


def _confidence(text: pdfium.PdfTextPage) -> float | None:
    count = text.count_chars()
    if not count:
        return None
    sample = range(0, count, max(1, count // _SAMPLED_CHARACTERS))
    unknown = sum(
        pdfium_c.FPDFText_HasUnicodeMapError(text, one) == 1 for one in sample
    )
    return round(1 - int(unknown) / len(sample), 3)


def _lines(text: pdfium.PdfTextPage, raw: str) -> list[Line]:
    """The lines of a page with the places where they stand."""
    lines: list[Line] = []
    offset = 0
    for line in raw.split("\r\n"):
        if line.strip():
            first = offset + _units(line[: len(line) - len(line.lstrip())])
            last = offset + _units(line.rstrip()) - 1
            lines.append(_place(text, line, (first, last)))
        offset += _units(line) + 2
    return lines


def _units(text: str) -> int:
    """Length in UTF-16 units, which PDFium counts in."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _upright(lines: list[Line], rotation: int) -> int:
    """The rotation, 1 to 360 degrees, that shows most text upright; 0 if this does."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.direction] += len(line.text)
    if not letters:
        return 0
    direction, count = letters.most_common(1)[0]
    upright = (direction + rotation) % 360 == 0
    if upright or count < _MOST_TEXT * letters.total():
        return 0
    return 360 - direction


def _place(text: pdfium.PdfTextPage, line: str, ends: tuple[int, int]) -> Line:
    indexes = [pdfium_c.FPDFText_GetCharIndexFromTextIndex(text, end) for end in ends]
    first, last = (_box(text, index) for index in indexes)
    if first is None or last is None:
        return Line(text=line, start=0, end=0, top=0, bottom=0, height=0)
    angle = pdfium_c.FPDFText_GetCharAngle(text, indexes[0])
    direction = round(math.degrees(angle) / 90) * 90 % 360 if angle >= 0 else 0
    one, other = _turned(first, direction), _turned(last, direction)
    return Line(
        text=line,
        start=min(one[0], other[0]),
        end=max(one[2], other[2]),
        top=-one[1],
        bottom=-other[1],
        height=one[3] - one[1],
        direction=direction,
    )


Box = tuple[float, float, float, float]


def _box(text: pdfium.PdfTextPage, index: int) -> Box | None:
    if index < 0:
        return None
    box = pdfium_c.FS_RECTF()
    if not pdfium_c.FPDFText_GetLooseCharBox(text, index, ctypes.byref(box)):
        return None
    return box.left, box.bottom, box.right, box.top


def _turned(box: Box, direction: int) -> Box:
    """The box seen with its text upright; PDFium's angle grows clockwise."""
    left, bottom, right, top = box
    match direction:
        case 90:
            return -top, left, -bottom, right
        case 180:
            return -right, -top, -left, -bottom
        case 270:
            return bottom, -right, top, -left
        case _:
            return box
