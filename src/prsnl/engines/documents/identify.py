"""What a file is: by its first bytes, and by Magika where they do not settle it."""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core.errors import CorruptError, EmptyError
from prsnl.engines.contracts import ChildFiles, FileType, JsonObject
from prsnl.engines.documents import LOCKED_OFFICE
from prsnl.engines.documents.decoding import decode_text
from prsnl.engines.images.signatures import PictureKind, picture_kind

_HEAD_BYTES: Final = 64 * 1024
_TAIL_BYTES: Final = 4 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The stream that holds a document under a password, as a folder of OLE names it.
_OLE_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_OLE_SEARCHED_BYTES: Final = 64 * 2**20
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_HTML_HEAD: Final = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?"
    r"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAG: Final = re.compile(
    r"<(?:p|div|h[1-6]|table|ul|ol|span|meta|title|br|a)\b[^<>]{0,500}>",
    re.IGNORECASE,
)
_PROSE_EXTENSIONS: Final = frozenset({"txt", "text", "log", "rst", "asc"})
_MARKDOWN_EXTENSIONS: Final = frozenset({"md", "markdown", "mdown", "mkd"})
_HTML_EXTENSIONS: Final = frozenset({"html", "htm", "xhtml", "xht"})
#: What Magika calls prose, and what it calls a text of which it cannot say more.
_PROSE_LABELS: Final = frozenset({"txt", "rst", "unknown", "empty", "undefined"})
#: Extensions that promise a format of bytes; a plain text is never that.
_BINARY_EXTENSIONS: Final = frozenset(
    (
        *("pdf", "docx", "doc", "xlsx", "xls", "pptx", "ppt", "odt", "ods", "odp"),
        *("epub", "zip", "gz", "png", "jpg", "jpeg", "gif", "tif", "tiff", "webp"),
        *("mp3", "mp4", "wav", "flac", "ogg", "m4a", "mov", "mkv", "webm", "avi"),
    )
)


@dataclass(frozen=True)
class _Kind:
    mime_type: str
    description: str
    extensions: frozenset[str]


_KINDS: Final = {
    "pdf": _Kind("application/pdf", "PDF document", frozenset({"pdf"})),
    "text": _Kind("text/plain", "plain text", _PROSE_EXTENSIONS | _MARKDOWN_EXTENSIONS),
    "markdown": _Kind(
        "text/markdown", "Markdown document", _MARKDOWN_EXTENSIONS | _PROSE_EXTENSIONS
    ),
    "html": _Kind("text/html", "HTML document", _HTML_EXTENSIONS),
    "docx": _Kind(
        f"{_OOXML}.wordprocessingml.document",
        "Word document (DOCX)",
        frozenset({"docx"}),
    ),
    LOCKED_OFFICE: _Kind(
        "application/x-ole-storage",
        "Office document under a password",
        frozenset({"docx", "xlsx", "pptx", "doc", "xls", "ppt"}),
    ),
}


#: First bytes that leave no doubt, of kinds that are told and not read.
_SIGNATURES: Final = (
    (
        b"\x1f\x8b\x08",
        "gzip",
        _Kind("application/gzip", "gzip compressed data", frozenset({"gz", "tgz"})),
    ),
)


def identify(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `FileType` of `path`; `file_name` is what its owner calls it.

    Raises:
        EmptyError: The file has no byte.
        CorruptError: Its name promises a format, and it holds plain text.
    """
    path = files.inputs / params["path"]
    extension = Path(str(params.get("file_name") or path.name)).suffix[1:].lower()
    yield _identify(path, extension).model_dump(mode="json")


def _identify(path: Path, extension: str) -> FileType:
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise EmptyError("The file is empty: it has no byte.")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, size_bytes - _TAIL_BYTES))
        tail = file.read()
    if picture := picture_kind(head):
        return _file_type(picture.kind, picture, extension, 1.0)
    kind = (
        _pdf(head, tail) or _office(path, head) or _readable_text(head, extension, path)
    )
    if kind:
        return _of_kind(kind, extension)
    for signature, label, row in _SIGNATURES:
        if head.startswith(signature):
            return _file_type(label, row, extension, 1.0)
    return _examined(path, head, extension)


def _of_kind(kind: str, extension: str, confidence: float = 1.0) -> FileType:
    row = _KINDS[kind]
    if kind in {"text", "markdown", "html"} and extension in _BINARY_EXTENSIONS:
        raise CorruptError(
            f"The file is named .{extension}, but holds {row.description}: rename it "
            "if that is what it should be, else get the file again."
        )
    return _file_type(kind, row, extension, confidence)


def _file_type(
    kind: str, row: _Kind | PictureKind, extension: str, confidence: float
) -> FileType:
    return FileType(
        mime_type=row.mime_type,
        kind=kind,
        description=row.description,
        confidence=min(1.0, max(0.0, confidence)),
        name_lies=bool(extension and row.extensions)
        and extension not in row.extensions,
    )


def _pdf(head: bytes, tail: bytes) -> str | None:
    """A PDF may have rubbish before its header, in its first kilobyte."""
    place = head[:1024].find(b"%PDF-")
    starts = place >= 0 and not head[:place].strip(b"\x00\t\n\r\x0c \xef\xbb\xbf")
    ends = b"%%EOF" in tail or b"startxref" in tail
    return "pdf" if starts or (place >= 0 and ends) else None


def _office(path: Path, head: bytes) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        return "docx" if "word/document.xml" in _zip_names(path, head) else None
    if head.startswith(_OLE) and _holds(path, _OLE_ENCRYPTED):
        return LOCKED_OFFICE
    return None


def _zip_names(path: Path, head: bytes) -> frozenset[str]:
    """The names in an archive; of one that is cut off, those in its first bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        known = (b"word/document.xml", b"word/styles.xml", b"word/_rels/")
        cut_off = any(name in head for name in known)
        return frozenset({"word/document.xml"} if cut_off else ())


def _holds(path: Path, wanted: bytes) -> bool:
    kept = b""
    seen_bytes = 0
    with path.open("rb") as file:
        while seen_bytes < _OLE_SEARCHED_BYTES and (block := file.read(2**20)):
            if wanted in kept + block:
                return True
            kept = block[-len(wanted) :]
            seen_bytes += len(block)
    return False


def _readable_text(head: bytes, extension: str, path: Path) -> str | None:
    """A text whose first bytes, or whose name with them, leave no doubt."""
    text = decode_text(head, whole=path.stat().st_size <= len(head))
    if text is None:
        return None
    if _HTML_HEAD.match(text):
        return "html"
    if extension in _HTML_EXTENSIONS and _HTML_TAG.search(text):
        return "html"
    if extension in _MARKDOWN_EXTENSIONS:
        return "markdown"
    if extension in _PROSE_EXTENSIONS or extension in _BINARY_EXTENSIONS:
        return "text"
    return None


def _examined(path: Path, head: bytes, extension: str) -> FileType:
    """Ask Magika, loaded only now."""
    detect = importlib.import_module("prsnl.engines.documents.detector").detect
    found = detect(path)
    if found.label in {"markdown", "html", "pdf", "docx"}:
        return _of_kind(found.label, extension, found.score)
    whole = path.stat().st_size <= len(head)
    if found.label in _PROSE_LABELS and decode_text(head, whole=whole) is not None:
        return _of_kind("text", extension, found.score)
    row = _Kind(found.mime_type, found.description, frozenset(found.extensions))
    return _file_type(found.label, row, extension, found.score)
