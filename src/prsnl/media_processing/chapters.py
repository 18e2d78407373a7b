"""The parts of a recording: what its file says, else where its speech turns.

A topic ends where the words before and after a place have little in common (TextTiling:
Hearst, 1997); a pause there, or a cut of the picture, makes it likelier.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Final

from prsnl.engines.media.contract import Chapter

#: What is shorter is one part.
_LEAST_S: Final = 180.0
#: A part is at least so long, and of a long recording so large a share of it.
_PART_S: Final = 60.0
_PARTS_MAX: Final = 20
#: Words on each side of a place that are compared.
_WINDOW_WORDS: Final = 120
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
#: A pause of so many seconds counts in full.
_LONG_PAUSE_S: Final = 3.0
_PAUSE_WEIGHT: Final = 0.3
_CUT_WEIGHT: Final = 0.15
#: A cut stands for a pause that is not farther away, in seconds.
_CUT_NEAR_S: Final = 2.0
_TITLE_WORDS: Final = 3


@dataclass(frozen=True)
class Said:
    """A segment of a transcript."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class _Turn:
    """A place between two segments where a part may begin."""

    place: int
    at_s: float
    score: float


def chapters_of_speech(
    said: Sequence[Said], *, duration_s: float, cuts_s: Sequence[float] = ()
) -> tuple[Chapter, ...]:
    """The parts of what is said; none where it is short or of one piece.

    Titles are the words that a part has more of than the others: not a sentence, and
    nothing that was not said.

    Args:
        said: The segments, in the order of time.
        duration_s: How long the recording is.
        cuts_s: Where its picture is cut.
    """
    if duration_s < _LEAST_S or len(said) < 2:  # noqa: PLR2004 - one is one part
        return ()
    words = [_words(one.text) for one in said]
    turns = _best(_turns(said, words, cuts_s), duration_s)
    if not turns:
        return ()
    starts = [0, *(turn.place for turn in turns)]
    bounds = list(zip(starts, [*starts[1:], len(said)], strict=True))
    parts = [Counter[str]() for _ in bounds]
    for part, (first, last) in zip(parts, bounds, strict=True):
        for one in words[first:last]:
            part.update(one)
    times = [0.0, *(turn.at_s for turn in turns), duration_s]
    return tuple(
        Chapter(start_s=start, end_s=end, title=_title(part, parts))
        for part, start, end in zip(parts, times, times[1:], strict=False)
    )


def _turns(
    said: Sequence[Said], words: Sequence[Sequence[str]], cuts_s: Sequence[float]
) -> list[_Turn]:
    found = []
    for place in range(1, len(said)):
        before = Counter(_window(words[at] for at in range(place - 1, -1, -1)))
        after = Counter(_window(words[at] for at in range(place, len(words))))
        pause_s = max(0.0, said[place].start_s - said[place - 1].end_s)
        at_s = said[place].start_s
        has_cut = any(abs(cut - at_s) <= _CUT_NEAR_S for cut in cuts_s)
        score = 1 - _cosine(before, after)
        score += _PAUSE_WEIGHT * min(1.0, pause_s / _LONG_PAUSE_S)
        score += _CUT_WEIGHT * has_cut
        found.append(_Turn(place, at_s, score))
    return found


def _best(turns: Sequence[_Turn], duration_s: float) -> list[_Turn]:
    """The turns that stand out, none too near to another."""
    scores = [turn.score for turn in turns]
    enough = fmean(scores) + 0.5 * pstdev(scores)
    apart_s = max(_PART_S, duration_s / _PARTS_MAX)
    kept: list[_Turn] = []
    for turn in sorted(turns, key=lambda one: -one.score):
        ends = (0.0, duration_s, *(one.at_s for one in kept))
        if turn.score > enough and all(abs(turn.at_s - at) >= apart_s for at in ends):
            kept.append(turn)
    return sorted(kept, key=lambda one: one.at_s)


def _window(parts: Iterable[Sequence[str]]) -> list[str]:
    found: list[str] = []
    for words in parts:
        found += words
        if len(found) >= _WINDOW_WORDS:
            break
    return found


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    if not one or not other:
        return 0.0
    common = sum(count * other[word] for word, count in one.items())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return common / lengths


def _title(part: Counter[str], parts: Sequence[Counter[str]]) -> str | None:
    """The words that this part has, and the others have not."""

    def weight(word: str) -> float:
        having = sum(word in other for other in parts)
        return part[word] * math.log((1 + len(parts)) / having)

    ranked = sorted(part, key=lambda word: (-weight(word), word))
    told = [word for word in ranked[:_TITLE_WORDS] if part[word] > 1]
    return ", ".join(told) or None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
