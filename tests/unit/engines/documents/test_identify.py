"""What a file is, whatever it is called."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EmptyError
from prsnl.engines.contracts import FileType
from prsnl.engines.documents.identify import identify
from tests.fakes.child_files import FolderFiles
from tests.fakes.docx_files import docx_file
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
    ("name", "data", "kind"),
    [
        ("a.png", PNG, "png"),
        ("a.csv", b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n" * 20, "csv"),
        ("a.json", b'{"a": [1, 2, 3], "b": {"c": null}}', "json"),
        (
            "a.py",
            b"import os\n\n\ndef main() -> None:\n    print(os.name)\n" * 5,
            "python",
        ),
    ],
)
def test_what_is_not_read_yet_is_called_by_its_name(
    tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    found = told(tmp_path, name, data)

    assert found.kind == kind
    assert found.description


def test_other_archives_are_no_word_documents(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "words")

    assert told(tmp_path, "a.zip", buffer.getvalue()).kind == "zip"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyError):
        told(tmp_path, "a.pdf", b"")


@pytest.mark.parametrize("data", [b"Sorry, not found.", b"<html>404</html>"])
def test_text_that_is_called_pdf_is_refused(tmp_path: Path, data: bytes) -> None:
    """An error page saved under a document's name is no document."""
    with pytest.raises(CorruptError, match="is named"):
        told(tmp_path, "a.pdf", data)
