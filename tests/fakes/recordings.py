"""Recordings made on the spot: sound, films with known cuts, damage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

RATE: Final = 16_000
Picture = np.ndarray[Any, np.dtype[np.uint8]]


def tone(seconds: float, *, hertz: float = 440.0, rate: int = RATE) -> Any:
    """A sine of half the full height, as 16 bits."""
    times = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * times) * 16_000).astype(np.int16)


def sound(
    path: Path,
    channels: Sequence[Any],
    *,
    codec: str = "pcm_s16le",
    rate: int = RATE,
    container: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a recording of sound, one array a channel."""
    layout = {1: "mono", 2: "stereo"}[len(channels)]
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        if not codec.startswith(("pcm", "libopencore")):
            stream.bit_rate = 64_000
        file.metadata.update(metadata or {})
        _write_sound(file, stream, channels, rate, layout)
    return path


def film(
    path: Path,
    shots: Sequence[tuple[Picture, float]],
    *,
    rate: int = 10,
    codec: str = "mpeg4",
    keyframe_every: int = 300,
    with_sound: Any | None = None,
    container: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write a video: each picture is shown for so many seconds."""
    height, width = shots[0][0].shape[:2]
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = keyframe_every
        stream.bit_rate = 4_000_000
        voice = None
        if with_sound is not None:
            voice = file.add_stream("aac", rate=RATE, layout="mono")
        for picture, seconds in shots:
            for _ in range(round(seconds * rate)):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if voice is not None:
            _write_sound(file, voice, [with_sound], RATE, "mono")
    return path


def scene(number: int, *, width: int = 320, height: int = 180) -> Picture:
    """A picture unlike that of any other number: blocks of chance colours."""
    chance = np.random.default_rng(number)
    blocks = chance.integers(30, 226, size=(9, 16, 3), dtype=np.uint8)
    scale = (height // 9 + 1, width // 16 + 1, 1)
    return np.ascontiguousarray(
        np.kron(blocks, np.ones(scale, np.uint8))[:height, :width]
    )


def plain(brightness: int, *, width: int = 320, height: int = 180) -> Picture:
    """A picture with nothing on it."""
    return np.full((height, width, 3), brightness, dtype=np.uint8)


def _write_sound(
    file: Any, stream: Any, channels: Sequence[Any], rate: int, layout: str
) -> None:
    joined = np.stack(channels, axis=1).reshape(1, -1)
    step = 1024 * len(channels)
    for start in range(0, joined.shape[1], step):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(joined[:, start : start + step]),
            format="s16",
            layout=layout,
        )
        frame.sample_rate = rate
        frame.pts = start // len(channels)
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))
