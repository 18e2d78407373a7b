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
from prsnl.engines.pdf.layout import Line, body_height, is_heading
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
    skipped = set(params.get("skip_pages") or ())
    with open_pdf(files.inputs / params["path"], params.get("password")) as pdf:
        yield _info(pdf).model_dump(mode="json")
        for number in range(1, pdf.page_count + 1):
            if number not in skipped:
                yield _page(pdf, number).model_dump(mode="json")


def thumbnail(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Draw page 1 as a JPEG file of `width` pixels; no frame if it cannot be drawn."""
    with open_pdf(files.inputs / params["path"], params.get("password")) as pdf:
        try:
            width, height = pdf.draw(
                1,
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
    raw = content.raw.replace("\r\n", "\n")
    return PageText(
        number=number,
        status=PageStatus.OK if text.strip() else PageStatus.EMPTY,
        text=text,
        raw_text=raw if raw != text else None,
        markdown=_markdown(groups),
        engine=ENGINE,
        reason=_reason(content, text),
        confidence=content.confidence,
        milliseconds=_since(began),
        label=content.label,
        edges=tuple(
            EdgeLine(text=told, at=edge.at, is_head=edge.is_head)
            for edge in content.edges
            if (told := clean(edge.line.text))
        ),
        links=content.links,
    )


def _joined(group: list[Line]) -> str:
    return "\n".join([line.text for line in group])


def _markdown(groups: list[list[Line]]) -> str | None:
    """The page with its headings marked; None on a page without any."""
    body = body_height([line for group in groups for line in group])
    if not any(is_heading(group, body) for group in groups):
        return None
    blocks = []
    for group in groups:
        text = clean(_joined(group))
        heading = is_heading(group, body)
        blocks.append("## " + " ".join(text.split()) if heading else text)
    return "\n\n".join(block for block in blocks if block)


def _reason(content: PageContent, text: str) -> str:
    if text.strip():
        return "text layer"
    if content.raw.strip():
        return "the text layer holds no letters: its fonts do not say what they mean"
    if content.has_pictures:
        return "no text layer: a picture or a scan; this version has no OCR"
    return "no text layer, and no picture: a blank page or a drawing"


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
