"""An open recording: the only module that opens one with PyAV.

By construction a demuxer reaches nothing but the one file that it was given: it is
handed that file open, is chosen by us, and what it asks to open besides is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import av
import av.error
from av.container import InputContainer
from av.stream import Discard

from prsnl.core.errors import CorruptError, TooLargeError, UnsupportedError
from prsnl.engines.media import limits
from prsnl.engines.media.signatures import (
    DEMUXERS,
    HEAD_BYTES,
    KINDS,
    MediaKind,
    after_tag,
    media_kind,
)

_MOV_NAME: Final = "mov,mp4,m4a,3gp,3g2,mj2"
#: The whitelist is compared with a demuxer's whole name.
_ALIASES: Final = {
    **dict.fromkeys(("mov", "mp4", "3gp"), _MOV_NAME.split(",")),
    "matroska": ("webm",),
}
_NO_REFERENCES: Final = {"enable_drefs": "0", "use_absolute_path": "0"}
_OPTIONS_OF: Final = dict.fromkeys(("mov", "mp4", "3gp"), _NO_REFERENCES)
#: The file is read in pieces of so many bytes.
_PIECE_BYTES: Final = 256 * 1024
_MICROSECONDS: Final = 1_000_000


@dataclass
class Damage:
    """What could not be decoded, as far as it was met."""

    bad_packets: int = 0
    #: Reading ended before the end of the file.
    broke_off: bool = False


def kind_of(path: Path) -> MediaKind | None:
    """What recording a file is; None if none that is opened here."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        start = after_tag(head)
        if start >= len(head) > 0:
            file.seek(start)
            behind = file.read(HEAD_BYTES).lstrip(b"\0")
            return media_kind(behind) or media_kind(head)
    return media_kind(head)


@contextmanager
def opened(path: Path, kind: str | None = None) -> Iterator[InputContainer]:
    """A recording whose header has been read.

    Args:
        path: The file.
        kind: As told before; without it the first bytes tell.

    Raises:
        UnsupportedError: It is no recording that is opened here.
        CorruptError: Its header cannot be read.
        TooLargeError: It has more tracks or pixels than are looked at.
    """
    row = KINDS[kind] if kind is not None else kind_of(path)
    if row is None:
        raise UnsupportedError(
            "This is no recording that is read here: what it holds does not look like "
            "audio or video of a common kind. Convert it to MP4 or WAV, and upload "
            "that."
        )
    assert row.demuxer in DEMUXERS
    with path.open("rb") as file, translated(row.description):
        container = av.open(
            file,
            "r",
            format=row.demuxer,
            options=_options(row.demuxer),
            metadata_errors="replace",
            buffer_size=_PIECE_BYTES,
            io_open=_refuse,
        )
        with container:
            _refuse_excess(container)
            yield container


def start_s(container: InputContainer) -> float:
    """What a player shows as 0:00, on the file's own clock, in seconds."""
    return (container.start_time or 0) / _MICROSECONDS


def seek(container: InputContainer, at_s: float) -> None:
    """Go to the last place at or before a time from which decoding can begin."""
    with translated("recording"):
        container.seek(round((at_s + start_s(container)) * _MICROSECONDS))


def packets(
    container: InputContainer, stream: Any, damage: Damage
) -> Iterator[av.Packet[Any]]:
    """The packets of one track, as far as the file can be read.

    The last one is empty, and flushes the decoder.
    """
    for each in container.streams:
        each.discard = Discard.default if each.index == stream.index else Discard.all
    source = container.demux(stream)
    while True:
        try:
            packet = next(source)
        except (StopIteration, EOFError):
            return
        except MemoryError:
            raise
        except av.error.FFmpegError:
            damage.broke_off = True
            return
        yield packet


def frames(read: Iterable[av.Packet[Any]], damage: Damage) -> Iterator[Any]:
    """The decoded frames of packets; what is damaged is counted and left out."""
    bad_in_row = 0
    for packet in read:
        try:
            decoded = packet.decode()
        except MemoryError:
            raise
        except EOFError:
            return
        except av.error.FFmpegError:
            damage.bad_packets += 1
            bad_in_row += 1
            if bad_in_row > limits.BAD_PACKETS_MAX:
                damage.broke_off = True
                return
            continue
        bad_in_row = 0
        yield from decoded


@contextmanager
def translated(what: str) -> Iterator[None]:
    """FFmpeg's errors as ours; where there is no memory, that stays."""
    try:
        yield
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise CorruptError(
            f"The {what} is damaged or cut off, and nothing of it can be read. Copy it "
            "again, or repair it with the program that made it."
        ) from error


def _options(demuxer: str) -> dict[str, str]:
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(sorted({demuxer, *_ALIASES.get(demuxer, ())})),
        "max_streams": str(limits.STREAMS_MAX),
        "max_pixels": str(limits.PIXELS_MAX),
        **_OPTIONS_OF.get(demuxer, {}),
    }


def _refuse(_url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    raise PermissionError("a recording may not have other files opened")


def _refuse_excess(container: InputContainer) -> None:
    if len(container.streams) > limits.STREAMS_MAX:
        raise TooLargeError(
            f"The recording has more than {limits.STREAMS_MAX} tracks: keep those that "
            "are wanted, and upload that."
        )
    for stream in container.streams.video:
        if (context := stream.codec_context) is not None:
            refuse_large(context.width, context.height)


def refuse_large(width: int, height: int) -> None:
    """Refuse pictures beyond the limit.

    Raises:
        TooLargeError: They have more pixels than are looked at.
    """
    if width * height > limits.PIXELS_MAX:
        raise TooLargeError(
            f"The video's pictures have {width} x {height} pixels; at most "
            f"{limits.PIXELS_MAX // 10**6} megapixels are read. Save it smaller, and "
            "upload that."
        )
