"""Length-checked JSON frames over a socket; nothing is ever unpickled."""

from __future__ import annotations

import json
import re
import struct
from typing import Any, Final, TypeAlias

Frame: TypeAlias = dict[str, Any]

_HEADER: Final = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER.size
_ESCAPED: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")
_encoder: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: The largest frame that a header can announce, in bytes.
LARGEST_BYTES: Final = 2**32 - 1


class FrameError(Exception):
    """The other side sent something that is no frame."""


class FrameTooLargeError(FrameError):
    """This side has more to say than one frame may carry."""


def encode(value: Frame, *, maximum: int = LARGEST_BYTES) -> bytes:
    """One frame as bytes: four bytes of length, then JSON.

    A lone surrogate, which no UTF-8 can hold, becomes a question mark.

    Raises:
        FrameTooLargeError: It would be more than `maximum` bytes.
    """
    data = _encoder.encode(value).encode("utf-8", errors="replace")
    if len(data) > maximum:
        raise FrameTooLargeError(f"a frame of {len(data)} bytes; {maximum} are allowed")
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

    Its texts can be stored: what PostgreSQL takes in no text, U+0000 and lone
    surrogates, becomes U+FFFD. In UTF-8 both can only have come as an escape.

    Raises:
        FrameError: It is not JSON in UTF-8, not an object, or nested without end.
    """
    try:
        value = json.loads(body.decode("utf-8"))
        if _ESCAPED.search(body):
            value = _storable(value)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame that is not JSON") from error
    if not isinstance(value, dict):
        raise FrameError("a frame that is not a JSON object")
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return value
