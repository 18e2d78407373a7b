"""Is it English? Told by how well English words explain the sound.

A decoder that knows English alone hears English in everything. What gives it away is
the price: for every frame it tells by how much the sounds of its words are less likely
than the best sounds of any kind, and its whole path can be held against that of a
decoder which strings sounds together without words (Young, "Detecting misrecognitions
and out-of-vocabulary words", ICASSP 1994). Noise and a bad line make both paths dear
alike; another language makes the words dear alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

#: Natural logarithms a frame. Measured on clean, noisy, faster and slower speech, on
#: German, and on English backwards: docs/decisions has the figures.
THRESHOLD: Final = -5.55


@dataclass(frozen=True)
class Evidence:
    """What the decoders say of one segment, as natural logarithms over all frames."""

    #: Frames in which there are words.
    frames: int
    #: How likely the words' sounds are, beside the best of any kind.
    sound: float
    #: How likely the whole path is; `against` takes the one without words off it.
    path: float


def against(words: Evidence, phones: float | None) -> Evidence:
    """The same, with the path of words held against the one of mere sounds."""
    return replace(words, path=words.path - (phones or 0.0))


def score(found: Sequence[Evidence]) -> float | None:
    """How well English explains the segments, a frame; None without any words."""
    frames = sum(one.frames for one in found)
    if not frames:
        return None
    return round(sum(one.sound + one.path for one in found) / frames, 3)
