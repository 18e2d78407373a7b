"""Stored bytes as an answer: all of them, or the part that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from fastapi import Request, status
from fastapi.responses import StreamingResponse

from prsnl.core.storage import Storage

_PIECE_BYTES: Final = 1 << 18
_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Span:
    """Bytes *start* to *end* of a file, the last one not among them."""

    start: int
    end: int
    is_part: bool

    @classmethod
    def asked(cls, header: str | None, size_bytes: int) -> Self:
        """What a `Range` header asks for.

        All of it where that is none, names several parts, or one that is not there: a
        server may always answer with the whole.
        """
        whole = cls(0, size_bytes, is_part=False)
        found = _ONE_RANGE.fullmatch((header or "").strip().lower())
        if found is None or not any(found.groups()):
            return whole
        first, last = found.groups()
        if first:
            start = int(first)
            end = min(int(last) + 1, size_bytes) if last else size_bytes
        else:
            start, end = max(0, size_bytes - int(last)), size_bytes
        return cls(start, end, is_part=True) if start < end else whole


def sent(
    request: Request,
    storage: Storage,
    sha256: str,
    *,
    size_bytes: int,
    media_type: str,
    headers: Mapping[str, str],
) -> StreamingResponse:
    """A file, or the part that the request asks for: a player jumps by such parts."""
    tag = f'"{sha256}"'
    wanted = request.headers.get("range")
    if request.headers.get("if-range", tag) != tag:
        wanted = None
    span = Span.asked(wanted, size_bytes)
    own = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Length": str(span.end - span.start),
    }
    if span.is_part:
        own["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size_bytes}"
    return StreamingResponse(
        _pieces(storage.open(sha256, span.start), span.end - span.start),
        status.HTTP_206_PARTIAL_CONTENT if span.is_part else status.HTTP_200_OK,
        media_type=media_type,
        headers={**headers, **own},
    )


def _pieces(file: BinaryIO, left: int) -> Iterator[bytes]:
    with file:
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            yield piece
