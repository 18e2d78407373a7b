"""The PDF engine on files whose every byte is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError
from prsnl.engines import pdf
from prsnl.engines.contracts import (
    DocumentInfo,
    JsonObject,
    PageStatus,
    PageText,
    Picture,
)
from tests.fakes.child_files import FolderFiles
from tests.fakes.pdf_files import PdfPage, PdfWriter, pdf_file, text_lines

IMAGE = "q 100 0 0 100 72 600 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q"


def read(
    folder: Path, data: bytes, **params: object
) -> tuple[DocumentInfo, list[PageText]]:
    (folder / "a.pdf").write_bytes(data)
    given: JsonObject = {"path": "a.pdf", **params}
    info, *pages = pdf.read(FolderFiles(folder, folder), given)
    return DocumentInfo.model_validate(info), [
        PageText.model_validate(page) for page in pages
    ]


def test_pages_come_in_order_with_their_lines(tmp_path: Path) -> None:
    _, pages = read(tmp_path, pdf_file(text_lines("One", "two"), text_lines("Three")))

    assert [(page.number, page.text) for page in pages] == [
        (1, "One\ntwo"),
        (2, "Three"),
    ]
    assert all(page.status is PageStatus.OK for page in pages)


def test_skipped_pages_are_not_read_again(tmp_path: Path) -> None:
    """A resumed task reads what its first run did not."""
    data = pdf_file(*(text_lines(f"Page {n}") for n in range(1, 5)))

    info, pages = read(tmp_path, data, skip_pages=[1, 3])

    assert info.page_count == 4
    assert [page.number for page in pages] == [2, 4]


def test_a_wide_gap_parts_paragraphs(tmp_path: Path) -> None:
    data = pdf_file(
        text_lines("First paragraph of", "two lines.")
        + text_lines("Second paragraph of", "two lines.", y=690)
    )

    _, pages = read(tmp_path, data)

    assert pages[0].text == (
        "First paragraph of\ntwo lines.\n\nSecond paragraph of\ntwo lines."
    )


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_page_reads_the_same(tmp_path: Path, turn: int) -> None:
    text = text_lines("A line of a page,", "and its second line.")

    _, pages = read(
        tmp_path, pdf_file(PdfPage(content=text, entries=f"/Rotate {turn}"))
    )

    assert pages[0].text == "A line of a page,\nand its second line."


@pytest.mark.parametrize(
    "matrix", ["0 1 -1 0 300 100", "-1 0 0 -1 500 700", "0 -1 1 0 100 700"]
)
def test_turned_text_keeps_its_paragraphs(tmp_path: Path, matrix: str) -> None:
    shown = (
        f"BT /F1 11 Tf {matrix} Tm (First line) Tj 0 -13 Td (goes on.) Tj "
        "0 -60 Td (Far below) Tj ET"
    )

    _, pages = read(tmp_path, pdf_file(shown))

    assert pages[0].text == "First line\ngoes on.\n\nFar below"


def test_what_was_filled_in_is_read(tmp_path: Path) -> None:
    """The value of a field is drawn by its annotation, not by the page."""
    field = "/Subtype /Widget /FT /Tx /T (n) /V (Ada) /Rect [72 600 472 640]"
    note = "/Subtype /FreeText /Contents (x) /Rect [72 500 472 540]"
    page = PdfPage(
        content=text_lines("Name:"),
        annotations=[
            (field, text_lines("Ada Lovelace", x=2, y=10)),
            (note, text_lines("Seen by me", x=2, y=10)),
        ],
    )

    _, pages = read(tmp_path, pdf_file(page))

    assert "Ada Lovelace" in pages[0].text
    assert "Seen by me" in pages[0].text


def test_letters_beyond_the_first_plane_are_kept(tmp_path: Path) -> None:
    _, pages = read(tmp_path, pdf_file("BT /F2 12 Tf 72 700 Td (xAz) Tj ET"))

    assert pages[0].text == "x\U0001d431z"


def test_a_font_without_a_map_gives_no_confidence(tmp_path: Path) -> None:
    _, pages = read(tmp_path, pdf_file("BT /F3 12 Tf 72 700 Td <00010002> Tj ET"))

    assert pages[0].status is PageStatus.EMPTY
    assert pages[0].confidence == 0
    assert "fonts" in pages[0].reason


def test_a_page_without_text_says_what_it_is(tmp_path: Path) -> None:
    _, pages = read(tmp_path, pdf_file(PdfPage(), IMAGE, text_lines("Text")))

    assert [page.status for page in pages] == ["empty", "empty", "ok"]
    assert "blank page" in pages[0].reason
    assert "a picture" in pages[1].reason
    assert pages[1].need is not None


def test_headings_are_the_printed_title_and_the_bookmarks(tmp_path: Path) -> None:
    body = text_lines(*["Some text of the usual size, as there is most of it."] * 5)
    title = text_lines("A large title", y=800, size=20)

    info, pages = read(tmp_path, pdf_file(title + body, body, outline=["One", "Two"]))

    assert [(one.level, one.text, one.page) for one in info.headings] == [
        (1, "A large title", 1),
        (1, "One", 1),
        (1, "Two", 2),
    ]
    assert pages[0].markdown is not None
    assert pages[0].markdown.startswith("## A large title\n\nSome text")


def test_metadata_are_plain(tmp_path: Path) -> None:
    info, _ = read(
        tmp_path,
        pdf_file(
            text_lines("x"),
            info="/Title (T\\351st) /Author () /CreationDate (D:20240512103000+02'00')",
        ),
    )

    assert info.metadata == {
        "title": "Tést",
        "created_at": "2024-05-12T10:30:00+02:00",
    }


def test_printed_page_numbers_are_labels(tmp_path: Path) -> None:
    labels = "/PageLabels << /Nums [0 << /S /r >> 1 << /S /D /P (A-) >>] >>"

    _, pages = read(tmp_path, pdf_file("", "", catalog=labels))

    assert [page.label for page in pages] == ["i", "A-1"]


def test_a_damaged_page_costs_that_page_alone(tmp_path: Path) -> None:
    data = pdf_file(text_lines("One"), text_lines("Two"), text_lines("Three"))
    second = data.index(b"/Type /Page /", data.index(b"/Type /Page /") + 1)
    broken = data[:second] + b"/Type /Nope /" + data[second + 13 :]

    _, pages = read(tmp_path, broken)

    assert [page.status for page in pages if page.number != 2] == ["ok", "ok"]


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\nrubbish", b"%PDF-1.4\n%%EOF", b"\x00" * 99]
)
def test_a_damaged_file_is_corrupt(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, data)


def test_a_file_cut_off_in_the_middle_ends_in_a_named_way(tmp_path: Path) -> None:
    data = pdf_file(*(text_lines(f"Page {n}") for n in range(1, 9)))

    for share in (0.3, 0.6, 0.9):
        try:
            _, pages = read(tmp_path, data[: int(share * len(data))])
        except CorruptError:
            continue
        assert all(page.status in PageStatus for page in pages)


def test_the_thumbnail_is_as_wide_as_asked(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_file(text_lines("One")))

    (frame,) = pdf.thumbnail(
        FolderFiles(tmp_path, tmp_path), {"path": "a.pdf", "width": 320}
    )

    picture = Picture.model_validate(frame)
    assert (picture.width, picture.mime_type) == (320, "image/jpeg")
    assert (tmp_path / picture.file_name).read_bytes().startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("box", ["0 0 14400 1", "0 0 1 14400", "0 0 14400 14400"])
def test_a_page_of_any_shape_stays_within_the_pixels(tmp_path: Path, box: str) -> None:
    """A page may claim a raster of gigapixels."""
    page = PdfPage(content=text_lines("One"), entries=f"/MediaBox [{box}]")
    (tmp_path / "a.pdf").write_bytes(pdf_file(page))

    frames = list(
        pdf.thumbnail(FolderFiles(tmp_path, tmp_path), {"path": "a.pdf", "width": 320})
    )

    for frame in frames:
        assert frame["width"] <= 321
        assert frame["height"] <= 4 * 321


@pytest.mark.parametrize(
    ("kids", "count", "more"),
    [
        ("2 0 R", 5, []),
        ("3 0 R", 7, ["<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 7 >>"]),
    ],
)
def test_a_tree_of_pages_that_bites_its_tail_ends(
    tmp_path: Path, kids: str, count: int, more: list[str]
) -> None:
    to = PdfWriter()
    to.add("<< /Type /Catalog /Pages 2 0 R >>")
    to.add(f"<< /Type /Pages /Kids [{kids}] /Count {count} >>")
    for body in more:
        to.add(body)

    _, pages = read(tmp_path, to.written(1, 1))

    assert {page.status for page in pages} == {"failed"}
    assert len(pages) == count
