"""PDF files written by hand, so that a test knows every byte of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class PdfPage:
    """One page: its content stream, and entries of its dictionary.

    Attributes:
        content: PDF operators; fonts F1 (Helvetica), F2 (with surrogates in its
            ToUnicode map) and F3 (with neither an encoding nor a map).
        entries: Further entries, such as `/Rotate 90`.
        annotations: Dictionaries of annotations, each with its appearance stream.
    """

    content: str = ""
    entries: str = ""
    annotations: Sequence[tuple[str, str]] = ()


@dataclass(kw_only=True)
class PdfWriter:
    """Numbers objects and writes them with a cross-reference table."""

    objects: list[bytes] = field(default_factory=list)

    def add(self, body: str | bytes) -> int:
        """Add one object and return its number."""
        self.objects.append(body if isinstance(body, bytes) else body.encode("cp1252"))
        return len(self.objects)

    def stream(self, content: str, entries: str = "") -> int:
        """Add a stream object."""
        data = content.encode("cp1252")
        head = f"<< {entries} /Length {len(data)} >>\nstream\n".encode()
        return self.add(head + data + b"\nendstream")

    def written(self, root: int, info: int) -> bytes:
        """The whole file."""
        out = bytearray(b"%PDF-1.7\n")
        places = []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        table = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
        out += (
            f"trailer\n<< /Size {len(places) + 1} /Root {root} 0 R "
            f"/Info {info} 0 R >>\nstartxref\n{table}\n%%EOF\n"
        ).encode()
        return bytes(out)


_SURROGATES = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
1 begincodespacerange <00> <FF> endcodespacerange
1 beginbfchar <41> <D835DC31> endbfchar
endcmap end end"""


def text_lines(*lines: str, x: float = 72, y: float = 760, size: float = 11) -> str:
    """A content stream of lines one under another, 1.2 times their size apart."""
    shown = "".join(f"({_escaped(line)}) Tj 0 {-1.2 * size} Td\n" for line in lines)
    return f"BT /F1 {size} Tf {x} {y} Td\n{shown}ET\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def pdf_file(
    *pages: PdfPage | str,
    info: str = "",
    outline: Sequence[str] = (),
    catalog: str = "",
) -> bytes:
    """A PDF of the pages.

    Args:
        pages: A text is a page with that content stream.
        info: Entries of the document information.
        outline: Titles of bookmarks, one for each page from the first.
        catalog: Further entries of the catalog, such as page labels.
    """
    to = PdfWriter()
    root, tree, information = (to.add("") for _ in range(3))
    cmap = to.stream(_SURROGATES)
    fonts = (
        to.add(
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica "
            "/Encoding /WinAnsiEncoding >>"
        ),
        to.add(
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica "
            f"/ToUnicode {cmap} 0 R >>"
        ),
        to.add(
            "<< /Type /Font /Subtype /Type0 /BaseFont /Nameless /Encoding /Identity-H "
            f"/DescendantFonts [{_descendant(to)} 0 R] >>"
        ),
    )
    named = " ".join(f"/F{n} {font} 0 R" for n, font in enumerate(fonts, 1))
    numbers = [
        _page(to, PdfPage(content=one) if isinstance(one, str) else one, tree, named)
        for one in pages
    ]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    to.objects[tree - 1] = (
        f"<< /Type /Pages /Kids [{kids}] /Count {len(numbers)} "
        "/MediaBox [0 0 595 842] >>"
    ).encode()
    marks = _outline(to, outline, numbers)
    fields = " ".join(
        f"{number} 0 R"
        for number, body in enumerate(to.objects, 1)
        if b"/Subtype /Widget" in body
    )
    form = f"/AcroForm << /Fields [{fields}] >>" if fields else ""
    to.objects[root - 1] = (
        f"<< /Type /Catalog /Pages {tree} 0 R {marks} {form} {catalog} >>"
    ).encode()
    to.objects[information - 1] = f"<< {info} >>".encode("cp1252")
    return to.written(root, information)


def _descendant(to: PdfWriter) -> int:
    return to.add(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Nameless /CIDSystemInfo "
        "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 600 >>"
    )


def _page(to: PdfWriter, page: PdfPage, tree: int, fonts: str) -> int:
    content = to.stream(page.content)
    resources = f"/Resources << /Font << {fonts} >> >>"
    annotations = []
    for dictionary, appearance in page.annotations:
        drawn = to.stream(
            appearance,
            f"/Type /XObject /Subtype /Form /BBox [0 0 400 40] {resources}",
        )
        annotations.append(
            to.add(f"<< /Type /Annot {dictionary} /F 4 /AP << /N {drawn} 0 R >> >>")
        )
    listed = " ".join(f"{number} 0 R" for number in annotations)
    return to.add(
        f"<< /Type /Page /Parent {tree} 0 R /Contents {content} 0 R {resources} "
        f"/Annots [{listed}] {page.entries} >>"
    )


def _outline(to: PdfWriter, titles: Sequence[str], pages: Sequence[int]) -> str:
    if not titles:
        return ""
    first = len(to.objects) + 2
    last = first + len(titles) - 1
    top = to.add(f"<< /Type /Outlines /First {first} 0 R /Last {last} 0 R >>")
    for place, title in enumerate(titles):
        number = first + place
        following = f"/Next {number + 1} 0 R" if number < last else ""
        previous = f"/Prev {number - 1} 0 R" if place else ""
        to.add(
            f"<< /Title ({_escaped(title)}) /Parent {top} 0 R {following} {previous} "
            f"/Dest [{pages[place]} 0 R /Fit] >>"
        )
    return f"/Outlines {top} 0 R"
