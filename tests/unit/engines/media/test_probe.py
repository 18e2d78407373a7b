"""What a recording says of itself, and what becomes of one that lies."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from prsnl.core.errors import CorruptError, EmptyError, PrsnlError, TooLargeError
from prsnl.engines.media import limits
from prsnl.engines.media.audio import pcm
from prsnl.engines.media.container import kind_of
from prsnl.engines.media.probe import cover, media_info
from prsnl.engines.media.shots import shots
from tests.fakes.child_files import FolderFiles
from tests.fakes.recordings import RATE, film, scene, sound, tone


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mp4", "mpeg4", None),
        ("a.mov", "mpeg4", None),
        ("a.3gp", "mpeg4", None),
        ("a.mkv", "libx264", None),
        ("a.avi", "mpeg4", None),
        ("a.flv", "flv", None),
        ("a.ts", "mpeg2video", None),
        ("a.mpg", "mpeg2video", None),
        ("a.wmv", "wmv2", None),
        ("a.mxf", "mpeg2video", None),
    ],
)
def test_every_common_video_says_its_length_and_size(
    tmp_path: Path, name: str, codec: str, container: str | None
) -> None:
    path = film(
        tmp_path / name,
        [(scene(n), 1.0) for n in range(3)],
        rate=25,
        codec=codec,
        container=container,
    )

    told = media_info(path)

    assert told.duration_s == pytest.approx(3.0, abs=0.1)
    assert told.video is not None
    assert (told.video.width, told.video.height) == (320, 180)
    assert told.video.frame_rate == pytest.approx(25, abs=0.1)
    assert told.mime_type.startswith("video/")
    kind = kind_of(path)
    assert kind is not None
    assert kind.kind == told.kind


def test_a_picture_that_is_to_be_turned_has_the_size_that_is_shown(
    tmp_path: Path,
) -> None:
    """A phone that was held upright writes pictures that lie."""
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.set_display_rotation(-90)
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(scene(1), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    (tmp_path / "out").mkdir()

    told = media_info(path)
    (seen,) = [
        one
        for one in shots(
            FolderFiles(tmp_path, tmp_path / "out"),
            {"path": path.name, "spans": [[0, 10]]},
        )
        if "tick" not in one
    ]

    assert told.video is not None
    assert (told.video.width, told.video.height) == (180, 320)
    with Image.open(tmp_path / "out" / seen["shots"][0]["file_name"]) as picture:
        assert picture.size == (180, 320)
        turned = Image.fromarray(scene(1)).transpose(Image.Transpose.ROTATE_270)
        if told.video.rotation_degrees == 270:
            turned = turned.transpose(Image.Transpose.ROTATE_180)
        near = [abs(a - b) for a, b in zip(_dot(picture), _dot(turned), strict=True)]
        assert max(near) < 30


def _dot(picture: Image.Image) -> tuple[int, ...]:
    """The colour of the first block."""
    found = picture.convert("RGB").getpixel((6, 6))
    assert isinstance(found, tuple)
    return tuple(int(one) for one in found)


def test_tracks_languages_chapters_and_tags_are_told(tmp_path: Path) -> None:
    path = tmp_path / "talk.mkv"
    with av.open(str(path), "w") as file:
        file.metadata.update({"title": "A\ttalk", "artist": "Ada"})
        for language in ("eng", "deu"):
            stream = file.add_stream("pcm_s16le", rate=RATE, layout="mono")
            stream.metadata["language"] = language
        file.set_chapters(
            [
                {
                    "id": number,
                    "start": start,
                    "end": start + 1000,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": f"Part {number}"},
                }
                for number, start in enumerate((0, 1000), start=1)
            ]
        )
        for stream in file.streams.audio:
            frame = av.AudioFrame.from_ndarray(
                tone(2.0).reshape(1, -1), format="s16", layout="mono"
            )
            frame.sample_rate = RATE
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))

    told = media_info(path)

    assert told.video is None
    assert told.mime_type == "audio/x-matroska"
    assert [one.language for one in told.audio] == ["eng", "deu"]
    assert [one.title for one in told.chapters] == ["Part 1", "Part 2"]
    assert told.chapters[1].start_s == pytest.approx(1.0)
    assert told.tags["title"] == "A talk"
    assert told.tags["artist"] == "Ada"


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    drawn = io.BytesIO()
    Image.fromarray(scene(3)).save(drawn, "JPEG")
    path.write_bytes(_id3_with_cover(drawn.getvalue()))
    sound(tmp_path / "bare.mp3", [tone(1.0)], codec="libmp3lame")
    path.write_bytes(path.read_bytes() + (tmp_path / "bare.mp3").read_bytes())
    (tmp_path / "out").mkdir()

    told = media_info(path)
    (picture,) = cover(
        FolderFiles(tmp_path, tmp_path / "out"), {"path": path.name, "width": 100}
    )

    assert told.kind == "mp3"
    assert told.video is None
    assert told.has_cover
    assert told.duration_s == pytest.approx(1.0, abs=0.1)
    assert picture["width"] == 100
    assert (tmp_path / "out" / picture["file_name"]).read_bytes()[:2] == b"\xff\xd8"


def _id3_with_cover(jpeg: bytes) -> bytes:
    body = b"\x00image/jpeg\x00\x03\x00" + jpeg
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\x00\x00" + body
    size = len(frame)
    sizes = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + sizes + frame


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(
    tmp_path: Path,
) -> None:
    """A few bytes may claim a picture of a gigabyte."""
    path = film(tmp_path / "a.mp4", [(scene(1), 0.5)])
    content = bytearray(path.read_bytes())
    at = content.find(b"mp4v", content.find(b"stsd"))
    content[at + 28 : at + 32] = struct.pack(">HH", 30_000, 30_000)
    path.write_bytes(bytes(content))

    try:
        told = media_info(path)
    except (TooLargeError, CorruptError):
        return
    assert told.video is not None
    assert told.video.width * told.video.height <= limits.PIXELS_MAX


def test_a_length_that_nobody_has_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [(scene(1), 0.5)])
    content = path.read_bytes()
    at = content.find(b"\x44\x89\x88") + 3
    assert at > 3, "no duration of eight bytes"
    path.write_bytes(content[:at] + struct.pack(">d", 1e12) + content[at + 8 :])

    with pytest.raises(TooLargeError, match="hours"):
        media_info(path)


def test_a_header_without_sound_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)

    with pytest.raises(EmptyError, match="no sound behind it"):
        media_info(path)


Break = Callable[[bytes], bytes]
BREAKS: dict[str, Break] = {
    "cut in the header": lambda content: content[:60],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "zeros inside": lambda content: content[:2000] + bytes(4000) + content[6000:],
    "all bits turned": lambda content: (
        content[:600] + bytes(255 - byte for byte in content[600:])
    ),
    "twice": lambda content: content + content,
}


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.avi", "mpeg4"),
    ],
)
def test_a_broken_video_has_an_outcome_with_a_name(
    tmp_path: Path, name: str, codec: str, how: str
) -> None:
    path = film(tmp_path / name, [(scene(n), 0.6) for n in range(3)], codec=codec)
    path.write_bytes(BREAKS[how](path.read_bytes()))
    (tmp_path / "out").mkdir()
    files = FolderFiles(tmp_path, tmp_path / "out")

    for work in (
        lambda: media_info(path),
        lambda: list(shots(files, {"path": path.name, "spans": [[0, 60]]})),
        lambda: list(pcm(path)),
    ):
        assert code_of(work) in {None, "corrupt", "empty", "unsupported", "too_large"}


def code_of(work: Callable[[], Any]) -> str | None:
    """How it ended: None where it was done; nothing foreign may come out."""
    try:
        work()
    except PrsnlError as error:
        return error.code
    return None


def test_a_wav_that_was_cut_off_says_so_and_one_from_a_pipe_does_not(
    tmp_path: Path,
) -> None:
    """Its demuxer takes what is there for all there was."""
    whole = sound(tmp_path / "whole.wav", [tone(4.0)])
    content = whole.read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(content[: len(content) // 2])
    piped = tmp_path / "piped.wav"
    piped.write_bytes(content[:4] + b"\xff\xff\xff\xff" + content[8:])

    assert media_info(whole).warnings == ()
    assert media_info(piped).warnings == ()
    (told,) = media_info(cut).warnings
    assert f"counts {len(content)} bytes, and it has {len(content) // 2}" in told
