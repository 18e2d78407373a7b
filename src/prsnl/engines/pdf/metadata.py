"""What a PDF says of itself: its information, its XMP, its language, attached files."""

from __future__ import annotations

import ctypes
import html
import mmap
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from prsnl.engines.pdf.limits import (
    ATTACHED_FILES_MAX,
    VALUE_CHARACTERS_MAX,
    XMP_BYTES_MAX,
)

_KEYS: Final = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "Creator": "creator",
    "Producer": "producer",
}
_DATES: Final = {"CreationDate": "created_at", "ModDate": "modified_at"}
_PDF_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?"
    r"(?:(Z)|([+-])(\d{2})'?(\d{2})?)?"
)
#: XMP is not packed, so that whoever knows no PDF can find it; no parser of XML sees
#: it, since only these few values are wanted.
_XMP_BEGIN: Final = b"<x:xmpmeta"
_XMP_END: Final = b"</x:xmpmeta>"
_XMP_DATES: Final = {"CreateDate": "created_at", "ModifyDate": "modified_at"}
_XMP_TEXTS: Final = {"title": "title", "creator": "author"}
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def metadata(document: pdfium.PdfDocument, path: Path) -> dict[str, str]:
    """The document's own words with plain keys, and ISO 8601 dates.

    What its information leaves open its XMP may tell.
    """
    told = {
        key: _plain(value)
        for key, value in document.get_metadata_dict(skip_empty=True).items()
    }
    plain = {name: told[key] for key, name in _KEYS.items() if told.get(key)}
    for key, name in _DATES.items():
        if moment := iso_date(told.get(key, "")):
            plain[name] = moment
    if language := _language(document):
        plain["language"] = language
    if attached := _attached(document):
        plain["attached_files"] = ", ".join(attached)
    return {**_xmp(path), **plain}


def _plain(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:VALUE_CHARACTERS_MAX]


def _language(document: pdfium.PdfDocument) -> str | None:
    size = pdfium_c.FPDFCatalog_GetLanguage(document, None, 0)
    if not 0 < size <= VALUE_CHARACTERS_MAX:
        return None
    room = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium_c.FPDFCatalog_GetLanguage(document, room, size)
    told = bytes(room).decode("utf-16-le", errors="ignore").rstrip("\x00")
    return told if _LANGUAGE.fullmatch(told) else None


def _attached(document: pdfium.PdfDocument) -> list[str]:
    """The names of files inside; they are told, and not read."""
    names = []
    for index in range(min(document.count_attachments(), ATTACHED_FILES_MAX)):
        with suppress(pdfium.PdfiumError):
            if name := _plain(document.get_attachment(index).get_name()):
                names.append(name)
    return names


def _xmp(path: Path) -> dict[str, str]:
    packet = _packet(path).decode("utf-8", errors="ignore")
    found = {}
    for tag, name in _XMP_DATES.items():
        told = re.search(rf"xmp:{tag}(?:=[\"']|>)([^<\"']{{4,40}})", packet)
        moment = None if told is None else _iso(told.group(1).strip())
        if moment is not None:
            found[name] = moment
    for tag, name in _XMP_TEXTS.items():
        told = re.search(rf"<dc:{tag}>[^<]*<rdf:\w+>[^<]*<rdf:li[^>]*>([^<]+)<", packet)
        if told is not None and (text := _plain(html.unescape(told.group(1)))):
            found[name] = text
    return found


def _packet(path: Path) -> bytes:
    """The last XMP packet of a file, where an update has left several."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            begin = content.rfind(_XMP_BEGIN)
            if begin < 0:
                return b""
            end = content.find(_XMP_END, begin, begin + XMP_BYTES_MAX)
            return b"" if end < 0 else content[begin:end]


def _iso(told: str) -> str | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(told)
        return moment.isoformat() if "T" in told else moment.date().isoformat()
    return None


def iso_date(told: str) -> str | None:
    """A PDF date (`D:20240512103000+02'00'`) in ISO 8601; None if it is none."""
    found = _PDF_DATE.match(told.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, utc, sign, ahead_h, ahead_m = found.groups()
    zone: timezone | None = UTC if utc else None
    try:
        if sign:
            ahead = timedelta(hours=int(ahead_h), minutes=int(ahead_m or 0))
            zone = timezone(-ahead if sign == "-" else ahead)
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=zone,
        )
    except ValueError:
        return None
    return moment.isoformat() if hour else moment.date().isoformat()
