"""Files that are made to do harm: each a named outcome, in bounded time and memory."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, PrsnlError, TooLargeError
from prsnl.engines import documents, images, limits
from prsnl.engines.documents import READERS
from prsnl.engines.documents.identify import file_type
from tests.fakes.child_files import FolderFiles
from tests.fakes.docx_files import docx_file
from tests.fakes.office_files import (
    epub_file,
    odf_file,
    paragraph,
    pptx_file,
    shape,
    slide,
    xlsx_file,
    zip_file,
)
from tests.fakes.ole_files import doc_file, msg_file, msg_text, ppt_file, xls_file
from tests.unit.engines.documents.reading import read

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(10))
    + "]>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'

#: Kind -> a file of it, and where in it the XML of its text lies.
GOOD: dict[str, bytes] = {
    "docx": docx_file("<w:p><w:r><w:t>words</w:t></w:r></w:p>"),
    "pptx": pptx_file([slide(shape(paragraph("words")))]),
    "xlsx": xlsx_file({"s": "<row><c><v>1</v></c></row>"}),
    "odt": odf_file("text", "<text:p>words</text:p>"),
    "ods": odf_file("spreadsheet", "<table:table/>"),
    "odp": odf_file("presentation", "<draw:page/>"),
    "epub": epub_file({"a.xhtml": "<p>words</p>"}),
    "doc": doc_file("words\r"),
    "ppt": ppt_file([("a", "b", "c")]),
    "xls": xls_file([["a", 1.0]]),
    "msg": msg_file({**msg_text(0x37, "s"), **msg_text(0x1000, "words")}),
    "zip": zip_file({"a.txt": "words"}),
    "rtf": b"{\\rtf1 words\\par {\\b more}}",
    "eml": b"Subject: s\r\nFrom: a@b.example\r\n\r\nwords",
    "csv": b"a,b\n1,2\n",
    "html": b"<p>words",
    "markdown": b"# words",
    "text": b"words",
}
MAIN = {
    "docx": "word/document.xml",
    "pptx": "ppt/presentation.xml",
    "xlsx": "xl/workbook.xml",
    "odt": "content.xml",
    "ods": "content.xml",
    "odp": "content.xml",
    "epub": "OEBPS/book.opf",
}


@contextmanager
def bounded(mib: int) -> Iterator[None]:
    """Fail if the block holds more memory of Python's at a time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < mib * limits.MIB


def test_every_kind_that_is_read_is_attacked_here() -> None:
    """Save PDF and pictures, which have tests of their own for that."""
    assert set(GOOD) | {"pdf", "xlsb", *images.KINDS} == set(READERS)


def replaced(kind: str, content: bytes) -> bytes:
    """A good file whose main XML is something else."""
    with zipfile.ZipFile(io.BytesIO(GOOD[kind])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert MAIN[kind] in members
    return zip_file({**members, MAIN[kind]: content}, stored=["mimetype"])


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("head", [BOMB, OUTSIDE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_entities_is_refused(
    tmp_path: Path, kind: str, head: str, encoding: str
) -> None:
    """Also behind a long comment, and in letters of two bytes."""
    late = head.replace("?>", f"?><!--{'x' * 100_000}-->", 1)
    data = replaced(kind, f"{late}<x>&a;</x>".encode(encoding))

    with pytest.raises(CorruptError, match="entities"):
        read(tmp_path, kind, data)


@pytest.mark.parametrize("kind", MAIN)
def test_xml_without_end_or_depth_is_named(tmp_path: Path, kind: str) -> None:
    for content in (b"", b"<x>", b"<x>" * 200_000, b"\xff\xfe\x00"):
        with pytest.raises(CorruptError):
            read(tmp_path, kind, replaced(kind, content))


NESTED = {
    "docx": ("<w:p><w:r><w:txbxContent>", "</w:txbxContent></w:r></w:p>"),
    "odt": ("<text:section>", "</text:section>"),
    "pptx": ("<p:grpSp>", "</p:grpSp>"),
}


@pytest.mark.parametrize("kind", NESTED)
def test_elements_a_hundred_thousand_deep_are_refused(
    tmp_path: Path, kind: str
) -> None:
    start, end = NESTED[kind]
    body = start * 100_000 + end * 100_000
    data = {
        "docx": lambda: docx_file(body),
        "odt": lambda: odf_file("text", body),
        "pptx": lambda: pptx_file([slide(body)]),
    }[kind]()

    with pytest.raises(CorruptError, match="nested deeper"):
        read(tmp_path, kind, data)


@pytest.mark.parametrize("kind", MAIN)
def test_a_document_that_unpacks_without_end_is_refused(
    tmp_path: Path, kind: str
) -> None:
    """Refused by what it says of itself, before a byte is unpacked."""
    with zipfile.ZipFile(io.BytesIO(GOOD[kind])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = bytearray(zip_file({**members, "more.xml": b"x"}, stored=["mimetype"]))
    at = data.rindex(b"more.xml") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", data, at + 24, 2**31)

    with pytest.raises(TooLargeError, match="unpacks"):
        read(tmp_path, kind, bytes(data))


def test_a_table_with_one_wide_row_is_not_filled_up(tmp_path: Path) -> None:
    """A grid of all its cells would have a thousand million of them."""
    wide = "<table><tr>" + "<td>x" * 30_000 + "<tr><td>y" * 30_000

    with bounded(400):
        _, parts = read(tmp_path, "html", wide.encode())

    assert sum(len(part.text) + len(part.markdown or "") for part in parts) < 10**6


def test_a_large_log_is_read_in_blocks(tmp_path: Path) -> None:
    line = b"2026-01-01 00:00:00 INFO something has happened, as it often does\n"
    (tmp_path / "blob").write_bytes(line * (12 * limits.MIB // len(line)))
    asked = {"path": "blob", "kind": "text"}

    with bounded(14):
        info, *parts = (
            len(str(frame.get("text", ""))) if number else frame["page_count"]
            for number, frame in enumerate(
                documents.read(FolderFiles(tmp_path, tmp_path), asked)
            )
        )

    assert info == len(parts)
    assert sum(parts) > 11 * limits.MIB


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_file_that_is_cut_anywhere_is_read_or_refused_by_name(
    tmp_path: Path, kind: str
) -> None:
    data = GOOD[kind]
    for cut in range(0, len(data), max(1, len(data) // 60)):
        with contextlib.suppress(PrsnlError):
            read(tmp_path, kind, data[:cut])


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_file_with_wrong_bytes_is_read_or_refused_by_name(
    tmp_path: Path, kind: str
) -> None:
    """A parser that fails in a way of its own is a defect of ours."""
    chance = random.Random(kind)  # noqa: S311 - to be the same each time
    for _ in range(60):
        data = bytearray(GOOD[kind])
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data))] = chance.choice((0, 255, 1, 128, 65))
        with contextlib.suppress(PrsnlError):
            read(tmp_path, kind, bytes(data))
        with contextlib.suppress(PrsnlError):
            file_type(tmp_path / "blob", f"a.{kind}")
