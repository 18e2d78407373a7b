"""Pictures a second: PyAV alone, and the key frames of a video in our child.

- `bare`: `for picture in container.decode(video=0)`, as PyAV comes.
- `bare, all threads`: the same with `thread_type = "AUTO"`.
- `here`: what the child does, in this process: its processor time beside that of the
  bare sides is the same on a busy machine.
- `child`: the operation `media.shots` over the whole video in a warm sandbox child:
  every picture decoded and looked at, cuts found, the best picture of each shot
  weighed, scaled and written as JPEG, each taken over by this process.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image

import machine
from prsnl.engines.media.contract import SpanShots
from prsnl.engines.media.shots import shots
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.media_processing.viewing import SPAN_S

#: Of the faster bare rate.
BAR: Final = 0.8
_RATE: Final = 25
_LIMIT_S: Final = 600.0


def made(path: Path, *, seconds: int, width: int, height: int, slices: int) -> None:
    """Write a film of pans over clouds with grain, cut every three seconds (H.264)."""
    told = f"sliced-threads=0:slices={slices}"
    chance = np.random.default_rng(7)
    grain = [
        chance.integers(-6, 7, (height, width, 1), np.int8).astype(np.int16)
        for _ in range(4)
    ]
    with av.open(str(path), "w") as file:
        stream = file.add_stream(
            "libx264",
            rate=_RATE,
            options={"preset": "veryfast", "crf": "23", "x264-params": told},
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * _RATE):
            place = number % (3 * _RATE)
            if place == 0:
                cloud = _cloud(chance, width + 6 * _RATE, height + 3 * _RATE)
            shown = cloud[place : place + height, 2 * place : 2 * place + width]
            grained = np.clip(shown + grain[number % len(grain)], 0, 255)
            frame = av.VideoFrame.from_ndarray(grained.astype(np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _cloud(
    chance: np.random.Generator, width: int, height: int
) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Colours that change over all distances, as in a photograph."""
    whole = np.zeros((height, width, 3), dtype=np.float32)
    for size in (3, 11, 41, 151):
        rough = chance.integers(
            0, 256, (height // size + 2, width // size + 2, 3), np.uint8
        )
        wide = Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)
        whole += np.asarray(wide, dtype=np.float32) * np.sqrt(size)
    low, high = whole.min(), whole.max()
    return ((whole - low) * (255 / (high - low))).astype(np.uint8)


def bare(path: Path, *, threads: str | None = None) -> int:
    """Decode every picture, and no more."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if threads is not None:
            stream.thread_type = threads
        return sum(1 for _ in container.decode(stream))


def in_child(pool: SandboxPool, path: Path, seconds: int) -> int:
    """The product's own operation, with every answer checked as the product does."""
    pictures = 0
    with pool.child("media") as child:
        os.link(path, child.put("input"))
        frames = child.stream(
            "media.shots",
            {"path": "input", "spans": _spans(seconds)},
            unit_timeout_s=_LIMIT_S,
        )
        for frame in frames:
            if "tick" in frame:
                continue
            seen = SpanShots.model_validate(frame)
            pictures += seen.pictures
            for shot in seen.shots:
                child.output(shot.file_name).read_bytes()
    return pictures


@dataclass(frozen=True)
class _Folders:
    """What an operation takes for a child's folders."""

    inputs: Path
    outputs: Path


def here(path: Path, seconds: int) -> int:
    """The same operation without a child around it."""
    folders = _Folders(path.parent, path.parent / "out")
    folders.outputs.mkdir(exist_ok=True)
    told = shots(folders, {"path": path.name, "spans": _spans(seconds)})
    return sum(int(frame.get("pictures", 0)) for frame in told)


def _spans(seconds: int) -> list[list[float]]:
    return [[at, at + SPAN_S] for at in np.arange(0, seconds + 1, SPAN_S).tolist()]


def measure(
    pool: SandboxPool, folder: Path, *, seconds: int, rounds: int, size: tuple[int, int]
) -> bool:
    """Print the rates; whether ours is near enough to the faster bare one.

    Nearly every film has one slice a picture, and is decoded several pictures at once;
    with several slices one picture is decoded by all cores, which is quicker.
    """
    met = [
        _measure(pool, folder, slices, seconds=seconds, rounds=rounds, size=size)
        for slices in (1, 4)
    ]
    return all(met)


def _measure(
    pool: SandboxPool,
    folder: Path,
    slices: int,
    *,
    seconds: int,
    rounds: int,
    size: tuple[int, int],
) -> bool:
    path = folder / f"film-{slices}.mp4"
    width, height = size
    made(path, seconds=seconds, width=width, height=height, slices=slices)
    sides: dict[str, Callable[[], int]] = {
        "bare": lambda: bare(path),
        "bare, all threads": lambda: bare(path, threads="AUTO"),
        "here": lambda: here(path, seconds),
        "child": lambda: in_child(pool, path, seconds),
    }
    in_child(pool, path, seconds)  # the nursery is warm from here on
    rates: dict[str, list[float]] = {name: [] for name in sides}
    used_s: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began, used = time.perf_counter(), time.process_time()
            count = side()
            used_s[name].append(time.process_time() - used)
            rates[name].append(count / (time.perf_counter() - began))
            assert count == seconds * _RATE, (name, count)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    best = max(middle["bare"], middle["bare, all threads"])
    print(
        f"\nKey frames of {seconds} s, {width} x {height}, {_RATE} a second, H.264, "
        f"slices a picture: {slices}"
    )
    print(
        machine.table(
            ["pictures a second", "median", "lowest", "highest", "of bare", "CPU s"],
            [
                [
                    name,
                    f"{middle[name]:.0f}",
                    f"{min(found):.0f}",
                    f"{max(found):.0f}",
                    f"{middle[name] / best:.2f}",
                    "" if name == "child" else f"{statistics.median(used_s[name]):.2f}",
                ]
                for name, found in rates.items()
            ],
        )
    )
    return middle["child"] >= BAR * best
