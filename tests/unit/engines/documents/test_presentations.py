"""PPTX, ODP and PPT: slides in order, titles, points, tables, notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EncryptedError
from tests.fakes.office_files import (
    odf_file,
    paragraph,
    pptx_file,
    relations,
    shape,
    slide,
)
from tests.fakes.ole_files import ppt_file
from tests.unit.engines.documents.reading import markdown_of, read, text_of

TABLE = (
    "<p:graphicFrame><a:tbl>"
    f"<a:tr><a:tc><a:txBody>{paragraph('Name')}</a:txBody></a:tc>"
    f"<a:tc><a:txBody>{paragraph('a|b')}</a:txBody></a:tc></a:tr>"
    "</a:tbl></p:graphicFrame>"
)


def test_slides_come_in_the_order_of_the_presentation(tmp_path: Path) -> None:
    """Their file names tell another one."""
    data = pptx_file([slide(shape(paragraph(word), "title")) for word in "abc"])

    info, parts = read(tmp_path, "pptx", data)

    assert [part.text for part in parts] == ["a", "b", "c"]
    assert [(one.text, one.page) for one in info.headings] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
    ]


def test_a_slide_gives_title_points_tables_and_text(tmp_path: Path) -> None:
    second = paragraph("deeper &amp; &lt;more&gt;", '<a:pPr lvl="1"/>')
    shapes = (
        shape(paragraph("point 😀") + second, "body")
        + shape(paragraph("A title"), "ctrTitle")
        + shape(paragraph("7"), "sldNum")
        + f"<p:grpSp>{shape(paragraph('in a group'))}</p:grpSp>"
        + TABLE
    )

    markdown = markdown_of(tmp_path, "pptx", pptx_file([slide(shapes)]))

    assert markdown == (
        "# A title\n\n- point 😀\n  - deeper & <more>\n\nin a group\n\n"
        "| Name | a\\|b |\n| --- | --- |"
    )


def test_notes_and_comments_follow_their_slide(tmp_path: Path) -> None:
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(
            ("notesSlide", "../notes/n.xml"), ("comments", "../comments/c.xml")
        ),
        "ppt/notes/n.xml": slide(
            shape(paragraph("Say this."), "body") + shape(paragraph("1"), "sldNum"),
            root="notes",
        ),
        "ppt/comments/c.xml": "<cmLst><cm><text>Why?</text></cm></cmLst>",
    }

    text = text_of(tmp_path, "pptx", pptx_file([slide(shape(paragraph("x")))], parts))

    assert text == "x\n\nNotes:\nSay this.\n\nComment: Why?"


def test_a_hidden_slide_is_read_and_named(tmp_path: Path) -> None:
    hidden = slide(shape(paragraph("backup")), attributes='show="0"')

    info, parts = read(tmp_path, "pptx", pptx_file([hidden]))

    assert parts[0].text == "backup"
    assert info.warnings == ("Hidden slides were read, too: 1.",)


def test_an_empty_presentation_has_one_empty_page(tmp_path: Path) -> None:
    _, parts = read(tmp_path, "pptx", pptx_file([]))

    assert [(part.status, part.text) for part in parts] == [("empty", "")]


def test_an_odp_gives_titles_text_and_notes(tmp_path: Path) -> None:
    body = (
        '<draw:page><draw:frame presentation:class="outline"><draw:text-box><text:list>'
        "<text:list-item><text:p>point</text:p></text:list-item></text:list>"
        '</draw:text-box></draw:frame><draw:frame presentation:class="title">'
        "<draw:text-box><text:p>Title</text:p></draw:text-box></draw:frame>"
        "<presentation:notes><draw:frame><draw:text-box><text:p>Say it.</text:p>"
        "</draw:text-box></draw:frame></presentation:notes></draw:page>"
        "<draw:page><draw:frame><draw:text-box><text:p>two</text:p></draw:text-box>"
        "</draw:frame></draw:page>"
    )

    _, parts = read(tmp_path, "odp", odf_file("presentation", body))

    assert [part.markdown or part.text for part in parts] == [
        "# Title\n\n- point\n\n**Notes:**\n\nSay it.",
        "two",
    ]


def test_a_ppt_gives_titles_points_and_boxes(tmp_path: Path) -> None:
    data = ppt_file([("Grüße 😀", "one\rtwo", "in a box"), ("Second", "three", "x")])

    _, parts = read(tmp_path, "ppt", data)

    assert [part.markdown for part in parts] == [
        "# Grüße 😀\n\n- one\n- two\n\nin a box",
        "# Second\n\n- three\n\nx",
    ]


def test_a_ppt_under_a_password_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncryptedError, match="password"):
        read(tmp_path, "ppt", ppt_file([("a", "b", "c")], token=0xF3D1C4DF))


@pytest.mark.parametrize("cut", [600, 1200, 2000])
def test_a_ppt_that_is_cut_off_is_corrupt(tmp_path: Path, cut: int) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "ppt", ppt_file([("a" * 3000, "b", "c")])[:cut])
