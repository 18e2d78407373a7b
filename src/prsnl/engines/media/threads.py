"""How a video's pictures are shared out to the cores that decode them.

FFmpeg decodes several pictures at once, or several slices of one. The first suits
nearly every video, and is what FFmpeg chooses; where each picture has slices enough for
all cores, the second needs less time: no picture waits for another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Final

_MOST: Final = 9
#: Each thread keeps pictures of its own: of larger ones there are two.
_MANY_THREADS_PIXELS: Final = 9_000_000
#: Of an H.264 packet whose parts begin with their length (`avcC`).
_HAS_LENGTHS: Final = 1
_LENGTH_SIZE_AT: Final = 4
_START_CODE: Final = re.compile(rb"\x00\x00\x01")
#: A coded slice, of any picture and of one that needs no other.
_SLICES: Final = frozenset({1, 5})
_TYPE_BITS: Final = 0x1F
#: Set where a slice is the first of its picture: `first_mb_in_slice` is then zero.
_IS_FIRST: Final = 0x80


def share_out(stream: Any, first: Any, *, cores: int | None = None) -> None:
    """Set up a decoder before its first packet.

    Args:
        stream: A video track that nothing was decoded of.
        first: Its first packet.
        cores: How many there are; default: those that this process may use.
    """
    context = stream.codec_context
    cores = cores or _cores()
    if _has_slices(context, first, at_least=cores):
        stream.thread_type = "SLICE"
        context.thread_count = min(_MOST, cores)
        return
    stream.thread_type = "AUTO"
    is_large = context.width * context.height > _MANY_THREADS_PIXELS
    context.thread_count = 2 if is_large else min(_MOST, cores + 1)


def _cores() -> int:
    has_affinity = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1


def _has_slices(context: Any, packet: Any, *, at_least: int) -> bool:
    """Whether the picture of a packet has so many slices; only H.264 is looked into."""
    if context.name != "h264" or at_least < 2:  # noqa: PLR2004 - one core, one slice
        return False
    parts = _parts(bytes(packet), context.extradata or b"")
    begun_inside = sum(
        part[0] & _TYPE_BITS in _SLICES and not part[1] & _IS_FIRST for part in parts
    )
    return begun_inside + 1 >= at_least


def _parts(packet: bytes, head: bytes) -> Iterator[bytes]:
    """The first two bytes of each part (NAL unit) of a packet.

    Source: ITU-T H.264, 7.3 and annex B; ISO/IEC 14496-15, 5.3.
    """
    if head[:1] != bytes([_HAS_LENGTHS]) or len(head) <= _LENGTH_SIZE_AT:
        places: Iterator[int] = (found.end() for found in _START_CODE.finditer(packet))
    else:
        places = _places(packet, (head[_LENGTH_SIZE_AT] & 3) + 1)
    for place in places:
        if len(part := packet[place : place + 2]) == 2:  # noqa: PLR2004
            yield part


def _places(packet: bytes, length_size: int) -> Iterator[int]:
    at = 0
    while (begins := at + length_size) < len(packet):
        yield begins
        at = begins + int.from_bytes(packet[at:begins], "big")
