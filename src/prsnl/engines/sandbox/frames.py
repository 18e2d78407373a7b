"""Length-checked JSON frames over a socket; nothing is ever unpickled."""

from __future__ import annotations

import json
import struct
from typing import Any, Final, TypeAlias

Frame: TypeAlias = dict[str, Any]

_HEADER: Final = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER.size
#: The largest frame that a header can announce, in bytes.
LARGEST_BYTES: Final = 2**32 - 1


class FrameError(Exception):
    """The other side sent something that is no frame."""


def encode(value: Frame) -> bytes:
    """One frame as bytes: four bytes of length, then JSON.

    A lone surrogate, which no UTF-8 can hold, becomes a question mark.
    """
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    data = body.encode("utf-8", errors="replace")
    if len(data) > LARGEST_BYTES:
        raise FrameError(f"a frame of {len(data)} bytes cannot be sent")
    return _HEADER.pack(len(data)) + data


def body_bytes(header: bytes, *, maximum: int) -> int:
    """The length that a header announces, in bytes.

    Raises:
        FrameError: It is more than `maximum`.
    """
    (length,) = _HEADER.unpack(header)
    if length > maximum:
        raise FrameError(f"a frame of {length} bytes; {maximum} are allowed")
    return int(length)


def decode(body: bytes | bytearray) -> Frame:
    """The JSON object in a frame's body.

    Raises:
        FrameError: It is not JSON, not an object, or nested without end.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame that is not JSON") from error
    if not isinstance(value, dict):
        raise FrameError("a frame that is not a JSON object")
    return value
