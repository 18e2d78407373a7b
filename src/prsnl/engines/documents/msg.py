"""MSG: a mail as Outlook keeps it ([MS-OXMSG])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import without_controls
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import ole, rtf
from prsnl.engines.documents.mail import (
    Enclosed,
    Mail,
    decoded,
    html_blocks,
    is_said,
    label,
    line,
    plain_blocks,
)
from prsnl.engines.documents.ole import Compound
from prsnl.engines.documents.packed_rtf import unpacked
from prsnl.engines.documents.parts import Block

ENGINE: Final = f"msg by {ole.VERSION}"
_WHAT: Final = "mail (MSG)"
# Properties, by the numbers of [MS-OXPROPS].
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_SMTP, _SENDER_ADDRESS = 0x0C1A, 0x5D01, 0x0C1F
_TO, _COPIES, _HEADERS = 0x0E04, 0x0E03, 0x007D
_SENT, _DELIVERED, _CREATED = 0x0039, 0x0E06, 0x3007
_CODEPAGE, _HTML_CODEPAGE = 0x3FFD, 0x3FDE
_FILE_NAME, _SHORT_NAME, _DISPLAY_NAME = 0x3707, 0x3704, 0x3001
_CONTENT: Final = 0x3701
_UNICODE, _NARROW, _BINARY, _OBJECT = "001F", "001E", "0102", "000D"
_TIME, _INTEGER = 0x0040, 0x0003
_PROPERTIES: Final = "__properties_version1.0"
_ATTACHMENT: Final = "__attach_version1.0_"
_ENTRY_BYTES: Final = 16
#: The head of the properties: of the mail itself, and of one that lies in it.
_TOP_HEAD, _INNER_HEAD = 32, 24
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_CODEPAGES: Final = {65001: "utf-8", 20127: "ascii", 1200: "utf-16-le", 28591: "cp1252"}


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the mail in parts: subject, head, body, and the names of what is enclosed.

    Raises:
        CorruptError: It is damaged.
        TooLargeError: It lies too deep in other mails.
    """
    with ole.opened(files.inputs / params["path"], what=_WHAT) as compound:
        mail = _Reader(compound).read()
    yield from mail.frames(
        engine=ENGINE,
        reason="the file is a mail (MSG)",
        skip_parts=params.get("skip_pages") or (),
    )


def members(path: Path) -> Iterator[Enclosed]:
    """The files that came with a mail."""
    with ole.opened(path, what=_WHAT) as compound:
        mail = _Reader(compound).read()
    yield from mail.enclosed


class _Reader:
    """Reads one mail of a file; a mail in a mail is a folder of the same file."""

    def __init__(self, compound: Compound, *folder: str) -> None:
        self._compound = compound
        self._folder = folder
        head = _INNER_HEAD if folder else _TOP_HEAD
        self._fixed = self._entries(_PROPERTIES, head)
        self._encoding = self._codepage(_CODEPAGE) or "cp1252"

    def read(self) -> Mail:
        """Read the mail, and what is enclosed."""
        if len(self._folder) > limits.MEMBER_DEPTH * 2:
            raise TooLargeError("The mail lies deeper in other mails than is read.")
        mail = Mail(
            subject=line(self._text(_SUBJECT)),
            sender=self._sender(),
            to=line(self._text(_TO).replace("\x00", "")),
            copies=line(self._text(_COPIES).replace("\x00", "")),
            sent_at=self._moment(),
            body=self._body(),
        )
        mail.enclosed = list(self._enclosed())
        if not (mail.subject or mail.sender or mail.body or mail.enclosed):
            raise CorruptError(f"The {_WHAT} is damaged: it has neither head nor body.")
        return mail

    def _entries(self, name: str, head: int) -> dict[tuple[int, int], bytes]:
        """Properties of a fixed length, by number and type."""
        data = self._compound.stream(*self._folder, name) or b""
        found = {}
        for at in range(head, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            kind, number = struct.unpack_from("<HH", data, at)
            found[number, kind] = data[at + 8 : at + 16]
        return found

    def _stream(self, number: int, kind: str, *below: str) -> bytes | None:
        name = f"__substg1.0_{number:04X}{kind}"
        return self._compound.stream(*self._folder, *below, name)

    def _text(self, number: int, *below: str) -> str:
        wide = self._stream(number, _UNICODE, *below)
        if wide is not None:
            return wide.decode("utf-16-le", errors="replace")
        narrow = self._stream(number, _NARROW, *below)
        return "" if narrow is None else decoded(narrow, self._encoding)

    def _codepage(self, number: int) -> str | None:
        told = self._fixed.get((number, _INTEGER))
        if told is None:
            return None
        (page,) = struct.unpack_from("<I", told)
        return _CODEPAGES.get(page, f"cp{page}")

    def _sender(self) -> str:
        name = line(self._text(_SENDER))
        address = line(self._text(_SENDER_SMTP) or self._text(_SENDER_ADDRESS))
        if "@" not in address or address == name:
            return name or address
        return f"{name} <{address}>" if name else address

    def _moment(self) -> datetime | None:
        for number in (_SENT, _DELIVERED, _CREATED):
            if told := self._fixed.get((number, _TIME)):
                (ticks,) = struct.unpack_from("<Q", told)
                try:
                    return _EPOCH + timedelta(microseconds=ticks // 10)
                except OverflowError:
                    return None
        return None

    def _body(self) -> list[Block]:
        plain = plain_blocks(self._text(_BODY))
        if is_said(plain):
            return plain
        page = self._stream(_HTML, _BINARY)
        if page is not None:
            return html_blocks(page, self._codepage(_HTML_CODEPAGE))
        if text := self._text(_HTML):
            return html_blocks(text)
        packed = self._stream(_RTF, _BINARY)
        return [] if packed is None else rtf.parsed(unpacked(packed))[0]

    def _enclosed(self) -> Iterator[Enclosed]:
        for number, folder in enumerate(
            sorted(self._compound.folders(*self._folder)), 1
        ):
            if not folder.startswith(_ATTACHMENT):
                continue
            name = (
                self._text(_FILE_NAME, folder)
                or self._text(_SHORT_NAME, folder)
                or self._text(_DISPLAY_NAME, folder)
            )
            content = self._stream(_CONTENT, _BINARY, folder)
            inner = f"__substg1.0_{_CONTENT:04X}{_OBJECT}"
            if content:
                told = label(without_controls(name), number=number)
                yield Enclosed(name=told, content=content)
            elif inner in self._compound.folders(*self._folder, folder):
                mail = _Reader(self._compound, *self._folder, folder, inner).read()
                told = label(mail.subject or name, number=number)
                yield Enclosed(name=f"{told}.eml", content=_as_eml(mail))


def _as_eml(mail: Mail) -> bytes:
    """A mail that lay in another one, as a file of its own."""
    made = MIMEMultipart()
    for name, value in (
        ("Subject", mail.subject),
        ("From", mail.sender),
        ("To", mail.to),
        ("Cc", mail.copies),
        ("Date", "" if mail.sent_at is None else format_datetime(mail.sent_at)),
    ):
        if value:
            made[name] = Header(value, "utf-8").encode()
    made.attach(
        MIMEText("\n\n".join(block.text for block in mail.body), "plain", "utf-8")
    )
    for one in mail.enclosed:
        part = MIMEApplication(one.content)
        part.add_header("Content-Disposition", "attachment", filename=one.name)
        made.attach(part)
    return made.as_bytes()
