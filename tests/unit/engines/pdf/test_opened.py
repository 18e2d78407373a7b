"""Pages that their reader closes, beside pypdfium2's own on the same bytes."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest

from prsnl.engines.pdf.opened import OpenPage, OpenText
from prsnl.engines.pdf.textpage import Places
from tests.fakes.pdf_files import pdf_file, text_lines


def opened(folder: Path, data: bytes) -> pypdfium2.PdfDocument:
    (folder / "a.pdf").write_bytes(data)
    return pypdfium2.PdfDocument(folder / "a.pdf")


@pytest.mark.parametrize(
    "lines", [("One line",), ("Several words", "  and an indented line", "")]
)
def test_a_page_tells_what_pypdfium2_tells_of_it(
    tmp_path: Path, lines: tuple[str, ...]
) -> None:
    """One call for all of a text must lose none of its ends."""
    document = opened(tmp_path, pdf_file(text_lines(*lines)))
    theirs = document[0].get_textpage().get_text_range()

    page = OpenPage(document, 1)
    with OpenText(page) as text:
        ours = text.whole(text.count_chars())
    page.close()
    document.close()

    assert ours == theirs


def test_many_characters_stand_where_each_of_them_does(tmp_path: Path) -> None:
    """Their boxes come in another order of sides, and are asked for in one go."""
    document = opened(tmp_path, pdf_file(text_lines("Here", "and there")))
    page = OpenPage(document, 1)
    with OpenText(page) as text:
        count = text.count_chars()
        places = Places(text, text.whole(count), count)
        offsets = [0, 3, 7, count + 100]
        together = places.boxes(offsets)
        one_by_one = [places.box(offset) for offset in offsets]
    closed = places.box(0)
    page.close()
    document.close()

    assert one_by_one[0] is not None
    assert one_by_one[-1] is together[-1] is None
    assert [(box[0], box[3], box[2], box[1]) for box in together if box] == [
        box for box in one_by_one if box
    ]
    assert closed is None
