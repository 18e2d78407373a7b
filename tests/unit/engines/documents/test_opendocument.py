"""ODT: text as a reader sees it, with headings, lists, notes and links."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EncryptedError
from tests.fakes.office_files import odf_file, zip_file
from tests.unit.engines.documents.reading import markdown_of, read, text_of

STYLES = (
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1"/>'
    "</text:list-style>"
)


def test_a_text_keeps_headings_lists_links_and_tables(tmp_path: Path) -> None:
    body = (
        '<text:h text:outline-level="2">Head &amp; more</text:h>'
        '<text:p>See<text:s text:c="2"/><text:a xlink:href="https://x.example/?a=1">'
        "the page</text:a>,<text:tab/>now 😀<text:line-break/>next</text:p>"
        '<text:list text:style-name="L1"><text:list-item><text:p>one</text:p>'
        "<text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list>"
        "</text:list-item><text:list-item><text:p>two</text:p></text:list-item>"
        "</text:list><table:table><table:table-row><table:table-cell><text:p>a|b</text:p>"
        "</table:table-cell><table:table-cell><text:p>c</text:p></table:table-cell>"
        "</table:table-row></table:table>"
    )

    markdown = markdown_of(tmp_path, "odt", odf_file("text", body, styles=STYLES))

    assert markdown == (
        "## Head & more\n\nSee [the page](https://x.example/?a=1), now 😀\nnext\n\n"
        "1. one\n\n  - deep\n\n2. two\n\n| a\\|b | c |\n| --- | --- |"
    )


def test_deleted_text_is_gone_and_notes_stand_at_the_end(tmp_path: Path) -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone"
        "</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        "<text:p>Kept<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>A footnote.</text:p></text:note-body></text:note>"
        "<office:annotation><dc:creator>Ada</dc:creator><text:p>Really?</text:p>"
        "</office:annotation> words.</text:p>"
    )

    text = text_of(tmp_path, "odt", odf_file("text", body))

    assert text == "Kept words.\n\n1 A footnote.\n\nComment: Really?"


def test_headers_and_footers_are_said_once(tmp_path: Path) -> None:
    page = (
        "<style:master-page><style:header><text:p>Letterhead</text:p></style:header>"
        "<style:footer><text:p>Page foot</text:p></style:footer></style:master-page>"
    )

    data = odf_file("text", "<text:p>body</text:p>", master=page * 3)

    assert text_of(tmp_path, "odt", data) == "Letterhead\n\nbody\n\nPage foot"


def test_properties_are_told(tmp_path: Path) -> None:
    meta = (
        "<dc:title>A title</dc:title><meta:initial-creator>Ada</meta:initial-creator>"
        "<dc:date>2025-04-03T09:00:00</dc:date><meta:keyword>a</meta:keyword>"
        "<meta:keyword>b</meta:keyword>"
    )

    info, _ = read(tmp_path, "odt", odf_file("text", "<text:p>x</text:p>", meta=meta))

    assert info.metadata == {
        "title": "A title",
        "author": "Ada",
        "modified_at": "2025-04-03T09:00:00",
        "keywords": "a, b",
    }


def test_a_text_under_a_password_is_named(tmp_path: Path) -> None:
    locked = zip_file(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": b"\x00\x01",
            "META-INF/manifest.xml": "<manifest><file-entry><encryption-data/>"
            "</file-entry></manifest>",
        }
    )

    with pytest.raises(EncryptedError, match="password"):
        read(tmp_path, "odt", locked)


def test_a_repeated_cell_is_bounded(tmp_path: Path) -> None:
    body = (
        "<table:table><table:table-row><table:table-cell "
        'table:number-columns-repeated="999999999"><text:p>x</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )

    assert len(text_of(tmp_path, "odt", odf_file("text", body))) < 3000


def test_broken_xml_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match="XML"):
        read(tmp_path, "odt", odf_file("text", "<text:p>never closed"))
