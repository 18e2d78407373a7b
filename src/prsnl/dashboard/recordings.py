"""A recording on its page: what is said and when, its parts, its key frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.dashboard.marking import Span, rendered, signed
from prsnl.dashboard.texts import found_in
from prsnl.items import media_store, transcripts
from prsnl.items.models import AttachmentView, FrameView
from prsnl.items.transcripts import SegmentView, TranscriptView
from prsnl.media_processing import captions

#: So many segments stand on one page of ours: about an hour.
SEGMENTS_SHOWN: Final = 120
_FRAMES_SHOWN: Final = 60
#: A word of which its engine is less sure is marked.
_SURE: Final = 0.5


@dataclass(frozen=True)
class Word:
    """A word that a click plays."""

    text: Markup
    from_s: float | None
    is_doubted: bool


@dataclass(frozen=True)
class Line:
    """What one voice says in one go."""

    from_s: float
    to_s: float
    clock: str
    #: Told where it changes.
    speaker: str | None
    words: list[Word]


@dataclass(frozen=True)
class ShownSegment:
    """One segment of the ledger."""

    number: int
    from_s: float
    to_s: float
    clock: str
    lines: list[Line]
    #: In place of lines, what there is to say.
    remark: str | None
    error: str | None


@dataclass(frozen=True)
class ShownChapter:
    """A part of the recording."""

    from_s: float
    clock: str
    title: str
    #: The segment that it begins in, and the page of ours that shows that one.
    segment: int


@dataclass(frozen=True)
class ShownFrame:
    """A key frame."""

    number: int
    time_s: float
    clock: str
    text: str
    segment: int


@dataclass(frozen=True)
class Recording:
    """A recording as its page shows it."""

    is_video: bool
    media_type: str
    duration_s: float | None
    #: Where the player begins.
    at_s: float
    transcript: TranscriptView | None
    banner: str | None
    segments: list[ShownSegment]
    #: The first segment of the pages of ours before and after.
    previous: int | None
    next: int | None
    chapters: list[ShownChapter]
    #: "file" or "speech".
    chapters_from: str | None
    frames: list[ShownFrame]
    #: So many more frames than are shown.
    frames_left: int
    what: list[str]

    @property
    def has_doubts(self) -> bool:
        """Whether a word that is shown is marked as doubtful."""
        lines = (line for segment in self.segments for line in segment.lines)
        return any(word.is_doubted for line in lines for word in line.words)

    @property
    def is_all(self) -> bool:
        """Whether nothing of what is said is left out."""
        return self.previous is None and self.next is None


def is_recording(file: AttachmentView) -> bool:
    """Whether a file is heard or watched rather than read."""
    if file.media is not None:
        return True
    return (file.mime_type or "").partition("/")[0] in ("audio", "video")


def recording(
    connection: Db,
    file: AttachmentView,
    *,
    owner: str,
    number: int,
    at_s: float,
    q: str = "",
) -> Recording:
    """What is known of a recording, from about segment *number* on."""
    told, segments = _transcript(connection, file.id, owner)
    first = _first(number, len(segments))
    shown = segments[first : first + SEGMENTS_SHOWN]
    marks = found_in(connection, [one.text for one in shown], q, owner=owner)
    frames = media_store.frames(connection, file.id, owner=owner)
    media = file.media or {}
    starts = [one.from_s for one in segments]
    following = first + SEGMENTS_SHOWN
    return Recording(
        is_video=bool(media.get("video")),
        media_type=file.mime_type or "",
        duration_s=media.get("duration_s"),
        at_s=at_s,
        transcript=told,
        banner=captions.banner_of(told.quality) if told and _has_words(shown) else None,
        segments=_segments(shown, marks),
        previous=first - SEGMENTS_SHOWN + 1 if first else None,
        next=following + 1 if following < len(segments) else None,
        chapters=[
            ShownChapter(
                from_s=float(one["start_s"]),
                clock=captions.clock(float(one["start_s"])),
                title=one.get("title") or f"Part {place}",
                segment=_segment_at(starts, float(one["start_s"])),
            )
            for place, one in enumerate(media.get("chapters") or (), start=1)
        ],
        chapters_from=media.get("chapters_from"),
        frames=[_frame(one, starts) for one in frames[:_FRAMES_SHOWN]],
        frames_left=max(0, len(frames) - _FRAMES_SHOWN),
        what=_what(media),
    )


def _transcript(
    connection: Db, attachment_id: UUID, owner: str
) -> tuple[TranscriptView | None, list[SegmentView]]:
    try:
        told = transcripts.transcript(connection, attachment_id, owner=owner)
    except NotFoundError:
        return None, []
    return told, transcripts.segments(connection, attachment_id, owner=owner)


def _first(number: int, count: int) -> int:
    wanted = min(max(number, 1), max(count, 1)) - 1
    return wanted // SEGMENTS_SHOWN * SEGMENTS_SHOWN


def _has_words(segments: Sequence[SegmentView]) -> bool:
    return any(one.text for one in segments)


def _segments(
    shown: Sequence[SegmentView], marks: Sequence[Sequence[Span]]
) -> list[ShownSegment]:
    made = []
    speaker: str | None = None
    for one, found in zip(shown, marks, strict=True):
        lines = _lines(one, found, speaker)
        told = [phrase.get("speaker") for phrase in one.phrases]
        speaker = told[-1] if told else speaker
        made.append(
            ShownSegment(
                number=one.number,
                from_s=one.from_s,
                to_s=one.to_s,
                clock=captions.clock(one.from_s),
                lines=lines,
                remark=None if lines else _remark(one),
                error=one.error,
            )
        )
    return made


def _remark(segment: SegmentView) -> str:
    if segment.status == "not_transcribed":
        return "Speech in a language that the engine here does not know."
    return "Nothing was understood here."


def _lines(
    segment: SegmentView, found: Sequence[Span], speaker: str | None
) -> list[Line]:
    """The phrases of a segment; where what was looked for stands in one, it is marked.

    The text of a segment is its phrases, joined by a blank.
    """
    made, place = [], 0
    for phrase in segment.phrases:
        text = str(phrase["text"])
        here = [
            Span(max(0, one.start - place), one.end - place)
            for one in found
            if one.end > place and one.start < place + len(text)
        ]
        from_s = float(phrase["from_s"])
        voice = phrase.get("speaker")
        made.append(
            Line(
                from_s=from_s,
                to_s=float(phrase["to_s"]),
                clock=captions.clock(from_s),
                speaker=voice if voice != speaker else None,
                words=_words(text, phrase.get("words") or (), here),
            )
        )
        speaker = voice
        place += len(text) + 1
    return made


def _words(
    text: str, words: Sequence[dict[str, Any]], found: Sequence[Span]
) -> list[Word]:
    """The words with their times; the whole text where these do not fit it."""
    if not words or " ".join(str(one["text"]) for one in words) != text:
        return [Word(rendered(signed(text, found)), None, is_doubted=False)]
    made, place = [], 0
    for one in words:
        word = str(one["text"])
        is_found = any(
            span.start < place + len(word) and span.end > place for span in found
        )
        spans = [Span(0, len(word))] if is_found and word else []
        sure = one.get("confidence")
        made.append(
            Word(
                rendered(signed(word, spans)),
                float(one["from_s"]),
                is_doubted=sure is not None and float(sure) < _SURE,
            )
        )
        place += len(word) + 1
    return made


def _frame(frame: FrameView, starts: Sequence[float]) -> ShownFrame:
    return ShownFrame(
        number=frame.number,
        time_s=frame.time_s,
        clock=captions.clock(frame.time_s),
        text=(frame.text or "").strip(),
        segment=_segment_at(starts, frame.time_s),
    )


def _segment_at(starts: Sequence[float], at_s: float) -> int:
    """The number of the segment that is heard at a time, or was heard last."""
    return max(1, sum(1 for start in starts if start <= at_s))


def segment_clock(number: int, shown: Recording) -> str:
    """When a segment begins, for the eye."""
    found = next((one for one in shown.segments if one.number == number), None)
    return found.clock if found else f"part {number}"


def _what(media: dict[str, Any]) -> list[str]:
    """What the recording is, in a few words."""
    told = []
    if duration := media.get("duration_s"):
        told.append(captions.clock(float(duration)))
    if video := media.get("video"):
        told.append(f"{video['width']} x {video['height']}")
        if rate := video.get("frame_rate"):
            told.append(f"{float(rate):g} pictures a second")
    for sound in (media.get("audio") or ())[:1]:
        channels = {1: "mono", 2: "stereo"}.get(sound.get("channels"), "sound")
        told.append(channels)
    return told
