"""The sound of segments: one pass over the recording, and never all of it in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from prsnl.engines.media.audio import Listening, pcm
from prsnl.engines.speech.contract import Sound, Unit

RATE_HZ: Final = 16_000
_FULL: Final = 32768.0
#: Over a longer gap between segments the recording is entered anew.
_FAR_S: Final = 90.0

U = TypeVar("U", bound=Unit)


def stream(
    path: Path,
    kind: str | None,
    *,
    channel: int | None = None,
    from_s: float = 0.0,
    to_s: float | None = None,
    listening: Listening | None = None,
) -> Iterator[Sound]:
    """Sound piece by piece, between -1 and 1; see `media.audio.pcm`."""
    for samples in pcm(
        path, kind, channel=channel, from_s=from_s, to_s=to_s, listening=listening
    ):
        yield samples.astype(np.float32) / _FULL


def of_units(
    path: Path, kind: str | None, units: Sequence[U]
) -> Iterator[tuple[U, Sound]]:
    """Each segment with its sound, in the order of time, a channel after another."""
    for channel in sorted({unit.channel for unit in units}, key=lambda one: one or 0):
        wanted = [unit for unit in units if unit.channel == channel]
        for run in _runs(sorted(wanted, key=lambda unit: unit.from_s)):
            yield from _run(path, kind, channel, run)


def _runs(units: Sequence[U]) -> Iterator[list[U]]:
    run: list[U] = []
    for unit in units:
        if run and unit.from_s - run[-1].to_s > _FAR_S:
            yield run
            run = []
        run.append(unit)
    if run:
        yield run


def _run(
    path: Path, kind: str | None, channel: int | None, units: Sequence[U]
) -> Iterator[tuple[U, Sound]]:
    base = units[0].from_s
    sound = stream(
        path, kind, channel=channel, from_s=base, to_s=max(one.to_s for one in units)
    )
    held = np.zeros(0, np.float32)
    held_from = 0
    for unit in units:
        first = round((unit.from_s - base) * RATE_HZ)
        last = round((unit.to_s - base) * RATE_HZ)
        parts = [held]
        have = held_from + len(held)
        while have < last and (piece := next(sound, None)) is not None:
            parts.append(piece)
            have += len(piece)
        held = np.concatenate(parts)[max(0, first - held_from) :]
        held_from = max(first, held_from)
        yield unit, held[: max(0, last - held_from)]
