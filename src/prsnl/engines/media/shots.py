"""The shots of a video and the best picture of each, in one pass over its pictures.

A cut is where a picture differs from the one before far more than its neighbours do
from theirs (the adaptive detector of PySceneDetect). A shot also ends where it has
slowly become another one: a dissolve, a pan.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from prsnl.core.errors import EmptyError
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
from prsnl.engines.media.contract import Shot, SpanShots
from prsnl.engines.media.likeness import likeness
from prsnl.engines.media.probe import film, rotation
from prsnl.engines.media.sampling import Glance, glance, sharpness
from prsnl.engines.media.threads import share_out

#: A cut changes a picture by so much at least, of 255; less where all else stands
#: still, as on slides ...
_CUT_MIN: Final = 12.0
_STILL_CUT_MIN: Final = 3.0
#: What changes less, of 255, stands still.
_STANDS: Final = 0.8
#: ... and so many times as much as its neighbours change.
_CUT_RATIO: Final = 3.0
#: Neighbours on each side.
_BESIDE: Final = 2
#: What has become so different without a cut is another shot, too.
_DRIFT: Final = 28.0
#: A pan becomes another picture all the time: so often that counts, in seconds.
_DRIFT_MIN_S: Final = 5.0
#: What changes faster is not looked at closely: it is blurred, or half of two shots.
_STILL: Final = 10.0
#: A shot is at least so long, in seconds; a flash is none.
_SHOT_MIN_S: Final = 0.3
#: How often the picture is weighed against the best so far, in seconds.
_WEIGHED_EVERY_S: Final = 0.4
#: The parent hears at least so often that there is progress, in seconds.
_TICK_S: Final = 2.0
_ASPECT_MIN: Final = 0.25
#: So many pictures in a row at nearly one time are no film.
_CROWD_MAX: Final = 20_000
_WIDTH: Final = 1920
_QUALITY: Final = 85
_QUARTERS: Final = {90: 4, 180: 3, 270: 2}


def shots(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `SpanShots` for each of `spans`, and `{"tick": pictures}` in between.

    `spans` are pairs of seconds in the order of time: each is looked at on its own, so
    that what is seen in it does not depend on what was looked at before. With
    `key_pictures_only` what the encoder has marked is decoded alone: quick, and a cut
    between two marks is seen at the later one.

    Raises:
        EmptyError: The recording shows nothing.
    """
    spans = [(float(start), float(end)) for start, end in params["spans"]]
    with opened(files.inputs / params["path"], params.get("kind")) as container:
        stream = film(container)
        if stream is None:
            raise EmptyError("The recording shows nothing: it has sound alone.")
        if params.get("key_pictures_only"):
            stream.codec_context.skip_frame = "NONKEY"
        painter = _Painter(
            files.outputs,
            int(params.get("width") or _WIDTH),
            _aspect(stream.sample_aspect_ratio),
        )
        if spans and spans[0][0] > 0:
            seek(container, spans[0][0])
        looked = _Pictures(container, stream)
        yield from _spans(looked, spans, painter)


def _spans(
    looked: _Pictures, spans: Sequence[tuple[float, float]], painter: _Painter
) -> Iterator[JsonObject]:
    ticked_at = time.monotonic()
    pictures = iter(looked)
    held = next(pictures, None)
    for number, (start, end) in enumerate(spans):
        scan = _Scan(number, start, end, painter)
        while held is not None and held[0] < end:
            if held[0] >= start:
                scan.see(*held)
            if time.monotonic() - ticked_at >= _TICK_S:
                ticked_at = time.monotonic()
                yield {"tick": looked.count}
            held = next(pictures, None)
        yield scan.told(looked.damage.bad_packets).model_dump(mode="json")


@dataclass
class _Pictures:
    """The pictures of a track with their times; what stands still is refused."""

    container: Any
    stream: Any
    damage: Damage = field(default_factory=Damage)
    count: int = 0

    def __iter__(self) -> Iterator[tuple[float, Any]]:
        begin_s = start_s(self.container)
        rate = float(self.stream.average_rate or self.stream.guessed_rate or 25)
        at_s, crowd = 0.0, 0
        for frame in self._frames():
            self.count += 1
            before_s = at_s
            at_s = before_s + 1 / rate if frame.time is None else frame.time - begin_s
            crowd = crowd + 1 if at_s - before_s < 1 / limits.FRAME_RATE_MAX else 0
            if crowd > _CROWD_MAX:
                self.damage.broke_off = True
                return
            if frame.width * frame.height <= limits.PIXELS_MAX:
                yield at_s, frame

    def _frames(self) -> Iterator[Any]:
        read = packets(self.container, self.stream, self.damage)
        first = next(read, None)
        if first is not None:
            share_out(self.stream, first)
            yield from frames(chain([first], read), self.damage)


def _aspect(told: Any) -> float:
    """How much wider than high one pixel is shown; wild values are mistakes."""
    return float(told) if told and _ASPECT_MIN < told < 1 / _ASPECT_MIN else 1.0


@dataclass
class _Weighed:
    """A picture that may stand for its shot."""

    at_s: float
    frame: Any
    sharpness: float
    is_blank: bool
    #: Not in motion, and not where the shot begins.
    is_calm: bool

    @property
    def worth(self) -> tuple[bool, float]:
        return not self.is_blank, self.sharpness * (1.0 if self.is_calm else 0.4)


@dataclass
class _Open:
    """The shot that is being looked at."""

    start_s: float
    is_cut: bool
    best: _Weighed | None = None
    glance: Glance | None = None

    def weigh(self, told: _Weighed, seen: Glance) -> None:
        if self.best is None or told.worth > self.best.worth:
            self.best = told
        if self.glance is None or not told.is_blank:
            self.glance = seen


class _Scan:
    """One span: its pictures come in the order of time, its shots go out."""

    def __init__(
        self, number: int, start: float, end: float, painter: _Painter
    ) -> None:
        self._number = number
        self._end_s = end
        self._painter = painter
        self._shots: list[Shot] = []
        self._open: _Open | None = None
        self._last: Glance | None = None
        #: The newest changes, each with the time of its picture.
        self._changes: deque[tuple[float, float]] = deque(maxlen=2 * _BESIDE + 1)
        #: Weighed, but a cut may still prove to lie before it.
        self._pending: tuple[_Weighed, Glance] | None = None
        self._weigh_at_s = start
        self._pictures = 0
        self._seen_to_s = start
        self._left_out = 0

    def see(self, at_s: float, frame: Any) -> None:
        seen = glance(frame)
        change = 0.0 if self._last is None else self._last.change(seen)
        if self._last is not None and self._last.luma.shape != seen.luma.shape:
            self._changes.clear()
        self._last = seen
        self._pictures += 1
        self._seen_to_s = at_s
        if self._open is None:
            self._open = _Open(at_s, is_cut=False)
        self._changes.append((at_s, change))
        if (cut_s := self._cut()) is not None:
            self._end_shot(cut_s, is_cut=True)
        if at_s >= self._weigh_at_s:
            self._weigh_at_s = at_s + _WEIGHED_EVERY_S
            self._weigh(at_s, frame, seen, change)

    def told(self, bad_packets: int) -> SpanShots:
        self._promote()
        if self._open is not None:
            self._finish(self._seen_to_s)
        warnings = []
        if self._left_out:
            warnings.append(
                f"Of the cuts between {self._shots[0].start_s:.0f} s and "
                f"{self._seen_to_s:.0f} s, {self._left_out} are left out: there are "
                "too many."
            )
        return SpanShots(
            number=self._number,
            shots=tuple(self._shots),
            pictures=self._pictures,
            bad_packets=bad_packets,
            seen_to_s=self._seen_to_s,
            warnings=tuple(warnings),
        )

    def _cut(self) -> float | None:
        """Where a cut was, two pictures ago; None if there was none."""
        if len(self._changes) < self._changes.maxlen:  # type: ignore[operator]
            return None
        at_s, change = self._changes[_BESIDE]
        beside = (sum(one for _, one in self._changes) - change) / (2 * _BESIDE)
        if change < (_STILL_CUT_MIN if beside < _STANDS else _CUT_MIN):
            return None
        assert self._open is not None
        is_first = at_s - self._open.start_s < _SHOT_MIN_S
        return None if change < _CUT_RATIO * beside or is_first else at_s

    def _weigh(self, at_s: float, frame: Any, seen: Glance, change: float) -> None:
        self._promote()
        opened = self._open
        assert opened is not None
        if (
            opened.glance is not None
            and change < _STILL
            and at_s - opened.start_s >= _DRIFT_MIN_S
            and opened.glance.change(seen) > _DRIFT
        ):
            opened = self._end_shot(at_s, is_cut=False)
        is_calm = change < _STILL and at_s - opened.start_s >= _SHOT_MIN_S / 2
        told = _Weighed(at_s, frame, sharpness(frame), seen.is_blank, is_calm)
        self._pending = (told, seen)

    def _promote(self) -> None:
        if self._pending is not None and self._open is not None:
            self._open.weigh(*self._pending)
        self._pending = None

    def _end_shot(self, at_s: float, *, is_cut: bool) -> _Open:
        kept = self._pending
        if kept is not None and kept[0].at_s >= at_s:
            self._pending = None
        else:
            kept = None
        self._promote()
        self._finish(at_s)
        self._open = _Open(at_s, is_cut)
        self._pending = kept
        if kept is None:
            self._weigh_at_s = at_s
        return self._open

    def _finish(self, end_s: float) -> None:
        shot = self._open
        if shot is None or shot.best is None:
            return
        if len(self._shots) >= limits.SHOTS_MAX:
            self._left_out += 1
            return
        self._shots.append(
            self._painter.painted(shot, end_s, f"{self._number}-{len(self._shots)}.jpg")
        )


@dataclass
class _Painter:
    """Writes pictures as they are shown: upright, in their shape, not too large."""

    folder: Path
    width_max: int
    #: How much wider than high one pixel is shown.
    aspect: float = 1.0

    def painted(self, shot: _Open, end_s: float, name: str) -> Shot:
        best = shot.best
        assert best is not None
        picture = self._picture(best.frame)
        picture.save(self.folder / name, "JPEG", quality=_QUALITY)
        return Shot(
            start_s=shot.start_s,
            end_s=end_s,
            is_cut=shot.is_cut,
            time_s=best.at_s,
            file_name=name,
            width=picture.width,
            height=picture.height,
            sharpness=best.sharpness,
            is_blank=best.is_blank,
            likeness=likeness(picture),
        )

    def _picture(self, frame: Any) -> Any:
        width, height = frame.width * self.aspect, float(frame.height)
        shrink = max(1.0, max(width, height) / self.width_max)
        size = max(1, round(width / shrink)), max(1, round(height / shrink))
        picture = frame.to_image(width=size[0], height=size[1])
        turned = _QUARTERS.get(rotation(frame))
        return picture if turned is None else picture.transpose(turned)
