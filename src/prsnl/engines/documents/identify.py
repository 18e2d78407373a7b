"""What a file is: by its first bytes, and by Magika where they do not settle it."""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core.errors import CorruptError, EmptyError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, FileType, JsonObject
from prsnl.engines.documents import LOCKED_OFFICE, UNKNOWN, ole
from prsnl.engines.documents.decoding import decode_text
from prsnl.engines.documents.delimited import delimiter
from prsnl.engines.documents.package import check_directory
from prsnl.engines.images.signatures import PictureKind, picture_kind
from prsnl.engines.media.signatures import MediaKind, media_kind

_HEAD_BYTES: Final = 64 * 1024
_TAIL_BYTES: Final = 4 * 1024
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK00PK")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The streams that tell the kind of a compound file, the surest first.
_OLE_STREAMS: Final = (
    ("EncryptedPackage", LOCKED_OFFICE),
    ("__properties_version1.0", "msg"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
#: Where the name of an archive's first member stands.
_FIRST_NAME_AT: Final = 30
_OLE_SEARCHED_BYTES: Final = 64 * 2**20
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"
#: How the first member of an archive begins that tells its own type.
_MIMETYPES: Final = (
    (b"application/epub+zip", "epub"),
    (f"{_ODF}.text".encode(), "odt"),
    (f"{_ODF}.spreadsheet".encode(), "ods"),
    (f"{_ODF}.presentation".encode(), "odp"),
)
#: How the names in an archive begin that is an Office document.
_FOLDERS: Final = (
    ("word/document", "docx"),
    ("xl/workbook.bin", "xlsb"),
    ("xl/workbook", "xlsx"),
    ("ppt/presentation", "pptx"),
    ("META-INF/container.xml", "epub"),
)
#: The kinds that are archives with a document in it.
_PACKAGES: Final = ("docx", "xlsx", "xlsb", "pptx", "odt", "ods", "odp", "epub")
#: The same of an archive that is cut off: what its first bytes may hold.
_FOLDERS_CUT_OFF: Final = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"))
_MAIL_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]")
_MAIL_NAMES: Final = frozenset(
    (
        *("from", "to", "cc", "subject", "date", "message-id", "mime-version"),
        *("received", "return-path", "delivered-to", "content-type", "reply-to"),
        *("sender", "in-reply-to", "references", "content-transfer-encoding"),
    )
)
#: What no one writes by hand: one of these, and it is a mail whatever its name says.
_MAIL_MARKS: Final = frozenset({"message-id", "mime-version", "received"})
_MAIL_LINES: Final = 200
_TABLE_EXTENSIONS: Final = frozenset({"csv", "tsv", "tab", "psv"})
#: Texts by their letters, but not for people to read.
_NOT_PROSE: Final = frozenset({"svg", "postscript", "pem", "pgp", "srec", "ihex"})
#: What is often exported under the name of the program that opens it.
_EXPORTED: Final = frozenset({"doc", "xls"})
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
        frozenset({"docx", "docm", "dotx", "dotm"}),
    ),
    "pptx": _Kind(
        f"{_OOXML}.presentationml.presentation",
        "PowerPoint presentation (PPTX)",
        frozenset({"pptx", "pptm", "ppsx", "potx"}),
    ),
    "xlsx": _Kind(
        f"{_OOXML}.spreadsheetml.sheet",
        "Excel workbook (XLSX)",
        frozenset({"xlsx", "xlsm", "xltx"}),
    ),
    "xlsb": _Kind(
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        "Excel workbook (XLSB)",
        frozenset({"xlsb"}),
    ),
    "doc": _Kind(
        "application/msword", "Word document (DOC)", frozenset({"doc", "dot"})
    ),
    "ppt": _Kind(
        "application/vnd.ms-powerpoint",
        "PowerPoint presentation (PPT)",
        frozenset({"ppt", "pps", "pot"}),
    ),
    "xls": _Kind(
        "application/vnd.ms-excel", "Excel workbook (XLS)", frozenset({"xls", "xlt"})
    ),
    "odt": _Kind(f"{_ODF}.text", "OpenDocument text", frozenset({"odt", "ott"})),
    "ods": _Kind(
        f"{_ODF}.spreadsheet", "OpenDocument spreadsheet", frozenset({"ods", "ots"})
    ),
    "odp": _Kind(
        f"{_ODF}.presentation", "OpenDocument presentation", frozenset({"odp", "otp"})
    ),
    "epub": _Kind("application/epub+zip", "EPUB book", frozenset({"epub"})),
    "rtf": _Kind("application/rtf", "RTF document", frozenset({"rtf", "doc"})),
    "csv": _Kind("text/csv", "table in a text (CSV)", _TABLE_EXTENSIONS | {"txt"}),
    "eml": _Kind("message/rfc822", "mail (EML)", frozenset({"eml", "mht", "mhtml"})),
    "msg": _Kind(
        "application/vnd.ms-outlook", "mail (Outlook MSG)", frozenset({"msg", "oft"})
    ),
    "zip": _Kind("application/zip", "ZIP archive", frozenset({"zip"})),
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
    told = file_type(path, str(params.get("file_name") or path.name))
    yield told.model_dump(mode="json")


def file_type(path: Path, file_name: str) -> FileType:
    """What a file is.

    Args:
        path: Where it lies.
        file_name: What its owner calls it.

    Raises:
        EmptyError: The file has no byte.
        CorruptError: Its name promises a format, and it holds plain text; or it holds
            zeros alone.
    """
    extension = Path(file_name).suffix[1:].lower()
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise EmptyError("The file is empty: it has no byte.")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, size_bytes - _TAIL_BYTES))
        tail = file.read()
    if not head.strip(b"\0") and not tail.strip(b"\0"):
        raise CorruptError(
            "The file holds only zeros, as one whose copying was cut off: get it again."
        )
    if picture := picture_kind(head):
        return _file_type(picture.kind, picture, extension, 1.0)
    kind = (
        _pdf(head, tail)
        or _office(path, head, extension)
        or _readable_text(head, extension, path)
    )
    if kind:
        return _of_kind(kind, extension)
    if recording := media_kind(head):
        return _file_type(recording.kind, recording, extension, 1.0)
    for signature, label, row in _SIGNATURES:
        if head.startswith(signature):
            return _file_type(label, row, extension, 1.0)
    return _examined(path, head, extension)


def _of_kind(kind: str, extension: str, confidence: float = 1.0) -> FileType:
    row = _KINDS[kind]
    is_text = kind in {"text", "markdown", "html"}
    is_export = kind != "text" and extension in _EXPORTED
    if is_text and extension in _BINARY_EXTENSIONS and not is_export:
        raise CorruptError(
            f"The file is named .{extension}, but holds {row.description}: rename it "
            "if that is what it should be, else get the file again."
        )
    return _file_type(kind, row, extension, confidence)


def _file_type(
    kind: str, row: _Kind | PictureKind | MediaKind, extension: str, confidence: float
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
    """A PDF may have rubbish before its header, in its first kilobyte.

    A container is none, though a PDF that it stores as it is may begin there.
    """
    place = head[:1024].find(b"%PDF-")
    starts = place >= 0 and not head[:place].strip(b"\x00\t\n\r\x0c \xef\xbb\xbf")
    ends = b"%%EOF" in tail or b"startxref" in tail
    is_container = head.startswith((*_ZIP, _OLE))
    return "pdf" if starts or (place >= 0 and ends and not is_container) else None


def _office(path: Path, head: bytes, extension: str) -> str | None:
    if head.startswith(_ZIP):
        return _archive(path, head, extension)
    if head.startswith(_OLE):
        return _compound(path)
    return "rtf" if head.lstrip().startswith(b"{\\rtf") else None


def _archive(path: Path, head: bytes, extension: str) -> str | None:
    """A document by what it declares first, or by its members; None for Magika.

    One whose list of members cannot be read is what its name says, or an archive: its
    reader tells what is wrong with it.
    """
    names = _zip_names(path)
    place = head.find(b"mimetype")
    if place == _FIRST_NAME_AT:
        for mimetype, kind in _MIMETYPES:
            if head.startswith(mimetype, place + len(b"mimetype")):
                return kind
    if names is None:
        cut_off = (kind for name, kind in _FOLDERS_CUT_OFF if name in head)
        named = (kind for kind in _PACKAGES if extension in _KINDS[kind].extensions)
        return next(cut_off, None) or next(named, "zip")
    for start, kind in _FOLDERS:
        if any(name.startswith(start) for name in names):
            return kind
    # The detector guesses at archives: where the name is plain, nobody is asked.
    return "zip" if not names or extension in {"", "zip"} else None


def _zip_names(path: Path) -> frozenset[str] | None:
    """The names in an archive; None of one that is damaged or beyond the limits."""
    try:
        with path.open("rb") as file:
            check_directory(file)
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (
        zipfile.BadZipFile,
        ValueError,
        OSError,
        NotImplementedError,
        TooLargeError,
    ):
        return None


def _compound(path: Path) -> str | None:
    """A compound file by its streams; one that is damaged by their names in it."""
    try:
        with ole.opened(path, what="file") as compound:
            names = compound.folders()
    except CorruptError:
        names = [
            name
            for name, _ in _OLE_STREAMS
            if name != "Book" and _holds(path, name.encode("utf-16-le"))
        ]
    return next((kind for name, kind in _OLE_STREAMS if name in names), None)


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
    size_bytes = path.stat().st_size
    text = decode_text(head, whole=size_bytes <= len(head))
    if text is None:
        return None
    if _HTML_HEAD.match(text):
        return "html"
    if _is_mail(text, extension):
        return "eml"
    if extension in _TABLE_EXTENSIONS:
        fits = size_bytes <= limits.TABLE_BYTES
        return "csv" if fits and delimiter(text) is not None else "text"
    return _named_text(text, extension)


def _named_text(text: str, extension: str) -> str | None:
    if extension in _HTML_EXTENSIONS and _HTML_TAG.search(text):
        return "html"
    if extension in _MARKDOWN_EXTENSIONS:
        return "markdown"
    if extension == "xls" and delimiter(text) is not None:
        return "csv"
    if extension in _PROSE_EXTENSIONS or extension in _BINARY_EXTENSIONS:
        return "text"
    return None


def _is_mail(text: str, extension: str) -> bool:
    """Whether a text begins with the head of a mail."""
    names = []
    for line in text.splitlines()[:_MAIL_LINES]:
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        found = _MAIL_HEADER.match(line)
        if not found and not line.rstrip().endswith(":"):
            return False
        names.append(found.group(1).lower() if found else "")
    known = _MAIL_NAMES.intersection(names)
    if extension in _KINDS["eml"].extensions:
        return bool(known)
    return len(known) > 2 and bool(known & _MAIL_MARKS)  # noqa: PLR2004


def _examined(path: Path, head: bytes, extension: str) -> FileType:
    """Ask Magika, loaded only now."""
    detect = importlib.import_module("prsnl.engines.documents.detector").detect
    found = detect(path)
    if found.label in {"markdown", "html", "pdf", "docx", "zip"}:
        return _of_kind(found.label, extension, found.score)
    whole = path.stat().st_size <= len(head)
    text = decode_text(head, whole=whole)
    if text is None and found.is_text:  # it cannot be what it was taken for
        row = _Kind("application/octet-stream", UNKNOWN, frozenset())
        return _file_type("unknown", row, extension, 0.0)
    if text is None or found.label in _NOT_PROSE:
        row = _Kind(found.mime_type, found.description, frozenset(found.extensions))
        return _file_type(found.label, row, extension, found.score)
    if found.label in {"csv", "tsv"} and delimiter(text) is not None:
        return _of_kind("csv", extension, found.score)
    if found.label in _PROSE_LABELS or not found.is_text:
        return _of_kind("text", extension, found.score)
    # A program, a setting, a list in JSON: its text is what it is.
    row = _Kind(found.mime_type, found.description, frozenset())
    return _file_type("text", row, extension, found.score)
