"""Pictures as documents: their pages, to be recognised, and a thumbnail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prsnl.engines.contracts import (
    ChildFiles,
    DocumentInfo,
    JsonObject,
    OcrNeed,
    PageStatus,
    PageText,
    Picture,
)
from prsnl.engines.images import decode

_THUMBNAIL: Final = "thumbnail.jpg"
_THUMBNAIL_WIDTH: Final = 320


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `DocumentInfo`, then a `PageText` for each page, to be recognised.

    Raises:
        CorruptError: It cannot be decoded.
        TooLargeError: It has more pixels or pages than are looked at.
    """
    skipped = set(params.get("skip_pages") or ())
    with decode.opened(files.inputs / params["path"], str(params["kind"])) as picture:
        count = decode.page_count(picture)
        yield DocumentInfo(
            page_count=count,
            metadata=decode.metadata(picture),
            warnings=decode.warnings(picture),
        ).model_dump(mode="json")
        for number in range(1, count + 1):
            if number not in skipped:
                yield _page(number).model_dump(mode="json")


def thumbnail(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Draw a page as a JPEG file of `width` pixels; no frame if it cannot be drawn."""
    with decode.opened(files.inputs / params["path"], str(params["kind"])) as picture:
        width, height = decode.thumbnail(
            picture,
            files.outputs / _THUMBNAIL,
            width=int(params.get("width") or _THUMBNAIL_WIDTH),
            number=int(params.get("page") or 1),
        )
    yield Picture(
        file_name=_THUMBNAIL, mime_type="image/jpeg", width=width, height=height
    ).model_dump(mode="json")


def _page(number: int) -> PageText:
    return PageText(
        number=number,
        status=PageStatus.EMPTY,
        text="",
        engine="none",
        reason="a picture",
        milliseconds=0.0,
        need=OcrNeed(mode="page", reason="a picture"),
    )
