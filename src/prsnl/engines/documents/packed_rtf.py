"""RTF as Outlook packs it ([MS-OXRTFCP])."""

from __future__ import annotations

import struct
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits

_PACKED, _PLAIN = 0x75465A4C, 0x414C454D
_HEAD_BYTES: Final = 16
_WINDOW: Final = 4096
#: What every packed text may refer to from its start on.
_START: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
    b"\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
    b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab"
    b"\\tx"
)


def unpacked(data: bytes) -> bytes:
    """The RTF itself.

    Raises:
        CorruptError: It is packed in no known way.
        TooLargeError: It unpacks to more than is read.
    """
    if len(data) < _HEAD_BYTES:
        raise CorruptError("The mail is damaged: its text cannot be unpacked.")
    _, raw_bytes, kind = struct.unpack_from("<III", data)
    if kind == _PLAIN:
        return data[_HEAD_BYTES:][:raw_bytes]
    if kind != _PACKED:
        raise CorruptError("The mail is damaged: its text cannot be unpacked.")
    if raw_bytes > limits.PACKAGE_PART_BYTES:
        raise TooLargeError(
            "The mail's text unpacks to more than "
            f"{limits.PACKAGE_PART_BYTES // limits.MIB} MiB: it is not read."
        )
    return bytes(_unpack(data[_HEAD_BYTES:], raw_bytes))


def _unpack(data: bytes, raw_bytes: int) -> bytearray:
    window = bytearray(_WINDOW)
    window[: len(_START)] = _START
    write = len(_START)
    made = bytearray()
    place = 0
    while place < len(data) and len(made) < raw_bytes:
        control = data[place]
        place += 1
        for bit in range(8):
            if control >> bit & 1:
                if place + 1 >= len(data):
                    return made
                told = data[place] << 8 | data[place + 1]
                place += 2
                start, length = told >> 4, (told & 0xF) + 2
                if start == write:
                    return made
                copied = [0] * length
                for number in range(length):
                    byte = window[(start + number) % _WINDOW]
                    copied[number] = byte
                    window[write] = byte
                    write = (write + 1) % _WINDOW
                made += bytes(copied)
            elif place < len(data):
                window[write] = data[place]
                made.append(data[place])
                write = (write + 1) % _WINDOW
                place += 1
    return made[:raw_bytes]
