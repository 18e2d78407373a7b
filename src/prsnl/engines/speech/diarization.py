"""Who speaks when: windows of speech, what their voices are like, and who is alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from prsnl.engines.speech.clustering import grouped
from prsnl.engines.speech.contract import Sound, Span, Speakers, Turn, Unit
from prsnl.engines.speech.voices import WINDOW_S, encoder

_RATE_HZ: Final = 16_000
#: A window begins every so many seconds.
_STEP_S: Final = 0.8
#: Speech that is shorter says too little of its voice.
_SHORTEST_S: Final = 0.6


@dataclass
class Voices:
    """Hears segments one after another, then tells who spoke when."""

    _windows: list[Span] = field(default_factory=list)
    _channels: list[int | None] = field(default_factory=list)
    _rows: list[np.ndarray[tuple[int, int], np.dtype[np.float32]]] = field(
        default_factory=list
    )

    def hear(self, unit: Unit, sound: Sound) -> None:
        """Take the voices of one segment."""
        windows = [window for span in unit.speech for window in _windows(span)]
        if not windows:
            return
        if unit.channel is None:
            parts = [_part(sound, window, unit) for window in windows]
            self._rows.append(encoder().encode(parts))
        self._windows += windows
        self._channels += [unit.channel] * len(windows)

    def speakers(self) -> Speakers:
        """Who spoke when; numbered in the order in which they are first heard."""
        if not self._windows:
            return Speakers()
        labels = self._labels()
        order = sorted(
            range(len(self._windows)), key=lambda place: self._windows[place].from_s
        )
        names: dict[int, str] = {}
        for place in order:
            names.setdefault(labels[place], f"Speaker {len(names) + 1}")
        turns: list[Turn] = []
        for channel in dict.fromkeys(self._channels):
            told = [
                (self._windows[place], names[labels[place]])
                for place in order
                if self._channels[place] == channel
            ]
            turns += [
                turn.model_copy(update={"channel": channel}) for turn in _turns(told)
            ]
        return Speakers(names=tuple(names.values()), turns=tuple(turns))

    def _labels(self) -> list[int]:
        """A channel of its own is a speaker of its own; others go by their voice."""
        if any(channel is not None for channel in self._channels):
            return [channel or 0 for channel in self._channels]
        return [int(label) for label in grouped(np.concatenate(self._rows))]


def _windows(span: Span) -> Iterator[Span]:
    """Windows of one length over a stretch of speech, the last one up to its end."""
    if span.seconds < _SHORTEST_S:
        return
    start = span.from_s
    while start + WINDOW_S < span.to_s:
        yield Span(from_s=start, to_s=start + WINDOW_S)
        start += _STEP_S
    yield Span(from_s=max(span.from_s, span.to_s - WINDOW_S), to_s=span.to_s)


def _part(sound: Sound, window: Span, unit: Unit) -> Sound:
    first = round((window.from_s - unit.from_s) * _RATE_HZ)
    last = round((window.to_s - unit.from_s) * _RATE_HZ)
    return sound[max(0, first) : last]


def _turns(told: list[tuple[Span, str]]) -> Iterator[Turn]:
    """Windows of one speaker after another as one turn; an overlap is divided."""
    turn: Turn | None = None
    for window, name in told:
        if turn is None:
            turn = Turn(from_s=window.from_s, to_s=window.to_s, speaker=name)
        elif turn.speaker == name and window.from_s - turn.to_s < WINDOW_S:
            end = max(turn.to_s, window.to_s)
            turn = turn.model_copy(update={"to_s": end})
        else:
            if window.from_s < turn.to_s:
                middle = round((window.from_s + turn.to_s) / 2, 3)
                yield turn.model_copy(update={"to_s": max(turn.from_s, middle)})
                turn = Turn(from_s=middle, to_s=window.to_s, speaker=name)
                continue
            yield turn
            turn = Turn(from_s=window.from_s, to_s=window.to_s, speaker=name)
    if turn is not None:
        yield turn
