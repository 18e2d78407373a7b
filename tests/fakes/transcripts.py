"""A transcript in the tables, without a recording or an engine."""

from __future__ import annotations

from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.speech.contract import (
    Phrase,
    Quality,
    Segment,
    SegmentStatus,
    Unit,
)
from prsnl.items import transcripts


def keep(connection: Db, attachment_id: UUID, said: str) -> None:
    """Have a file say one phrase, in its first second."""
    unit = Unit(number=1, from_s=0, to_s=1)
    segment = Segment(
        number=1,
        from_s=0,
        to_s=1,
        status=SegmentStatus.OK,
        phrases=(Phrase(from_s=0, to_s=1, text=said),),
        engine="test",
        quality=Quality.FULL,
        milliseconds=1,
    )
    connection.execute(
        "insert into transcripts (attachment_id, duration_s, speech_s, segments, "
        "quality) values (%s, 1, 1, 1, 'full')",
        [attachment_id],
    )
    transcripts.save_segments(connection, attachment_id, [segment], {1: unit})
