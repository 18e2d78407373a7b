"""Kinds of pictures, told by their first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PictureKind:
    """One kind, and what a person calls it."""

    kind: str
    mime_type: str
    description: str
    extensions: frozenset[str]


def _row(kind: str, mime_type: str, description: str, *more: str) -> PictureKind:
    return PictureKind(kind, mime_type, description, frozenset({kind, *more}))


_PNG: Final = _row("png", "image/png", "PNG image")
_JPEG: Final = _row("jpeg", "image/jpeg", "JPEG image", "jpg", "jfif", "jpe", "mpo")
_TIFF: Final = _row("tiff", "image/tiff", "TIFF image", "tif")
_GIF: Final = _row("gif", "image/gif", "GIF image")
_WEBP: Final = _row("webp", "image/webp", "WebP image")
_BMP: Final = _row("bmp", "image/bmp", "BMP image", "dib")
_HEIC: Final = _row("heic", "image/heic", "HEIC image", "heif", "hif")
_AVIF: Final = _row("avif", "image/avif", "AVIF image")

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00\x08\x00\x00\x00", _TIFF),
    (b"MM\x00+\x00\x08\x00\x00", _TIFF),
)
#: The brand of an ISO base media file that holds a picture.
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
    **dict.fromkeys((b"mif1", b"msf1", b"heif"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
}
#: The sizes of the headers that a BMP may have after its first one, in bytes.
_BMP_HEADERS: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def picture_kind(head: bytes) -> PictureKind | None:
    """What picture these first bytes begin; None if none."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    if head[4:8] == b"ftyp":
        return _brand(head)
    is_bmp = head[:2] == b"BM" and head[14:18] and head[6:10] == bytes(4)
    if is_bmp and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return _BMP
    return None


def _brand(head: bytes) -> PictureKind | None:
    """By the main brand; "mif1" alone leaves it to the brands it is compatible with."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 256)
    main = _BRANDS.get(head[8:12])
    if main is None:
        return None
    others = {head[at : at + 4] for at in range(16, end, 4)}
    return _AVIF if head[8:12] == b"mif1" and b"avif" in others else main
