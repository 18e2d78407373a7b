"""PDF by PDFium: what one document and one page hold.

PDFium is not thread-safe, and one page object is open at a time.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.core.errors import CorruptError, EncryptedError, UnsupportedError
from prsnl.engines.contracts import Heading, Link
from prsnl.engines.pdf.annotations import comments, links
from prsnl.engines.pdf.decision import Evidence, evidence
from prsnl.engines.pdf.layout import Edge, Line, edges, merged, paragraphs
from prsnl.engines.pdf.limits import (
    OUTLINE_DEPTH_MAX,
    OUTLINE_MAX,
    PAGE_CHARACTERS_MAX,
    PAGES_MAX,
)
from prsnl.engines.pdf.metadata import metadata
from prsnl.engines.pdf.opened import OpenPage, OpenText
from prsnl.engines.pdf.tables import Table, find_tables
from prsnl.engines.pdf.textpage import confidence, lines_of, upright

ENGINE: Final = f"pypdfium2 {pdfium.version.PYPDFIUM_INFO.version}"
_THUMBNAIL_ASPECT_MAX: Final = 4
_JPEG_QUALITY: Final = 80
_DRAWN: Final = (pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_STAMP)


class UnreadablePageError(Exception):
    """One page cannot be read; the message says why, and the others still can."""


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What one page holds.

    Attributes:
        raw: The text as PDFium gave it.
        groups: The same as paragraphs of lines, in reading order.
        tables: Those of its lines that are rows of a table.
        edges: The lines at its head and foot.
        links: Addresses that it leads to.
        comments: What readers have noted on it.
        evidence: What it shows besides, which decides about OCR.
        size: Its width and height in points, as it is shown.
        confidence: The part of the sampled characters whose font says what they mean.
        label: The page's number as the document prints it, if it has one.
    """

    raw: str
    groups: list[list[Line]]
    tables: tuple[Table, ...]
    edges: tuple[Edge, ...]
    links: tuple[Link, ...]
    comments: tuple[str, ...]
    evidence: Evidence
    size: tuple[float, float]
    confidence: float | None
    label: str | None


@dataclass(frozen=True)
class PdfFile:
    """One open document; use `open_pdf`."""

    path: Path
    document: pdfium.PdfDocument
    page_count: int
    has_form: bool
    has_labels: bool
    #: Whether any page may show a picture.
    may_have_pictures: bool = True
    #: Page 1, once it was read: it is asked for its title, and for its text.
    _first: list[PageContent] = field(default_factory=list)

    def metadata(self) -> dict[str, str]:
        """What the document says of itself."""
        return metadata(self.document, self.path)

    def outline(self) -> tuple[Heading, ...]:
        """The bookmarks as headings; broken ones are left out."""
        headings: list[Heading] = []
        for mark in self.document.get_toc(max_depth=OUTLINE_DEPTH_MAX):
            title = " ".join(mark.get_title().replace("\x00", "").split())
            target = mark.get_dest()
            index = target.get_index() if target else None
            if title:
                headings.append(
                    Heading(
                        level=min(mark.level + 1, OUTLINE_DEPTH_MAX),
                        text=title,
                        page=None if index is None else index + 1,
                    )
                )
            if len(headings) >= OUTLINE_MAX:
                break
        return tuple(headings)

    def page(self, number: int) -> PageContent:
        """Read one page, counted from 1, with what its form fields hold.

        Raises:
            UnreadablePageError: This page is damaged.
        """
        if number == 1 and self._first:
            return self._first.pop()
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
        if number == 1:
            self._first.append(content)
        return content

    def _read(self, number: int) -> tuple[PageContent, int]:
        """What a page holds, and a rotation in degrees if its text is not upright."""
        with self._open_page(number) as page, OpenText(page) as text:
            count = text.count_chars()
            raw = _all_text(text, count)
            lines = merged(lines_of(text, raw, count))
            known_letters = confidence(text, count)
            found = evidence(
                page,
                text,
                has_text=bool(raw.strip()),
                may_have_pictures=self.may_have_pictures,
                known_letters=known_letters,
            )
            if found.pictures:
                for line in lines:
                    line.settle()  # where they stand is asked when the page is closed
            has_notes = pdfium_c.FPDFPage_GetAnnotCount(page) > 0
            box = page.get_bbox()
            content = PageContent(
                raw=raw,
                groups=paragraphs(lines),
                tables=find_tables(lines, box),
                edges=edges(lines, box),
                links=links(self.document, page, text) if has_notes else (),
                comments=comments(page) if has_notes else (),
                evidence=found,
                size=page.get_size(),
                confidence=known_letters,
                label=self._label(number),
            )
            return content, upright(lines, page.get_rotation())

    def _label(self, number: int) -> str | None:
        if not self.has_labels:
            return None
        label = self.document.get_page_label(number - 1)
        return label if label and label != str(number) else None

    @contextmanager
    def _open_page(self, number: int) -> Iterator[pdfium.PdfPage]:
        page = OpenPage(self.document, number)
        try:
            if self.has_form or _has_drawn_annotations(page):
                # What a person filled in is drawn by annotations: make it page text.
                flattened = pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
                if flattened == pdfium_c.FLATTEN_SUCCESS:
                    page.close()
                    page = OpenPage(self.document, number)
            yield page
        finally:
            page.close()

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
        if page_count > PAGES_MAX:
            raise UnsupportedError(
                f"The document says that it has {page_count} pages; "
                f"at most {PAGES_MAX} are read."
            )
        if page_count == 0:
            raise CorruptError("The PDF has no page that can be read.")
        has_form = document.get_formtype() != pdfium_c.FORMTYPE_NONE
        if has_form:
            document.init_forms()
        # A document that labels pages labels the first one.
        has_labels = bool(document.get_page_label(0))
        yield PdfFile(
            path, document, page_count, has_form, has_labels, _may_have_pictures(path)
        )
    finally:
        document.close()


def _translated(
    error: pdfium.PdfiumError, password: str | None
) -> EncryptedError | UnsupportedError | CorruptError:
    if error.err_code == pdfium_c.FPDF_ERR_PASSWORD and password:
        return EncryptedError(
            "The given password does not open this PDF: give the right one. A "
            "password is forgotten when its task ends, so submit the file again."
        )
    if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
        return EncryptedError(
            "The PDF is encrypted and needs a password: give it in a file "
            "(./prsnl process FILE --password-file F), or as options.password of "
            "process-document."
        )
    if error.err_code == pdfium_c.FPDF_ERR_SECURITY:
        return UnsupportedError(
            "The PDF is protected by a security scheme that cannot be opened here."
        )
    return CorruptError("The PDF is damaged: its structure cannot be read.")


def _has_drawn_annotations(page: pdfium.PdfPage) -> bool:
    """Whether an annotation shows text of its own (a free text, a stamp)."""
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), 1000)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if annotation:
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            pdfium_c.FPDFPage_CloseAnnot(annotation)
            if kind in _DRAWN:
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


def _all_text(text: OpenText, count: int) -> str:
    if count > PAGE_CHARACTERS_MAX:
        raise UnreadablePageError(
            f"The page holds {count} characters; at most {PAGE_CHARACTERS_MAX} are "
            "read."
        )
    return text.whole(count) if count else ""
