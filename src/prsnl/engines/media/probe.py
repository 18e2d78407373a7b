"""What a recording says of itself: tracks, length, chapters, tags, its cover."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av.error
from av.container import InputContainer
from av.stream import Disposition

from prsnl.core.errors import CorruptError, EmptyError, TooLargeError, UnsupportedError
from prsnl.engines.contracts import ChildFiles, JsonObject, Picture
from prsnl.engines.images import decode as pictures
from prsnl.engines.images.signatures import picture_kind
from prsnl.engines.media import limits
from prsnl.engines.media.container import (
    Damage,
    frames,
    kind_of,
    opened,
    packets,
    refuse_large,
    start_s,
)
from prsnl.engines.media.contract import AudioTrack, Chapter, MediaInfo, VideoTrack
from prsnl.engines.media.signatures import KINDS

#: Their headers name no length, or one that is reckoned from the first packets.
_GUESSING: Final = frozenset(("mp3", "aac", "amr", "ac3", "eac3", "mpegvideo", "ivf"))
#: They tell it to a few pictures: a small file is counted, of a large one that is near.
_NEARLY: Final = frozenset({"mpegts", "mpeg"})
_COUNTED_BYTES: Final = 512 * 2**20
#: What is kept of a file's tags, under our names.
_TAGS: Final = {
    "title": "title",
    "artist": "artist",
    "author": "artist",
    "album_artist": "album_artist",
    "album": "album",
    "date": "date",
    "year": "date",
    "creation_time": "created_at",
    "genre": "genre",
    "comment": "comment",
    "description": "description",
    "synopsis": "description",
    "language": "language",
    "show": "show",
    "copyright": "copyright",
    "encoder": "encoder",
    "com.apple.quicktime.make": "camera",
    "com.apple.quicktime.location.iso6709": "location",
    "location": "location",
}
_NO_LANGUAGE: Final = frozenset({"", "und", "unk", "mis", "zxx"})
_MICROSECONDS: Final = 1_000_000
#: "RIFF" and a size.
_RIFF_HEAD: Final = 8
_RIFF_UNKNOWN: Final = 0x7FFF_0000
_COVER: Final = "cover.jpg"
_COVER_WIDTH: Final = 640
_UPRIGHT_TURNS: Final = frozenset({90, 270})


def probe(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `MediaInfo` of `path`; `kind` where it is known already.

    Raises:
        UnsupportedError: It is no recording that is opened here.
        CorruptError: Nothing of it can be read.
        EmptyError: It has neither sound nor picture.
        TooLargeError: It is longer or larger than is looked at.
    """
    path = files.inputs / params["path"]
    yield media_info(path, params.get("kind")).model_dump(mode="json")


def media_info(path: Path, kind: str | None = None) -> MediaInfo:
    """What a recording is; raises as `probe` does."""
    told = kind_of(path) if kind is None else KINDS[kind]
    with opened(path, told.kind if told else None) as container:
        assert told is not None
        shown = film(container)
        sound = container.streams.audio
        if shown is None and not sound:
            raise EmptyError(
                "The recording has no track of sound or picture: there is nothing in "
                "it to process."
            )
        if shown is None and not _audio(sound):
            raise UnsupportedError(
                f"No track of this {told.description} is of a kind that is decoded "
                "here. Convert it to MP4 or WAV, and upload that."
            )
        duration_s = _duration(container)
        counted_s = _counted(path, told.kind) if duration_s is None else None
        length_s = counted_s if duration_s is None else duration_s
        if length_s is None and shown is None:
            raise EmptyError(
                "The recording has a header, and no sound behind it: it was broken "
                "off before anything was recorded."
            )
        _refuse_length(length_s)
        warnings: list[str] = list(_cut_off(path))
        video = None if shown is None else _video(path, told.kind, warnings)
        return MediaInfo(
            kind=told.kind,
            mime_type=told.mime_type
            if video
            else told.mime_type.replace("video/", "audio/"),
            duration_s=length_s,
            duration_from="packets" if duration_s is None else "header",
            video=video,
            audio=_audio(sound),
            subtitles=tuple(
                _language(track) or "und" for track in container.streams.subtitles
            ),
            chapters=_chapters(container, length_s),
            tags=_tags(container),
            has_cover=_cover_stream(container) is not None,
            warnings=tuple(warnings),
        )


def cover(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `Picture` that comes with the sound, as JPEG; nothing without one."""
    with opened(files.inputs / params["path"], params.get("kind")) as container:
        stream = _cover_stream(container)
        if stream is None:
            return
        content = next(
            (bytes(one) for one in packets(container, stream, Damage()) if one.size),
            b"",
        )
    if len(content) > limits.COVER_BYTES_MAX or not (row := picture_kind(content)):
        return
    raw = files.outputs / "cover"
    raw.write_bytes(content)
    try:
        with pictures.opened(raw, row.kind) as picture:
            width, height = pictures.thumbnail(
                picture,
                files.outputs / _COVER,
                width=int(params.get("width") or _COVER_WIDTH),
            )
    except (CorruptError, TooLargeError):  # a bad cover spoils no recording
        return
    finally:
        raw.unlink()
    yield Picture(
        file_name=_COVER, mime_type="image/jpeg", width=width, height=height
    ).model_dump(mode="json")


def film(container: InputContainer) -> Any | None:
    """The track that is shown; None where there is none but a cover."""
    shown = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
        and stream.codec_context is not None
    ]
    chosen = [one for one in shown if one.disposition & Disposition.default]
    return next(iter(chosen or shown), None)


def _cover_stream(container: InputContainer) -> Any | None:
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _video(path: Path, kind: str, warnings: list[str]) -> VideoTrack:
    """The track that is shown, by its first picture: how it is turned stands there."""
    with opened(path, kind) as container:
        stream = film(container)
        assert stream is not None
        context = stream.codec_context
        width, height, turned = context.width, context.height, 0
        damage = Damage()
        first = next(frames(packets(container, stream, damage), damage), None)
        if first is None:
            warnings.append(
                "No picture of the video can be decoded: its sound alone is processed."
            )
        else:
            width, height, turned = first.width, first.height, rotation(first)
            refuse_large(width, height)
        if turned in _UPRIGHT_TURNS:
            width, height = height, width
        rate = stream.average_rate or stream.guessed_rate
        return VideoTrack(
            codec=context.name,
            width=width,
            height=height,
            rotation_degrees=turned,
            frame_rate=round(float(rate), 3) if rate else None,
            language=_language(stream),
        )


def rotation(frame: Any) -> int:
    """How far a picture is to be turned clockwise to be upright: 0, 90, 180 or 270."""
    return int(round(-frame.rotation / 90) * 90) % 360


def _audio(streams: Any) -> tuple[AudioTrack, ...]:
    return tuple(
        AudioTrack(
            number=number,
            codec=stream.codec_context.name,
            rate=stream.codec_context.sample_rate or 0,
            channels=stream.codec_context.channels or 0,
            language=_language(stream),
            title=_plain(stream.metadata.get("title")) or None,
            is_default=bool(stream.disposition & Disposition.default),
        )
        for number, stream in enumerate(streams)
        if stream.codec_context is not None
    )


def _duration(container: InputContainer) -> float | None:
    """The length that the header names; None where that is no more than a guess."""
    name = container.format.name.split(",")[0]
    if name in _GUESSING or (name in _NEARLY and container.size <= _COUNTED_BYTES):
        return None
    if container.duration is None or container.duration <= 0:
        return None
    return container.duration / _MICROSECONDS


def _counted(path: Path, kind: str) -> float | None:
    """The length by the packets of all tracks: the latest end of one."""
    latest = None
    with opened(path, kind) as container, contextlib.suppress(av.error.FFmpegError):
        begin_s = start_s(container)
        for packet in islice(container.demux(), limits.COUNTED_PACKETS_MAX):
            if packet.size and (end := _end_s(packet)) is not None:
                latest = max(end - begin_s, latest or 0.0)
    return latest


def _end_s(packet: Any) -> float | None:
    """Where a packet ends on the file's clock, in seconds."""
    at = packet.pts if packet.pts is not None else packet.dts
    if at is None or packet.time_base is None:
        return None
    if packet.duration:
        return float((at + packet.duration) * packet.time_base)
    rate = packet.stream.average_rate if packet.stream.type == "video" else None
    return float(at * packet.time_base) + (float(1 / rate) if rate else 0.0)


def _cut_off(path: Path) -> Iterator[str]:
    """What a RIFF file (WAV, AVI) lacks of the bytes that its header counts.

    Its demuxer reckons the length from what is there, and so misses nothing.
    """
    with path.open("rb") as file:
        head = file.read(_RIFF_HEAD)
    size = path.stat().st_size
    if len(head) < _RIFF_HEAD or not head.startswith(b"RIFF"):
        return
    promised = int.from_bytes(head[4:], "little") + _RIFF_HEAD
    # Who writes to a pipe does not know the end, and names a very large one.
    if size < promised < _RIFF_UNKNOWN:
        yield (
            f"The file is cut off: its header counts {promised} bytes, and it has "
            f"{size}. What is missing at its end is lost."
        )


def _refuse_length(duration_s: float | None) -> None:
    if duration_s is not None and duration_s > limits.DURATION_MAX_S:
        raise TooLargeError(
            f"The recording says that it is {duration_s / 3600:.0f} hours long; at "
            f"most {limits.DURATION_MAX_S / 3600:.0f} are read. Divide it, and process "
            "its parts."
        )


def _chapters(
    container: InputContainer, duration_s: float | None
) -> tuple[Chapter, ...]:
    found = []
    most = duration_s if duration_s is not None else limits.DURATION_MAX_S
    for told in container.chapters()[: limits.CHAPTERS_MAX]:
        if told["time_base"] is None:
            continue
        start = float(told["start"] * told["time_base"]) - start_s(container)
        end = float(told["end"] * told["time_base"]) - start_s(container)
        if 0 <= start < most:
            title = _plain(told["metadata"].get("title")) or None
            found.append(
                Chapter(start_s=start, end_s=max(start, min(end, most)), title=title)
            )
    return tuple(sorted(found, key=lambda one: one.start_s))


def _tags(container: InputContainer) -> dict[str, str]:
    told: dict[str, str] = {}
    sources = [container.metadata, *(one.metadata for one in container.streams.audio)]
    for source in sources:
        for name, value in source.items():
            ours = _TAGS.get(name.casefold())
            if ours is not None and ours not in told and (plain := _plain(value)):
                told[ours] = plain
    if told.get("language", "und").casefold() in _NO_LANGUAGE:
        told.pop("language", None)
    return told


def _language(stream: Any) -> str | None:
    told = _plain(stream.metadata.get("language")).casefold()
    return None if told in _NO_LANGUAGE else told


def _plain(value: object) -> str:
    if not isinstance(value, str):
        return ""
    plain = "".join(sign if sign.isprintable() else " " for sign in value)
    return " ".join(plain.split())[: limits.VALUE_CHARACTERS]
