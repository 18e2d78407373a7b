"""Tables, lists and what lies upon a page, of PDFs written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prsnl.engines.contracts import DocumentInfo, PageText
from prsnl.engines.pdf import read as read_pdf
from tests.fakes.child_files import FolderFiles
from tests.fakes.pdf_files import PdfPage, pdf_file, text_lines


def read(tmp_path: Path, content: bytes) -> tuple[DocumentInfo, list[PageText]]:
    """Read a PDF as a child does."""
    (tmp_path / "a.pdf").write_bytes(content)
    frames: list[dict[str, Any]] = list(
        read_pdf(FolderFiles(tmp_path, tmp_path), {"path": "a.pdf"})
    )
    return DocumentInfo.model_validate(frames[0]), [
        PageText.model_validate(frame) for frame in frames[1:]
    ]


def columns(*rows: tuple[str, ...], at: tuple[int, ...], y: float = 600) -> str:
    """Rows of cells that begin at the same places."""
    return "".join(
        f"BT /F1 11 Tf {x} {y - 15 * number} Td ({cell}) Tj ET\n"
        for number, row in enumerate(rows)
        for x, cell in zip(at, row, strict=True)
        if cell
    )


def test_rows_with_white_between_their_cells_are_a_table(tmp_path: Path) -> None:
    rows = (("Item", "Pieces", "Price"), ("Kettle", "2", "40.00"), ("Cup", "6", "9.50"))

    _, (page,) = read(tmp_path, pdf_file(columns(*rows, at=(72, 250, 400))))

    assert page.markdown == (
        "| Item | Pieces | Price |\n| --- | --- | --- |\n"
        "| Kettle | 2 | 40.00 |\n| Cup | 6 | 9.50 |"
    )
    assert page.text.split() == [word for row in rows for word in row]


def test_an_empty_cell_stays_in_its_column(tmp_path: Path) -> None:
    rows = [("Name", "Town", "Year")] * 3 + [("Ada", "", "1815")]

    _, (page,) = read(tmp_path, pdf_file(columns(*rows, at=(72, 250, 400))))

    assert page.markdown is not None
    assert page.markdown.endswith("| Ada |  | 1815 |")


@pytest.mark.parametrize(
    ("rows", "at"),
    [
        ([("Item", "Price"), ("Kettle", "40.00")], (72, 400)),
        ([("A word in a column of text which goes on", "and in another one")] * 4,
         (72, 330)),
        ([(str(n), "i = i + 1") for n in range(1, 6)], (72, 140)),
        ([("Name", "Town"), ("Ada Lovelace", "London"), ("x", "y")], (72, 100)),
    ],
)  # fmt: skip
def test_what_leaves_a_doubt_is_no_table(
    tmp_path: Path, rows: list[tuple[str, ...]], at: tuple[int, ...]
) -> None:
    """Two rows, text in columns, numbered lines, cells without white between them."""
    _, (page,) = read(tmp_path, pdf_file(columns(*rows, at=at)))

    assert page.markdown is None or "---" not in page.markdown


def test_a_bar_in_a_cell_does_not_end_it(tmp_path: Path) -> None:
    rows = [("Sign", "Means"), ("this | that", "one of both"), ("this", "the first")]

    _, (page,) = read(tmp_path, pdf_file(columns(*rows, at=(72, 300))))

    assert page.markdown is not None
    assert r"| this \| that | one of both |" in page.markdown


def test_lines_with_marks_are_a_list(tmp_path: Path) -> None:
    bullet = "\u2022"
    lines = ["What is needed:", f"{bullet} Flour", f"{bullet} Water", "Then mix it."]

    _, (page,) = read(tmp_path, pdf_file(text_lines(*lines)))

    assert page.markdown == "What is needed:\n\n- Flour\n- Water\n\nThen mix it."


def test_one_number_alone_is_no_list(tmp_path: Path) -> None:
    _, (page,) = read(tmp_path, pdf_file(text_lines("1. The flat is let for living.")))

    assert page.markdown is None


def test_links_are_told_with_the_words_they_stand_on(tmp_path: Path) -> None:
    link = (
        "/Subtype /Link /Rect [70 755 200 775] "
        "/A << /S /URI /URI (https://example.org/a) >>"
    )
    page = PdfPage(content=text_lines("A page of ours"), annotations=[(link, "")])

    _, (told,) = read(tmp_path, pdf_file(page))

    assert [(one.url, one.text) for one in told.links] == [
        ("https://example.org/a", "A page of ours")
    ]


def test_a_link_that_would_run_something_is_left_out(tmp_path: Path) -> None:
    link = "/Subtype /Link /Rect [70 755 200 775] /A << /S /URI /URI (javascript:x) >>"
    page = PdfPage(content=text_lines("A page"), annotations=[(link, "")])

    _, (told,) = read(tmp_path, pdf_file(page))

    assert told.links == ()


def test_what_a_reader_has_noted_stands_below_the_text(tmp_path: Path) -> None:
    note = "/Subtype /Text /Rect [300 700 320 720] /Contents (Too dear) /T (Ada)"
    page = PdfPage(content=text_lines("The price is 40."), annotations=[(note, "")])

    _, (told,) = read(tmp_path, pdf_file(page))

    assert told.text == "The price is 40.\n\n[Comment by Ada: Too dear]"


def test_xmp_tells_what_the_information_leaves_open(tmp_path: Path) -> None:
    xmp = (
        "<x:xmpmeta><rdf:Description xmp:CreateDate='2024-05-12T10:30:00+02:00'>"
        "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Salt &amp; flour</rdf:li>"
        "</rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq>"
        "</dc:creator></rdf:Description></x:xmpmeta>"
    )
    content = pdf_file("", info="/Title (Of the information)", catalog="/Lang (de-DE)")
    plain = content + f"\n% {xmp}\n".encode()

    info, _ = read(tmp_path, plain)

    assert info.metadata == {
        "title": "Of the information",
        "author": "Ada",
        "created_at": "2024-05-12T10:30:00+02:00",
        "language": "de-DE",
    }
