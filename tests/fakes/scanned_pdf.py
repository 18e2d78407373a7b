"""PDF pages of pictures and text, each at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tests.fakes.pdf_files import PdfWriter
from tests.fakes.pictures import encoded


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A picture on a page: its lower left corner and its size in points."""

    picture: Image.Image
    x: float = 0
    y: float = 0
    width: float = 595
    height: float = 842


@dataclass(frozen=True, kw_only=True)
class ScannedPage:
    """Pictures, and operators that are drawn over them with the font F1."""

    pictures: Sequence[Placed] = ()
    content: str = ""
    entries: str = ""


def scanned_pdf(*pages: ScannedPage, size: tuple[float, float] = (595, 842)) -> bytes:
    """A PDF of the pages."""
    to = PdfWriter()
    root, tree, info = (to.add("") for _ in range(3))
    font = to.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    numbers = [_page(to, page, tree, font) for page in pages]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    to.objects[tree - 1] = (
        f"<< /Type /Pages /Kids [{kids}] /Count {len(numbers)} "
        f"/MediaBox [0 0 {size[0]:g} {size[1]:g}] >>"
    ).encode()
    to.objects[root - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode()
    to.objects[info - 1] = b"<< >>"
    return to.written(root, info)


def _page(to: PdfWriter, page: ScannedPage, tree: int, font: int) -> int:
    numbers = [_picture(to, placed.picture) for placed in page.pictures]
    drawn = "".join(
        f"q {placed.width:g} 0 0 {placed.height:g} {placed.x:g} {placed.y:g} cm "
        f"/I{number} Do Q\n"
        for number, placed in zip(numbers, page.pictures, strict=True)
    )
    content = to.stream(drawn + page.content)
    named = " ".join(f"/I{number} {number} 0 R" for number in numbers)
    return to.add(
        f"<< /Type /Page /Parent {tree} 0 R /Contents {content} 0 R {page.entries} "
        f"/Resources << /XObject << {named} >> /Font << /F1 {font} 0 R >> >> >>"
    )


def _picture(to: PdfWriter, picture: Image.Image) -> int:
    data = encoded(picture, "JPEG", quality=90)
    head = (
        f"<< /Type /XObject /Subtype /Image /Width {picture.width} /Height "
        f"{picture.height} /ColorSpace /DeviceGray /BitsPerComponent 8 "
        f"/Filter /DCTDecode /Length {len(data)} >>\nstream\n"
    )
    return to.add(head.encode() + data + b"\nendstream")
