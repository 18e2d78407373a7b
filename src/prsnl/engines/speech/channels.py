"""Whether two channels carry different voices, as a recorder of calls keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from prsnl.engines.speech.contract import Sound
from prsnl.engines.speech.sound import stream

#: So much of a recording is looked at.
_LOOKED_AT_S: Final = 300.0
#: Loudness is compared over stretches of so many samples: 100 ms.
_STRETCH: Final = 1600
#: Channels that are more alike than this carry one scene.
_ALIKE: Final = 0.35
#: A channel that is this much quieter than the other carries nothing.
_QUIET: Final = 0.01


def are_apart(path: Path, kind: str | None) -> bool:
    """Tell it from how little the two channels have to do with each other.

    Both must carry something, and neither their samples nor their loudness over time
    may go together.
    """
    left = _start_of(path, kind, 0)
    right = _start_of(path, kind, 1)
    count = min(len(left), len(right)) // _STRETCH * _STRETCH
    if not count:
        return False
    left, right = left[:count], right[:count]
    powers = np.mean(left**2), np.mean(right**2)
    if min(powers) <= _QUIET * max(powers):
        return False
    if abs(_correlation(left, right)) > _ALIKE:
        return False
    return _correlation(_loudness(left), _loudness(right)) <= _ALIKE


def _start_of(path: Path, kind: str | None, channel: int) -> Sound:
    pieces = list(stream(path, kind, channel=channel, to_s=_LOOKED_AT_S))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _loudness(sound: Sound) -> Sound:
    powers = np.mean(sound.reshape(-1, _STRETCH) ** 2, axis=1)
    return np.asarray(np.sqrt(powers), np.float32)


def _correlation(one: Sound, other: Sound) -> float:
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale else 0.0
