"""EPUB: chapters in the order of the spine."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EncryptedError
from tests.fakes.office_files import epub_file, zip_file
from tests.unit.engines.documents.reading import read, text_of


def test_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    chapters = {
        f"{n}.xhtml": f"<h1>Chapter {n}</h1><p>Words &amp; {n}.</p>" for n in "12"
    }

    info, parts = read(
        tmp_path, "epub", epub_file(chapters, spine=["2.xhtml", "1.xhtml"])
    )

    assert [part.text for part in parts] == [
        "Chapter 2\n\nWords & 2.",
        "Chapter 1\n\nWords & 1.",
    ]
    assert [(one.text, one.page) for one in info.headings] == [
        ("Chapter 2", 1),
        ("Chapter 1", 2),
    ]
    assert info.metadata == {"title": "A book", "author": "Ada", "language": "en"}


def test_a_chapter_without_a_heading_gets_that_of_the_contents(tmp_path: Path) -> None:
    chapters = {"a.xhtml": "<p>PART ONE</p><p>x</p>", "b.xhtml": "<p>y</p>"}
    contents = {"a.xhtml": "Part one", "b.xhtml": "Part two"}

    info, parts = read(tmp_path, "epub", epub_file(chapters, contents=contents))

    assert [part.text for part in parts] == ["PART ONE\n\nx", "Part two\n\ny"]
    assert [one.text for one in info.headings] == ["PART ONE", "Part two"]


def test_a_chapter_that_is_missing_is_named(tmp_path: Path) -> None:
    data = epub_file({"a.xhtml": "<p>here</p>"})
    broken = data.replace(b"a.xhtml", b"b.xhtml", 1)  # the name in the archive alone

    with pytest.raises(CorruptError):
        read(tmp_path, "epub", broken)


def test_a_spine_that_repeats_a_chapter_is_read_once(tmp_path: Path) -> None:
    """A thousand mentions of one large chapter would be a bomb."""
    data = epub_file({"a.xhtml": "<p>once</p>"}, spine=["a.xhtml"] * 1000)

    assert text_of(tmp_path, "epub", data) == "once"


def test_a_way_out_of_the_archive_leads_nowhere(tmp_path: Path) -> None:
    data = epub_file({"../../../../etc/passwd": "<p>only a member</p>"})

    info, parts = read(tmp_path, "epub", data)

    assert "root:" not in parts[0].text
    assert info.warnings


def test_a_book_that_is_locked_to_a_device_is_named(tmp_path: Path) -> None:
    locked = {
        "META-INF/encryption.xml": "<encryption><EncryptedData>"
        '<CipherReference URI="OEBPS/a.xhtml"/></EncryptedData></encryption>'
    }

    with pytest.raises(EncryptedError, match="DRM"):
        read(tmp_path, "epub", epub_file({"a.xhtml": "<p>x</p>"}, parts=locked))


def test_a_book_without_a_table_of_its_parts_is_corrupt(tmp_path: Path) -> None:
    data = zip_file({"META-INF/container.xml": "<container/>"})

    with pytest.raises(CorruptError, match="table of its parts"):
        read(tmp_path, "epub", data)
