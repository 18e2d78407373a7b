"""Pictures: PNG, JPEG, TIFF with its pages, WebP, GIF, BMP, HEIC, AVIF."""

from __future__ import annotations

from typing import Final

#: What is read, by our word for the kind.
KINDS: Final = ("png", "jpeg", "tiff", "webp", "gif", "bmp", "heic", "avif")
