"""One recording in a sandbox child: what it is, its cover, its shots."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import ChildCrashedError, TimeLimitError
from prsnl.engines.contracts import Picture
from prsnl.engines.media.contract import ChosenShots, MediaInfo, Shot, SpanShots
from prsnl.engines.media.limits import DURATION_MAX_S
from prsnl.media_processing.attending import INPUT, Attending

THUMBNAIL_WIDTH: Final = 320
_PICTURE: Final = "picture"
#: A video is looked through in spans of so many seconds; each is kept on its own.
SPAN_S: Final = 30.0
#: A span may take so many times what one answer may.
_SPAN_LIMIT: Final = 20
#: A child is replaced after so many spans: what a decoder keeps goes with it.
_SPANS_A_CHILD: Final = 120
#: To look at the pictures of a longer or larger film takes a machine hours; then only
#: those are looked at that its encoder has marked.
_PIXELS_MAX: Final = 400e9
_USUAL_RATE: Final = 25.0
_PICTURE_BYTES: Final = 8 * 2**20
#: A header may name less than there is: the last span is so many times as long.
_BEYOND: Final = 10


@dataclass
class Viewing(Attending):
    """What a child tells of one recording: what it is, its cover, its shots."""

    profile = "media"

    def probe(self) -> MediaInfo:
        """What the recording says of itself."""
        told = self._open().call(
            "media.probe", {"path": INPUT}, timeout_s=self.answer_timeout_s
        )
        return MediaInfo.model_validate(told)

    def cover(self, info: MediaInfo, *, width: int) -> bytes | None:
        """The picture that comes with the sound, as JPEG; None without one."""
        frames = self._open().stream(
            "media.cover",
            {"path": INPUT, "kind": info.kind, "width": width},
            unit_timeout_s=self.answer_timeout_s,
        )
        pictures = [Picture.model_validate(frame) for frame in frames]
        return self._taken(pictures[0].file_name) if pictures else None

    def shots(
        self, info: MediaInfo, wanted: Sequence[int]
    ) -> Iterator[tuple[int, SpanShots, list[bytes]]]:
        """The shots of some spans, each with their pictures, one span after another."""
        for start in range(0, len(wanted), _SPANS_A_CHILD):
            part = wanted[start : start + _SPANS_A_CHILD]
            yield from self._shots(info, part)
            self.close()

    def choose(self, shots: Sequence[Shot], count: int) -> ChosenShots:
        """Those that are worth showing."""
        told = self._open().call(
            "media.choose",
            {"shots": [shot.model_dump(mode="json") for shot in shots], "count": count},
            timeout_s=self.answer_timeout_s,
        )
        return ChosenShots.model_validate(told)

    def thumbnail(self, name: str, *, width: int) -> bytes | None:
        """A picture of the storage, made smaller."""
        child = self._open()
        self.storage.fetch(name, child.put(_PICTURE))
        frames = child.stream(
            "document.thumbnail",
            {"path": _PICTURE, "kind": "jpeg", "width": width},
            unit_timeout_s=self.answer_timeout_s,
        )
        pictures = [Picture.model_validate(frame) for frame in frames]
        return self._taken(pictures[0].file_name) if pictures else None

    def _shots(
        self, info: MediaInfo, wanted: Sequence[int]
    ) -> Iterator[tuple[int, SpanShots, list[bytes]]]:
        frames = self._open().stream(
            "media.shots",
            {
                "path": INPUT,
                "kind": info.kind,
                "spans": [span(info, number) for number in wanted],
                "key_pictures_only": is_long(info),
            },
            unit_timeout_s=self.answer_timeout_s,
        )
        left = list(wanted)
        began = time.monotonic()
        for frame in frames:
            self.run.check()
            if "tick" in frame:
                if time.monotonic() - began > _SPAN_LIMIT * self.answer_timeout_s:
                    raise TimeLimitError(_too_slow(left[0] if left else 0))
                continue
            began = time.monotonic()
            seen = SpanShots.model_validate(frame)
            if not left or seen.number != len(wanted) - len(left):
                break
            pictures = [self._taken(shot.file_name) for shot in seen.shots]
            yield left.pop(0), seen, pictures
        if left:
            raise ChildCrashedError(
                f"The decoder ended without {len(left)} of {len(wanted)} parts of the "
                "video."
            )

    def _taken(self, name: str) -> bytes:
        assert self._child is not None
        return self._child.output(name, max_bytes=_PICTURE_BYTES).read_bytes()


def _too_slow(number: int) -> str:
    start_s = max(0, number - 1) * SPAN_S
    return (
        f"To look through {SPAN_S:.0f} s of the video from {start_s:.0f} s on took too "
        "long. Save it smaller, or raise PRSNL_CHILD_UNIT_TIMEOUT_S."
    )


def spans(info: MediaInfo) -> range:
    """The numbers of the spans that a video is looked through in, from 1."""
    return range(1, max(1, -int(-(info.duration_s or 0.0) // SPAN_S)) + 1)


def span(info: MediaInfo, number: int) -> tuple[float, float]:
    """Where a span begins and ends; the last one takes what there is beyond."""
    start = (number - 1) * SPAN_S
    if info.duration_s is None:
        return start, DURATION_MAX_S
    is_last = number == len(spans(info))
    return start, start + SPAN_S * (_BEYOND if is_last else 1)


def is_long(info: MediaInfo) -> bool:
    """Whether there is too much of a video to look at each of its pictures."""
    video = info.video
    if video is None:
        return False
    pictures = (info.duration_s or 0.0) * (video.frame_rate or _USUAL_RATE)
    return pictures * video.width * video.height > _PIXELS_MAX
