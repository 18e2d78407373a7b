"""EML: a mail as it travels, by the standard library's parser."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, JsonObject
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
from prsnl.engines.documents.parts import Block

ENGINE: Final = "email"
_LOCKED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
#: What only serves the mail itself.
_SERVICE: Final = frozenset(
    {
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-encrypted",
        "text/x-amp-html",
    }
)


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the mail in parts: subject, head, body, and the names of what is enclosed.

    Raises:
        CorruptError: It is no mail.
        TooLargeError: Its parts are too many, or nested too deeply.
    """
    yield from opened(files.inputs / params["path"]).frames(
        engine=ENGINE,
        reason="the file is a mail (EML)",
        skip_parts=params.get("skip_pages") or (),
    )


def members(path: Path) -> Iterator[Enclosed]:
    """The files that came with a mail."""
    yield from opened(path).enclosed


def opened(path: Path) -> Mail:
    """A mail, read as a whole."""
    if path.stat().st_size > limits.MAIL_BYTES:
        raise TooLargeError(
            f"A mail of more than {limits.MAIL_BYTES // limits.MIB} MiB is not read."
        )
    try:
        with path.open("rb") as file:
            return _Reader().read(
                email.message_from_binary_file(file, policy=email.policy.compat32)
            )
    except RecursionError as error:
        raise _too_deep() from error


def _too_deep() -> TooLargeError:
    return TooLargeError(
        "The parts of this mail lie deeper in one another than people send: it is "
        "not read."
    )


class _Reader:
    """Collects the body and what is enclosed."""

    def __init__(self) -> None:
        self._mail = Mail()
        self._parts = 0

    def read(self, message: Message) -> Mail:
        """Read a whole mail."""
        mail = self._mail
        mail.subject = _header(message, "Subject")
        mail.sender = _header(message, "From")
        mail.to = _header(message, "To")
        mail.copies = _header(message, "Cc")
        mail.sent_at = _date(message)
        mail.body = self._blocks(message, depth=0)
        if not (mail.subject or mail.sender or mail.to or mail.body or mail.enclosed):
            raise CorruptError("The file is no mail: it has neither a head nor a body.")
        return mail

    def _blocks(self, part: Message, *, depth: int) -> list[Block]:
        self._parts += 1
        if depth > limits.NESTING:
            raise _too_deep()
        if self._parts > limits.MAIL_PARTS:
            raise TooLargeError(
                f"This mail has more than {limits.MAIL_PARTS} parts: it is not read."
            )
        kind = part.get_content_type()
        if kind in _LOCKED or kind == "multipart/encrypted":
            self._mail.warnings.append(
                "The mail is encrypted: only its head can be read."
            )
            return []
        if kind == "multipart/alternative":
            return self._best(part, depth)
        if part.is_multipart() and kind != "message/rfc822":
            return [
                block
                for one in _children(part)
                for block in self._blocks(one, depth=depth + 1)
            ]
        return self._leaf(part, kind)

    def _best(self, part: Message, depth: int) -> list[Block]:
        """Of several forms of one text the plain one; what is enclosed in any stays."""
        forms = [
            (one.get_content_type(), self._blocks(one, depth=depth + 1))
            for one in _children(part)
        ]
        spoken = [(kind, blocks) for kind, blocks in forms if is_said(blocks)]
        for kind, blocks in spoken:
            if kind == "text/plain":
                return blocks
        return spoken[-1][1] if spoken else []

    def _leaf(self, part: Message, kind: str) -> list[Block]:
        if kind in _SERVICE:
            return []
        name = _name(part)
        is_body = part.get_content_disposition() != "attachment" and not name
        if is_body and kind in {"text/plain", "text/html"}:
            data = _bytes(part)
            told = _charset(part)
            if kind == "text/html":
                return html_blocks(data, told)
            return plain_blocks(_unfolded(part, decoded(data, told)))
        self._enclose(part, kind, name)
        return []

    def _enclose(self, part: Message, kind: str, name: str) -> None:
        number = len(self._mail.enclosed) + 1
        if kind == "message/rfc822":
            inner = next(iter(_children(part)), None)
            content = b"" if inner is None else inner.as_bytes()
            title = "" if inner is None else _header(inner, "Subject")
            name = name or (f"{title}.eml" if title else "")
            ending = ".eml"
        else:
            content = _bytes(part)
            ending = f".{part.get_content_subtype()}"
        if content:
            told = label(name, number=number, ending=ending)
            self._mail.enclosed.append(Enclosed(name=told, content=content))


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return (
        [one for one in payload if isinstance(one, Message)]
        if isinstance(payload, list)
        else []
    )


def _bytes(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):  # of an encoding that lies
        return b""
    return data if isinstance(data, bytes) else b""


def _charset(part: Message) -> str | None:
    try:
        told = part.get_content_charset()
    except (LookupError, UnicodeError, ValueError):
        return None
    return told if isinstance(told, str) else None


def _name(part: Message) -> str:
    try:
        return _decoded_words(part.get_filename() or "")
    except (LookupError, UnicodeError, ValueError, TypeError):
        return ""


def _header(message: Message, name: str) -> str:
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return line(_decoded_words(value))
    return ""


def _decoded_words(text: str) -> str:
    """What =?utf-8?q?...?= stands for; bytes without a charset as they look."""
    try:
        pieces = decode_header(text[: limits.HEAD_CHARACTERS])
    except (HeaderParseError, ValueError):
        return _repaired(text)
    words = []
    for piece, told in pieces:
        if isinstance(piece, str):
            words.append(_repaired(piece))
        else:
            is_raw = told in {None, "unknown-8bit"}
            words.append(decoded(piece, None if is_raw else told))
    return "".join(words)


def _repaired(text: str) -> str:
    """Bytes above ASCII that a parser has put aside as half a pair."""
    return decoded(text.encode("utf-8", errors="surrogateescape"), None)


def _date(message: Message) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message.get("Date") or ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unfolded(part: Message, text: str) -> str:
    """Lines that were only broken for the way (RFC 3676) in one piece again."""
    flowed = part.get_param("format")
    if str(flowed).lower() != "flowed":
        return text
    drops = str(part.get_param("delsp")).lower() == "yes"
    lines: list[str] = []
    goes_on = False
    for one in text.splitlines():
        bare = one.removeprefix(" ")
        if goes_on and not bare.startswith(">"):
            lines[-1] += bare
        else:
            lines.append(bare)
        goes_on = bare.endswith(" ") and bare != "-- "
        if goes_on and drops:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)
