"""A transcript on its way to its rows: segments, pages, and what is true of all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.contracts import PageStatus, PageText
from prsnl.engines.speech.contract import (
    NOT_TRANSCRIBED,
    Activity,
    Quality,
    Segment,
    SegmentStatus,
    Speakers,
    Unit,
)
from prsnl.items import store, transcripts
from prsnl.media_processing import captions
from prsnl.media_processing.assigning import Assigned
from prsnl.media_processing.chapters import Said
from prsnl.media_processing.video import Spoken
from prsnl.work.stages import DoneUnits

_PAGE_STATUS = {
    SegmentStatus.OK: PageStatus.OK,
    SegmentStatus.EMPTY: PageStatus.EMPTY,
    SegmentStatus.NOT_TRANSCRIBED: PageStatus.EMPTY,
    SegmentStatus.FAILED: PageStatus.FAILED,
}


@dataclass(frozen=True)
class Written:
    """All segments of a recording together."""

    segments: Mapping[int, Segment]
    quality: Quality | None
    engine: str | None
    language: str | None
    key: bytes

    @classmethod
    def of(cls, segments: Mapping[int, Segment]) -> Written:
        """What is true of some segments together."""
        told = segments.values()
        qualities = {one.quality for one in told}
        drafts = Quality.DRAFT in qualities
        seconds = Counter[str]()
        for one in told:
            if one.status is SegmentStatus.OK and one.language:
                seconds[one.language] += int(one.seconds * 1000)
        return cls(
            segments,
            (Quality.DRAFT if drafts else Quality.FULL) if qualities else None,
            ", ".join(dict.fromkeys(one.engine for one in told)) or None,
            seconds.most_common(1)[0][0] if seconds else None,
            fingerprint(segments),
        )

    @property
    def text(self) -> str:
        """What is said, as paragraphs."""
        return captions.plain(self.segments.values())

    def spoken(self) -> Spoken:
        """The same for the stages that are made from it."""
        pages = {number: page(one) for number, one in self.segments.items()}
        return Spoken(
            said=tuple(
                Said(phrase.from_s, phrase.to_s, phrase.text)
                for one in self.segments.values()
                for phrase in one.phrases
            ),
            key=self.key,
            pages=DoneUnits(pages, self.key),
            language=self.language,
            quality=str(self.quality or Quality.FULL),
            characters=sum(len(one.text) for one in self.segments.values()),
        )

    def named(self, assigned: Assigned) -> Written:
        """The same with speakers."""
        segments = {
            number: one.model_copy(update={"phrases": assigned[number][1]})
            if number in assigned
            else one
            for number, one in self.segments.items()
        }
        return Written(segments, self.quality, self.engine, self.language, self.key)


def page(segment: Segment) -> PageText:
    """A segment as a part of the file's text."""
    is_draft = segment.quality is Quality.DRAFT
    is_unknown = segment.status is SegmentStatus.NOT_TRANSCRIBED
    is_first = segment.number == 1 and not is_unknown
    banner = captions.DRAFT_BANNER if is_draft and is_first else None
    return PageText(
        number=segment.number,
        status=_PAGE_STATUS[segment.status],
        text=segment.text,
        markdown=captions.markdown(segment, banner=banner),
        engine=segment.engine,
        reason=NOT_TRANSCRIBED
        if is_unknown
        else ("speech, a draft" if is_draft else "speech"),
        confidence=segment.confidence,
        milliseconds=segment.milliseconds,
        error=segment.error,
        label=captions.clock(segment.from_s),
    )


def keep_segments(
    attachment_id: UUID,
    units: Mapping[int, Unit],
    run: int,
    connection: Db,
    made: Mapping[int, Segment],
) -> None:
    """Keep segments, and each as a page."""
    transcripts.save_segments(connection, attachment_id, made.values(), units, run=run)
    pages = [page(one) for one in made.values()]
    store.save_pages(connection, attachment_id, pages, run=run)


def keep_whole(
    connection: Db, attachment_id: UUID, written: Written, *, forgets_speakers: bool
) -> None:
    """Keep what is true of all segments; from here on the file has its text."""
    transcripts.save_whole(
        connection,
        attachment_id,
        quality=written.quality,
        engine=written.engine,
        language=written.language,
        forgets_speakers=forgets_speakers,
    )
    store.save_text(connection, attachment_id, written.text)


def keep_speakers(
    attachment_id: UUID,
    written: Written,
    told: Speakers,
    assigned: Assigned,
    connection: Db,
) -> None:
    """Keep who speaks, in the segments and in the text."""
    transcripts.save_speakers(connection, attachment_id, told, assigned)
    named = written.named(assigned)
    pages = [page(named.segments[number]) for number in assigned]
    for one in pages:
        connection.execute(
            "update attachment_pages set markdown = %s "
            "where attachment_id = %s and number = %s",
            [one.markdown, attachment_id, one.number],
        )
    store.save_text(connection, attachment_id, named.text)


def fingerprint(segments: Mapping[int, Segment]) -> bytes:
    """A hash of what was heard: what builds on it is done anew if it differs."""
    told = [
        one.model_dump(mode="json", exclude={"milliseconds"})
        for one in segments.values()
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def fingerprint_of(activity: Activity) -> bytes:
    """A hash of the segments' places."""
    told = [unit.model_dump(mode="json") for unit in activity.units]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def in_order(values: Mapping[int, Segment]) -> dict[int, Segment]:
    """Segments by number."""
    return dict(sorted(values.items()))


def missing(units: Sequence[Unit], done: Mapping[int, Segment]) -> list[Unit]:
    """Those that nobody has heard yet."""
    return [unit for unit in units if unit.number not in done]
