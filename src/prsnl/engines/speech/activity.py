"""Where somebody speaks: Silero's detector over a stream, cut into segments in pauses.

The detector is the one that comes with faster-whisper (Silero VAD 6, a network of
512 samples a step with a memory). Speech is told with two thresholds, as its authors
do it, so that a word that fades is not cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from prsnl.core.errors import UnsupportedError
from prsnl.engines.speech.contract import Sound, Span, Unit

RATE_HZ: Final = 16_000
#: Samples of one step of the detector, and what it sees of the step before.
_STEP: Final = 512
_CONTEXT: Final = 64
_STATE: Final = (1, 1, 128)
#: Steps that are asked at once: 16 seconds.
_BATCH: Final = 500

_BEGINS: Final = 0.5
_ENDS: Final = 0.35
#: A pause that ends a stretch of speech, and the shortest stretch that counts.
_PAUSE_S: Final = 0.3
_SHORTEST_S: Final = 0.2
#: Words begin before and end after what the detector is sure of.
_PAD_S: Final = 0.2

#: A segment is ended in the first pause after so long ...
SEGMENT_S: Final = 24.0
#: ... in the longest pause before this, and at this in any case.
SEGMENT_MAX_S: Final = 29.5
#: A silence of this length ends a segment in any case.
_GAP_S: Final = 4.0


def warm_up() -> None:
    """Load the detector."""
    _session()


@lru_cache(maxsize=1)
def _session() -> Any:
    # Not imported: that would load the whole of faster-whisper for one file.
    found = find_spec("faster_whisper")
    places = found.submodule_search_locations if found else None
    models = [
        model
        for place in places or ()
        for model in Path(place, "assets").glob("silero_vad*.onnx")
    ]
    if not models:
        raise UnsupportedError(
            "The voice detector of faster-whisper is not installed: run ./prsnl once "
            "more to set up."
        )
    from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 - heavy

    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return InferenceSession(
        str(max(models)), options, providers=["CPUExecutionProvider"]
    )


@dataclass
class Detector:
    """Says of each 32 ms of a stream how likely it is that somebody speaks."""

    _h: Any = field(default_factory=lambda: np.zeros(_STATE, np.float32))
    _c: Any = field(default_factory=lambda: np.zeros(_STATE, np.float32))
    _before: Any = field(default_factory=lambda: np.zeros(_CONTEXT, np.float32))
    _rest: Any = field(default_factory=lambda: np.zeros(0, np.float32))

    def hear(self, sound: Sound, *, is_last: bool = False) -> list[float]:
        """The probabilities of the steps that are complete with this sound."""
        whole = np.concatenate([self._rest, sound])
        if is_last and len(whole) % _STEP:
            whole = np.pad(whole, (0, _STEP - len(whole) % _STEP))
        count = len(whole) // _STEP
        self._rest = whole[count * _STEP :]
        told: list[float] = []
        for start in range(0, count, _BATCH):
            steps = whole[start * _STEP : min(start + _BATCH, count) * _STEP]
            told.extend(self._ask(steps.reshape(-1, _STEP)))
        return told

    def _ask(self, steps: Any) -> list[float]:
        contexts = np.vstack([self._before, steps[:-1, -_CONTEXT:]])
        self._before = steps[-1, -_CONTEXT:]
        given = np.hstack([contexts, steps]).astype(np.float32)
        out, self._h, self._c = _session().run(
            None, {"input": given, "h": self._h, "c": self._c}
        )
        return [float(one) for one in out.ravel()]


def speech_spans(probabilities: Iterable[float]) -> Iterator[Span]:
    """The stretches of speech, from the probability of each 32 ms."""
    step_s = _STEP / RATE_HZ
    began: float | None = None
    paused: float | None = None
    at = 0.0
    for number, probability in enumerate(probabilities):
        at = number * step_s
        if probability >= _BEGINS:
            began = at if began is None else began
            paused = None
        elif began is not None and probability < _ENDS:
            paused = at if paused is None else paused
            if at - paused >= _PAUSE_S:
                if paused - began >= _SHORTEST_S:
                    yield Span(from_s=began, to_s=paused)
                began = paused = None
    end = at + step_s if paused is None else paused
    if began is not None and end - began >= _SHORTEST_S:
        yield Span(from_s=began, to_s=end)


def segments(spans: Iterable[Span], duration_s: float) -> list[Unit]:
    """Speech put together to segments of about half a minute that end in pauses."""
    groups: list[list[Span]] = []
    for span in _no_longer_than(spans, SEGMENT_MAX_S - 2 * _PAD_S):
        if groups and _fits(groups[-1], span):
            groups[-1].append(span)
        else:
            groups.append([span])
    ends = [0.0, *(group[-1].to_s for group in groups)]
    starts = [*(group[0].from_s for group in groups[1:]), duration_s]
    return [
        _unit(number, group, ended, starts[number - 1], duration_s)
        for number, (group, ended) in enumerate(zip(groups, ends, strict=False), 1)
    ]


def _fits(group: list[Span], span: Span) -> bool:
    began, ended = group[0].from_s, group[-1].to_s
    if span.from_s - ended >= _GAP_S or ended - began >= SEGMENT_S:
        return False
    return span.to_s - began <= SEGMENT_MAX_S - 2 * _PAD_S


def _no_longer_than(spans: Iterable[Span], most_s: float) -> Iterator[Span]:
    """Speech without any pause is cut where it must be."""
    for span in spans:
        start = span.from_s
        while span.to_s - start > most_s:
            yield Span(from_s=start, to_s=start + most_s)
            start += most_s
        yield Span(from_s=start, to_s=span.to_s)


def _unit(
    number: int, group: list[Span], ended: float, begins: float, duration_s: float
) -> Unit:
    """A segment with a little silence about it.

    Of a short pause each of two neighbours gets half; *ended* is where the one before
    stopped to speak, and *begins* where the next one begins.
    """
    first, last = group[0].from_s, group[-1].to_s
    room_before = first - ended if number > 1 else 2 * first
    room_after = begins - last if begins < duration_s else 2 * (duration_s - last)
    return Unit(
        number=number,
        from_s=round(max(0.0, first - min(_PAD_S, room_before / 2)), 3),
        to_s=round(min(max(duration_s, last), last + min(_PAD_S, room_after / 2)), 3),
        speech=tuple(
            Span(from_s=round(one.from_s, 3), to_s=round(one.to_s, 3)) for one in group
        ),
    )
