"""PDF: the text layer page by page, and a picture of the first page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from prsnl.engines.contracts import (
    ChildFiles,
    DocumentInfo,
    EdgeLine,
    Heading,
    JsonObject,
    PageStatus,
    PageText,
    Picture,
)
from prsnl.engines.pdf.cleaning import clean
from prsnl.engines.pdf.decision import Place, decide
from prsnl.engines.pdf.layout import Line, body_height, is_heading
from prsnl.engines.pdf.markdown import page_markdown
from prsnl.engines.pdf.memory import keep_memory
from prsnl.engines.pdf.pdfium import (
    ENGINE,
    PageContent,
    PdfFile,
    UnreadablePageError,
    open_pdf,
)

_THUMBNAIL: Final = "thumbnail.jpg"
_THUMBNAIL_WIDTH: Final = 320


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `DocumentInfo`, then a `PageText` for each page not in `skip_pages`.

    A page that cannot be read costs that page alone: its status is failed.

    Raises:
        EncryptedError: The document needs a password, or another one.
        CorruptError: The document is damaged beyond reading.
    """
    keep_memory()
    skipped = set(params.get("skip_pages") or ())
    with open_pdf(files.inputs / params["path"], params.get("password")) as pdf:
        yield _info(pdf).model_dump(mode="json")
        for number in range(1, pdf.page_count + 1):
            if number not in skipped:
                yield _page(pdf, number).model_dump(mode="json")


def thumbnail(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Draw a page as a JPEG file of `width` pixels; no frame if it cannot be drawn."""
    with open_pdf(files.inputs / params["path"], params.get("password")) as pdf:
        try:
            width, height = pdf.draw(
                int(params.get("page") or 1),
                files.outputs / _THUMBNAIL,
                width=int(params.get("width") or _THUMBNAIL_WIDTH),
            )
        except UnreadablePageError:
            return
    yield Picture(
        file_name=_THUMBNAIL, mime_type="image/jpeg", width=width, height=height
    ).model_dump(mode="json")


def _info(pdf: PdfFile) -> DocumentInfo:
    return DocumentInfo(
        page_count=pdf.page_count,
        metadata=pdf.metadata(),
        headings=(*_printed_title(pdf), *pdf.outline()),
    )


def _printed_title(pdf: PdfFile) -> tuple[Heading, ...]:
    """What stands out by its size at the head of the first page, if anything does."""
    try:
        groups = pdf.page(1).groups
    except UnreadablePageError:
        return ()
    lines = [line for group in groups for line in group]
    body = body_height(lines)
    standing_out = [group for group in groups if is_heading(group, body)]
    if not standing_out:
        return ()
    largest = max(standing_out, key=lambda group: group[0].height)
    text = " ".join(clean(_joined(largest)).split())
    return (Heading(level=1, text=text, page=1),) if text else ()


def _page(pdf: PdfFile, number: int) -> PageText:
    began = time.perf_counter()
    try:
        content = pdf.page(number)
    except UnreadablePageError as error:
        return PageText(
            number=number,
            status=PageStatus.FAILED,
            text="",
            engine=ENGINE,
            reason="text layer",
            milliseconds=_since(began),
            error=str(error),
        )
    groups = content.groups
    text = clean("\n\n".join(map(_joined, groups)))
    if content.comments:
        text = "\n\n".join(filter(None, [text, *content.comments]))
    return PageText(
        number=number,
        status=PageStatus.OK if text.strip() else PageStatus.EMPTY,
        text=text,
        raw_text=_raw_beside(content.raw, text),
        markdown=page_markdown(groups, content.tables),
        engine=ENGINE,
        reason=_reason(content, text),
        need=decide(content.evidence, text, _places(content)),
        confidence=content.confidence,
        milliseconds=_since(began),
        label=content.label,
        edges=tuple(
            EdgeLine.model_construct(text=told, at=edge.at, is_head=edge.is_head)
            for edge in content.edges
            if (told := clean(edge.line.text))
        ),
        links=content.links,
    )


def _raw_beside(raw: str, text: str) -> str | None:
    """The text as PDFium gave it, where it is another in more than space."""
    # Whatever cleaning does to letters changes how many there are.
    if _letters(raw) - raw.count("\r\n") == _letters(text):
        return None
    return raw.replace("\r\n", "\n")


def _letters(text: str) -> int:
    """How many characters are no space."""
    return len(text) - text.count(" ") - text.count("\n")


def _joined(group: list[Line]) -> str:
    return "\n".join([line.text for line in group])


def _reason(content: PageContent, text: str) -> str:
    if text.strip():
        return "text layer"
    if content.raw.strip():
        return "the text layer holds no letters: its fonts do not say what they mean"
    if content.evidence.is_drawn_on:
        return "no text layer: a picture, a scan or a drawing"
    return "a blank page"


def _places(content: PageContent) -> list[tuple[str, Place]]:
    """The lines of a page in parts of its size; only those that run level.

    Beside no picture nobody asks for them.
    """
    if not content.evidence.pictures:
        return []
    width, height = (max(side, 1.0) for side in content.size)
    return [
        (
            clean(line.text),
            (
                line.start / width,
                1 + (line.top - line.height) / height,
                line.end / width,
                1 + max(line.top, line.bottom) / height,
            ),
        )
        for group in content.groups
        for line in group
        if line.direction == 0
    ]


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
