"""Pages of PDFs that need OCR, wholly or in part, from bytes to recognised text."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from prsnl.engines import documents
from prsnl.engines.contracts import PageText
from prsnl.engines.ocr import operations, table
from tests.fakes.child_files import FolderFiles
from tests.fakes.pdf_files import pdf_file, text_lines
from tests.fakes.pictures import PROSE, picture
from tests.fakes.scanned_pdf import Placed, ScannedPage, scanned_pdf

pytestmark = pytest.mark.skipif(not table.installed(), reason="no OCR engine here")
SHEET = picture(size=(1240, 1754), letters=34)
TEXT = (
    "This letter was written with a machine, and holds more than enough of words",
    "to be what it claims to be: a page of text that nobody has to recognise.",
)


def pages(folder: Path, content: bytes) -> list[PageText]:
    """The pages of a PDF, as its reader tells them."""
    (folder / "a.pdf").write_bytes(content)
    files = FolderFiles(folder, folder)
    _, *told = documents.read(files, {"path": "a.pdf", "kind": "pdf"})
    return [PageText.model_validate(page) for page in told]


def recognized(
    folder: Path, content: bytes, *, pixels_max: int = 4_000_000
) -> PageText:
    """The first page, once its need is met."""
    (page,) = pages(folder, content)
    assert page.need is not None, page
    engine = table.installed()[0]
    (told,) = operations.recognize(
        FolderFiles(folder, folder),
        {
            "path": "a.pdf",
            "kind": "pdf",
            "page": page.model_dump(mode="json"),
            "engine": engine.module,
            "setup": engine.setup,
            "languages": list(engine.has(("eng",))),
            "pixels_max": pixels_max,
        },
    )
    made = PageText.model_validate(told)
    assert made.need is None
    return made


def lines(*told: str, mode: int = 0, y: float = 780) -> str:
    return text_lines(*told, y=y).replace("BT", f"BT {mode} Tr")


def test_a_scan_is_read_from_its_picture(tmp_path: Path) -> None:
    page = recognized(
        tmp_path, scanned_pdf(ScannedPage(pictures=[Placed(picture=SHEET)]))
    )

    assert PROSE[0] in page.text
    assert page.reason == "no text layer: a scan"


def test_a_page_that_is_shown_turned_is_read(tmp_path: Path) -> None:
    turned = Placed(picture=SHEET.rotate(90, expand=True), width=842, height=595)
    content = scanned_pdf(
        ScannedPage(pictures=[turned], entries="/Rotate 90"), size=(842, 595)
    )

    page = recognized(tmp_path, content)

    assert PROSE[0] in page.text
    assert page.recognition
    assert page.recognition.turned_degrees == 0


def test_a_scan_in_strips_is_one_scan(tmp_path: Path) -> None:
    part = SHEET.height // 7
    strips = [
        Placed(
            picture=SHEET.crop((0, n * part, SHEET.width, (n + 1) * part)),
            y=842 - (n + 1) * 842 / 7,
            height=842 / 7,
        )
        for n in range(7)
    ]

    page = recognized(tmp_path, scanned_pdf(ScannedPage(pictures=strips)))

    assert page.reason == "no text layer: a scan"
    assert PROSE[1] in page.text


def test_a_stamp_over_a_scan_does_not_hide_it(tmp_path: Path) -> None:
    content = scanned_pdf(
        ScannedPage(
            pictures=[Placed(picture=SHEET)], content=lines("RECEIVED 12 May", y=60)
        )
    )

    page = recognized(tmp_path, content)

    assert PROSE[0] in page.text
    assert "RECEIVED" in page.text


def test_a_scanner_s_good_text_layer_is_trusted(tmp_path: Path) -> None:
    content = scanned_pdf(
        ScannedPage(pictures=[Placed(picture=SHEET)], content=lines(*TEXT, mode=3))
    )

    (page,) = pages(tmp_path, content)

    assert page.need is None
    assert page.text.startswith("This letter")


def test_a_scanner_s_poor_text_layer_is_not(tmp_path: Path) -> None:
    poor = (
        "T1e kett]e |n tke k;tch3n w~s o1der t#an t e ho.se. N bod h d ev~r s e n i+ "
    )
    content = scanned_pdf(
        ScannedPage(
            pictures=[Placed(picture=SHEET)], content=lines(poor, poor, poor, mode=3)
        )
    )

    page = recognized(tmp_path, content)

    assert page.reason == "a scan whose text layer reads badly"
    assert PROSE[0] in page.text
    assert "kett]e" not in page.text


def test_the_text_of_a_picture_stands_where_the_picture_does(tmp_path: Path) -> None:
    inset = picture(["Some words from the picture"], size=(1000, 200), at=(60, 60))
    content = scanned_pdf(
        ScannedPage(
            pictures=[Placed(picture=inset, x=72, y=500, width=300, height=60)],
            content=lines(*TEXT) + lines("The last line of the letter.", y=300),
        )
    )

    page = recognized(tmp_path, content)

    wanted = ("nobody has to", "Some words from the picture", "The last line")
    places = [page.text.find(one) for one in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert page.recognition
    assert page.recognition.mode == "pictures"


def test_a_photograph_beside_text_adds_nothing(tmp_path: Path) -> None:
    photo = Image.effect_noise((600, 400), 90).resize((1200, 800))
    content = scanned_pdf(
        ScannedPage(
            pictures=[Placed(picture=photo, x=72, y=400, width=300, height=200)],
            content=lines(*TEXT),
        )
    )

    page = recognized(tmp_path, content)

    assert page.text.startswith("This letter")
    assert page.text.endswith("recognise.")
    assert page.reason == "text layer; no text in its pictures"
    assert page.recognition is None


def test_letters_that_mean_nothing_are_recognised_instead(tmp_path: Path) -> None:
    glyphs = "BT /F3 20 Tf 72 700 Td <00010002000300040005> Tj ET"

    (page,) = pages(tmp_path, pdf_file(glyphs))

    assert page.need is not None
    assert page.need.mode == "page"


def test_a_page_of_many_square_metres_is_drawn_within_the_limit(
    tmp_path: Path,
) -> None:
    """Asked for at 300 dots an inch it would have 3.6 gigapixels."""
    huge = Placed(picture=SHEET, width=14_400, height=14_400)
    content = scanned_pdf(ScannedPage(pictures=[huge]), size=(14_400, 14_400))

    page = recognized(tmp_path, content, pixels_max=2_000_000)

    assert "kettle" in page.text
