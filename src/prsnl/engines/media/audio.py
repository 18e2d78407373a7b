"""The sound of a recording as numbers, piece by piece; never the whole in memory."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av.error
import numpy as np
from av.audio.resampler import AudioResampler

from prsnl.core.errors import BadRequestError, CorruptError, EmptyError
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.media import limits
from prsnl.engines.media.container import (
    Damage,
    frames,
    opened,
    packets,
    seek,
    start_s,
)
from prsnl.engines.media.contract import SPEECH_RATE, AudioPiece, Heard

Samples = np.ndarray[Any, np.dtype[np.int16]]

#: Decoders hear a little before the wanted place, to be right at it.
_RUN_UP_S: Final = 1.0
#: Clocks of packets waver; more than this is a hole or a jump.
_JITTER_S: Final = 0.08
#: A piece in a file of its own, unless another length is asked for.
_PIECE_S: Final = 600.0


@dataclass
class Listening:
    """What was met while sound was decoded; whole when its stream has ended."""

    damage: Damage = field(default_factory=Damage)
    silence_s: float = 0.0
    #: Up to where there was sound, in seconds of the recording.
    decoded_to_s: float = 0.0
    #: The recording gave no more, though more was wanted.
    ended: bool = False


def pcm(
    path: Path,
    kind: str | None = None,
    *,
    track: int = 0,
    channel: int | None = None,
    from_s: float = 0.0,
    to_s: float | None = None,
    listening: Listening | None = None,
) -> Iterator[Samples]:
    """One track's sound from a time on, as 16 bits at `SPEECH_RATE`.

    The arrays follow one another without a hole: the first sample stands at `from_s`
    and each next one `1 / SPEECH_RATE` seconds later. Where packets are missing or
    damaged there is silence, so that times stay true.

    Args:
        path: The recording, in a sandbox child.
        kind: As told before; without it the first bytes tell.
        track: Which of its tracks of sound, from 0.
        channel: Which channel alone, from 0; None for all of them together.
        from_s: Where to begin, in seconds.
        to_s: Where to end; None for the end of the recording.
        listening: Is told what was met.

    Raises:
        BadRequestError: There is no such track or channel.
        EmptyError: The recording has no sound.
        CorruptError: Its sound cannot be decoded at all.
    """
    met = listening or Listening()
    with opened(path, kind) as container:
        stream = _track(container, track, channel)
        if from_s > 0:
            seek(container, max(0.0, from_s - _RUN_UP_S))
        promised_s = (container.duration or 0) / 1_000_000
        timeline = _Timeline(
            from_s=from_s,
            to_s=min(to_s or limits.DURATION_MAX_S, limits.DURATION_MAX_S),
            latest_s=promised_s + limits.GAP_MAX_S,
            met=met,
        )
        begin_s = start_s(container)
        for at_s, samples in _resampled(container, stream, channel, met):
            yield from timeline.placed(
                None if at_s is None else at_s - begin_s, samples
            )
            if timeline.is_full:
                return
        met.ended = True


def audio(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield an `AudioPiece` for each piece of `piece_s` seconds, then the `Heard`.

    Each is written before it is told; the parent takes it away meanwhile.
    """
    piece_s = float(params.get("piece_s") or _PIECE_S)
    from_s = float(params.get("from_s") or 0.0)
    to_s = params.get("to_s")
    met = Listening()
    sound = pcm(
        files.inputs / params["path"],
        params.get("kind"),
        track=int(params.get("track") or 0),
        channel=params.get("channel"),
        from_s=from_s,
        to_s=None if to_s is None else float(to_s),
        listening=met,
    )
    at = from_s
    for number, samples in enumerate(_cut(sound, round(piece_s * SPEECH_RATE))):
        name = f"piece-{number}.wav"
        _write(files.outputs / name, samples)
        end = at + len(samples) / SPEECH_RATE
        yield AudioPiece(
            file_name=name, start_s=at, end_s=end, samples=len(samples)
        ).model_dump(mode="json")
        at = end
    yield heard(met).model_dump(mode="json")


def heard(met: Listening) -> Heard:
    """What was met, as another process is told it."""
    return Heard(
        decoded_to_s=met.decoded_to_s,
        bad_packets=met.damage.bad_packets,
        silence_s=met.silence_s,
        ended=met.ended,
    )


def _track(container: Any, track: int, channel: int | None) -> Any:
    streams = container.streams.audio
    if not streams:
        raise EmptyError("The recording has no sound.")
    if not 0 <= track < len(streams):
        raise BadRequestError(
            f"The recording has {len(streams)} tracks of sound, counted from 0: there "
            f"is no track {track}."
        )
    stream = streams[track]
    context = stream.codec_context
    if context is None:
        raise CorruptError("Nothing here reads sound of this recording's kind.")
    if channel is not None and not 0 <= channel < (context.channels or 0):
        raise BadRequestError(
            f"The sound has {context.channels} channels, counted from 0: there is no "
            f"channel {channel}."
        )
    if 0 < (context.sample_rate or 0) < limits.AUDIO_RATE_MIN:
        raise CorruptError(
            f"The recording says that its sound has {context.sample_rate} samples a "
            "second: no speech can be in that, and the header may be damaged."
        )
    return stream


def _resampled(
    container: Any, stream: Any, channel: int | None, met: Listening
) -> Iterator[tuple[float | None, Samples]]:
    """Where each frame stands on the file's clock, and its sound at `SPEECH_RATE`."""
    resampler, shape = None, None
    for frame in frames(packets(container, stream, met.damage), met.damage):
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != shape or resampler is None:
            resampler, shape = _resampler(frame, channel), found
        at_s = frame.time
        frame.pts = None
        try:
            parts = resampler.resample(frame)
        except MemoryError:
            raise
        except (av.error.FFmpegError, ValueError):
            met.damage.bad_packets += 1
            resampler = None
            continue
        for part in parts:
            yield at_s, _numbers(part, channel)
            at_s = None
    if resampler is not None:
        for part in resampler.resample(None):
            yield None, _numbers(part, channel)


def _resampler(frame: Any, channel: int | None) -> AudioResampler:
    layout = "mono" if channel is None else frame.layout.name
    kind = "s16" if channel is None else "s16p"
    return AudioResampler(format=kind, layout=layout, rate=SPEECH_RATE)


def _numbers(frame: Any, channel: int | None) -> Samples:
    rows = frame.to_ndarray()
    found: Samples = rows[0 if channel is None else min(channel, len(rows) - 1)]
    return found


@dataclass
class _Timeline:
    """Puts sound where it belongs: what is early is cut, a hole is silence."""

    from_s: float
    to_s: float
    #: What stands later than this is a clock that jumped.
    latest_s: float
    met: Listening
    #: Samples given so far.
    given: int = 0
    #: How far the file's clock is ahead of ours, since it last jumped.
    shift_s: float = 0.0
    _place_s: float | None = None

    @property
    def is_full(self) -> bool:
        return self.given >= self._wanted

    @property
    def _wanted(self) -> int:
        return round((self.to_s - self.from_s) * SPEECH_RATE)

    def placed(self, at_s: float | None, samples: Samples) -> Iterator[Samples]:
        """The part of some sound that is wanted, and the silence before it."""
        place_s = self._placed_s(at_s)
        self._place_s = place_s + len(samples) / SPEECH_RATE
        # A resampler keeps a few samples back: that is no hole.
        offset = round((place_s - self.from_s) * SPEECH_RATE) - self.given
        if abs(offset) <= _JITTER_S * SPEECH_RATE and self.given:
            offset = 0
        if offset > 0:
            yield from self._silence(offset)
        elif offset < 0:
            samples = samples[-offset:]
        samples = samples[: max(0, self._wanted - self.given)]
        if len(samples):
            self.given += len(samples)
            self.met.decoded_to_s = self.from_s + self.given / SPEECH_RATE
            yield samples

    def _placed_s(self, at_s: float | None) -> float:
        expected_s = self._place_s
        if at_s is None:
            return self.from_s if expected_s is None else expected_s
        place_s = at_s - self.shift_s
        if expected_s is None:
            return place_s if place_s <= self.latest_s else self.from_s
        ahead_s = place_s - expected_s
        if -_JITTER_S <= ahead_s <= limits.GAP_MAX_S and place_s <= self.latest_s:
            # Rounded clocks waver about the truth; followed, they would tear it.
            return place_s if ahead_s > _JITTER_S else expected_s + ahead_s / 8
        self.shift_s += ahead_s
        return expected_s

    def _silence(self, count: int) -> Iterator[Samples]:
        count = min(count, self._wanted - self.given)
        while count > 0:
            part = min(count, SPEECH_RATE)
            self.given += part
            self.met.silence_s += part / SPEECH_RATE
            count -= part
            yield np.zeros(part, dtype=np.int16)


def _cut(sound: Iterator[Samples], size: int) -> Iterator[Samples]:
    """The same sound in pieces of one size; the last may be shorter."""
    held: list[Samples] = []
    count = 0
    for samples in sound:
        held.append(samples)
        count += len(samples)
        while count >= size:
            joined = np.concatenate(held)
            yield joined[:size]
            held = [joined[size:]]
            count = len(held[0])
    if count:
        yield np.concatenate(held)


def _write(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
