"""What a file is, whatever it is called."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EmptyError
from prsnl.engines.contracts import FileType
from prsnl.engines.documents import UNKNOWN, unread
from prsnl.engines.documents.identify import identify
from tests.fakes.child_files import FolderFiles
from tests.fakes.docx_files import docx_file
from tests.fakes.office_files import (
    epub_file,
    odf_file,
    pptx_file,
    xlsx_file,
    zip_file,
)
from tests.fakes.ole_files import doc_file, msg_file, msg_text, ppt_file, xls_file
from tests.fakes.pdf_files import pdf_file

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17)
LOCKED = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + bytes(900)
    + "EncryptedPackage".encode("utf-16-le")
)


def told(folder: Path, name: str, data: bytes) -> FileType:
    (folder / "blob").write_bytes(data)
    (frame,) = identify(
        FolderFiles(folder, folder), {"path": "blob", "file_name": name}
    )
    return FileType.model_validate(frame)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", pdf_file(""), "pdf"),
        ("a.pdf", b"\n\n" + pdf_file(""), "pdf"),
        ("a.txt", b"Plain words.", "text"),
        ("a.txt", "Grüße".encode("utf-16"), "text"),
        ("a.txt", "Grüße aus Köln".encode("cp1252"), "text"),
        ("notes.log", b"started\nended\n", "text"),
        ("a.md", b"# Title\n\nWords.", "markdown"),
        ("a.html", b"<p>Only a fragment</p>", "html"),
        ("a.docx", docx_file("<w:p/>"), "docx"),
        ("a.docx", docx_file("<w:p/>" * 50)[:700], "docx"),
        ("a.docx", LOCKED, "office-encrypted"),
        ("a.docx", b"PK\x03\x04 rubbish", "docx"),
        ("a.epub", b"PK\x03\x04 rubbish", "epub"),
        ("a.zip", b"PK\x03\x04 rubbish", "zip"),
        ("a", b"PK\x03\x04 rubbish", "zip"),
        ("a", b"A short text without an extension.", "text"),
        ("x", b"hi", "text"),
    ],
)
def test_the_content_tells_the_kind(
    tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    found = told(tmp_path, name, data)

    assert found.kind == kind
    assert not found.name_lies


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", pdf_file(""), "pdf"),
        ("a.pdf", docx_file("<w:p/>"), "docx"),
        ("a.txt", b"<!DOCTYPE html><html><body>x</body></html>", "html"),
        ("a.pdf", PNG, "png"),
    ],
)
def test_a_name_that_lies_is_noted(
    tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    found = told(tmp_path, name, data)

    assert (found.kind, found.name_lies) == (kind, True)


@pytest.mark.parametrize(
    ("name", "data", "kind", "mime_type"),
    [
        ("a.png", PNG, "png", "image/png"),
        ("a.json", b'{"a": [1, 2, 3], "b": {"c": null}}', "text", "application/json"),
        (
            "a.py",
            b"import os\n\n\ndef main() -> None:\n    print(os.name)\n" * 5,
            "text",
            "text/x-python",
        ),
        (
            "Cargo.toml",
            b'[package]\nname = "a"\nversion = "1.0"\n\n[dependencies]\nserde = "1"\n',
            "text",
            "application/toml",
        ),
    ],
)
def test_texts_of_any_kind_are_read_and_pictures_are_named(
    tmp_path: Path, name: str, data: bytes, kind: str, mime_type: str
) -> None:
    found = told(tmp_path, name, data)

    assert (found.kind, found.mime_type) == (kind, mime_type)
    assert not found.name_lies
    assert found.description


def mail(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", "Body."]).encode()


OFFICE = [
    ("a.xlsx", xlsx_file({"s": "<row/>"}), "xlsx"),
    ("a.pptx", pptx_file([]), "pptx"),
    ("a.docx", docx_file("<w:p/>"), "docx"),
    ("a.odt", odf_file("text", ""), "odt"),
    ("a.ods", odf_file("spreadsheet", ""), "ods"),
    ("a.odp", odf_file("presentation", ""), "odp"),
    ("a.epub", epub_file({"a.xhtml": "<p>x</p>"}), "epub"),
    ("a.doc", doc_file("text\r"), "doc"),
    ("a.ppt", ppt_file([("a", "b", "c")]), "ppt"),
    ("a.xls", xls_file([["a", 1.0]]), "xls"),
    ("a.msg", msg_file(msg_text(0x37, "Hello")), "msg"),
    ("a.rtf", b"{\\rtf1 text}", "rtf"),
    ("a.zip", zip_file({"a.txt": "words"}), "zip"),
    ("a.csv", b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n" * 20, "csv"),
    ("a.eml", mail("Subject: x", "From: a@b.example"), "eml"),
]


@pytest.mark.parametrize(("name", "data", "kind"), OFFICE)
def test_kinds_that_share_a_container_are_told_apart(
    tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    found = told(tmp_path, name, data)

    assert (found.kind, found.name_lies) == (kind, False)


@pytest.mark.parametrize(
    ("name", "data", "kind"), [one for one in OFFICE if one[2] not in {"csv", "eml"}]
)
def test_a_name_changes_nothing_of_what_a_file_is(
    tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    found = told(tmp_path, f"{name}.pdf", data)

    assert (found.kind, found.name_lies) == (kind, True)


def test_a_mail_is_known_by_its_head_alone(tmp_path: Path) -> None:
    data = mail("Received: x", "Message-ID: <a@b>", "From: a@b.example", "Subject: s")

    assert told(tmp_path, "saved", data).kind == "eml"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("minutes.txt", b"From: Ada\nTo: Bob\nSubject: the plan\n\nDear Bob,\n"),
        ("list.csv", b"One sentence, and nothing else."),
        ("todo.txt", b"Note: call Ada\nDate: tomorrow\n"),
    ],
)
def test_a_text_stays_a_text(tmp_path: Path, name: str, data: bytes) -> None:
    assert told(tmp_path, name, data).kind == "text"


@pytest.mark.parametrize(("name", "kind"), [("a.xls", "html"), ("a.doc", "html")])
def test_what_programs_export_under_another_name_is_read(
    tmp_path: Path, name: str, kind: str
) -> None:
    found = told(tmp_path, name, b"<html><body><table><tr><td>1</td></tr></table>")

    assert (found.kind, found.name_lies) == (kind, True)


def test_other_archives_are_no_word_documents(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "words")

    assert told(tmp_path, "a.zip", buffer.getvalue()).kind == "zip"


def test_an_archive_that_stores_a_pdf_as_it_is_stays_an_archive(tmp_path: Path) -> None:
    """The PDF begins in its first kilobyte, and ends in its last."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.pdf", pdf_file("Words."))

    assert told(tmp_path, "a.zip", buffer.getvalue()).kind == "zip"


def test_a_plain_archive_is_never_guessed_to_be_a_program(tmp_path: Path) -> None:
    """Magika takes some for Java's, by what the files in it are made of."""
    noise = random.Random(1).randbytes(14_000)  # noqa: S311 - no secret
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("copy of scan.pdf", b"%PDF-1.4\n" + noise)
        archive.writestr("n.txt", "A note about water and bread.\n")

    assert told(tmp_path, "two.zip", buffer.getvalue()).kind == "zip"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyError):
        told(tmp_path, "a.pdf", b"")


@pytest.mark.parametrize("data", [b"Sorry, not found.", b"<html>404</html>"])
def test_text_that_is_called_pdf_is_refused(tmp_path: Path, data: bytes) -> None:
    """An error page saved under a document's name is no document."""
    with pytest.raises(CorruptError, match="is named"):
        told(tmp_path, "a.pdf", data)


@pytest.mark.parametrize("size", [1, 5_000, 200_000])
def test_zeros_alone_are_told_as_what_they_are(tmp_path: Path, size: int) -> None:
    """Such a file has its size and its name, and nobody sees that it holds nothing."""
    with pytest.raises(CorruptError, match="only zeros"):
        told(tmp_path, "a.xlsx", bytes(size))


def test_a_program_that_looks_like_no_kind_is_not_called_a_text(tmp_path: Path) -> None:
    found = told(tmp_path, "prog", b"\x7fELF\x02\x01\x01" + bytes(200) + b" words")

    assert (found.kind, found.description) == ("unknown", UNKNOWN)
    assert "cannot be told" in unread(found.description)
