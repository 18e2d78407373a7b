"""Texts of an XLS: those of cells, and the table of shared ones over many records."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from prsnl.core.errors import CorruptError

_WIDE, _EXTENDED, _RICH = 0x01, 0x04, 0x08
_HEAD_BYTES: Final = 8


def text_of(body: bytes, *, is_short: bool, encoding: str | None) -> str:
    """A text of one record.

    Args:
        body: From its length on.
        is_short: Its length is told in one byte.
        encoding: Of its bytes in files of before Excel 97; None where it tells itself.
    """
    size = 1 if is_short else 2
    length = int.from_bytes(body[:size], "little")
    if encoding is not None:
        return body[size : size + length].decode(encoding, errors="replace")
    flags = body[size] if len(body) > size else 0
    at = size + 1 + (2 if flags & _RICH else 0) + (4 if flags & _EXTENDED else 0)
    return _letters(body[at:], length, flags)


def _letters(data: bytes, length: int, flags: int) -> str:
    if flags & _WIDE:
        return data[: 2 * length].decode("utf-16-le", errors="replace")
    return data[:length].decode("latin-1")


class Strings:
    """The shared texts; one may be cut anywhere, and goes on in the next record.

    There its letters begin with a byte that says again how wide they are.
    """

    def __init__(self, segments: Sequence[bytes]) -> None:
        self._segments = segments
        self._number = 0
        self._place = _HEAD_BYTES
        if len(segments[0]) < _HEAD_BYTES:
            raise CorruptError("The workbook is damaged: its texts cannot be read.")
        (self._count,) = struct.unpack_from("<I", segments[0], 4)

    def all(self) -> Iterator[str]:
        """Every text, in order; as many as there are."""
        for _ in range(self._count):
            head = self._bytes(3)
            if len(head) < 3:  # noqa: PLR2004
                return
            length, flags = struct.unpack("<HB", head)
            runs = int.from_bytes(self._bytes(2), "little") if flags & _RICH else 0
            more = int.from_bytes(self._bytes(4), "little") if flags & _EXTENDED else 0
            yield self._text(length, flags)
            self._bytes(4 * runs + more)

    def _text(self, length: int, flags: int) -> str:
        words = []
        while length > 0:
            width = 2 if flags & _WIDE else 1
            left = len(self._segment) - self._place
            if left < width:
                if not self._next():
                    break
                flags = self._bytes(1)[0] if self._segment else 0
                continue
            count = min(length, left // width)
            words.append(_letters(self._bytes(count * width), count, flags))
            length -= count
        return "".join(words)

    @property
    def _segment(self) -> bytes:
        return self._segments[self._number]

    def _next(self) -> bool:
        if self._number + 1 >= len(self._segments):
            return False
        self._number += 1
        self._place = 0
        return True

    def _bytes(self, count: int) -> bytes:
        """The next bytes, also from the records that follow."""
        found = bytearray()
        while len(found) < count:
            piece = self._segment[self._place : self._place + count - len(found)]
            self._place += len(piece)
            found += piece
            if len(found) < count and not self._next():
                break
        return bytes(found)
