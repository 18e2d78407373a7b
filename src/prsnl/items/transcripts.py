"""The transcript of a file: the ledger of its segments, and what is true of them all.

What is saved belongs to a file whose owner the task has proved before, and is saved in
the transaction of a stage; what is read carries the owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.speech.contract import Activity, Phrase, Segment, Speakers, Unit
from prsnl.items import store
from prsnl.items.models import View

_SEGMENTS: Final = """
select number, from_s, to_s, channel, status, text, phrases, speaker, confidence,
       engine, quality, language, language_confidence, milliseconds, error, run
from transcript_segments
"""


class SegmentView(View):
    """One segment of a transcript: its row in the ledger."""

    number: int
    from_s: float
    to_s: float
    #: Which channel is heard alone, from 0; None for all of them together.
    channel: int | None
    #: "ok", "empty", "not_transcribed" or "failed".
    status: str
    text: str
    #: What one voice says in one go, with times, words and speaker.
    phrases: list[dict[str, Any]]
    speaker: str | None
    confidence: float | None
    engine: str
    #: "draft" or "full".
    quality: str
    language: str | None
    language_confidence: float | None
    milliseconds: float
    error: str | None
    #: How often the user has had it done again.
    run: int


class TranscriptView(View):
    """What is true of a transcript as a whole."""

    attachment_id: UUID
    duration_s: float
    #: How much of it is speech.
    speech_s: float
    #: How many segments there are to transcribe.
    segments: int
    #: "draft", "full", or None where nobody speaks.
    quality: str | None
    engine: str | None
    language: str | None
    #: In the order in which they are first heard; None until they were told apart.
    speakers: list[str] | None
    updated_at: datetime


def save_activity(connection: Db, attachment_id: UUID, found: Activity) -> None:
    """Keep where somebody speaks; segments that are not among these go."""
    connection.execute(
        """
        insert into transcripts (attachment_id, duration_s, speech_s, segments)
        values (%(id)s, %(duration)s, %(speech)s, %(segments)s)
        on conflict (attachment_id) do update
        set duration_s = excluded.duration_s, speech_s = excluded.speech_s,
            segments = excluded.segments, updated_at = now()
        """,
        {
            "id": attachment_id,
            "duration": found.duration_s,
            "speech": found.speech_s,
            "segments": len(found.units),
        },
    )
    for table in ("transcript_segments", "attachment_pages"):
        connection.execute(
            f"delete from {table} where attachment_id = %s and number > %s",
            [attachment_id, len(found.units)],
        )
    connection.execute(
        "update attachments set page_count = %s where id = %s",
        [len(found.units), attachment_id],
    )


def save_segments(
    connection: Db,
    attachment_id: UUID,
    made: Iterable[Segment],
    units: Mapping[int, Unit],
    *,
    run: int = 0,
) -> None:
    """Keep segments; one that was transcribed again takes the old one's place."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into transcript_segments (attachment_id, number, from_s, to_s,
                channel, status, text, phrases, confidence, engine, quality, language,
                language_confidence, milliseconds, error, run)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (attachment_id, number) do update set
                from_s = excluded.from_s, to_s = excluded.to_s,
                channel = excluded.channel, status = excluded.status,
                text = excluded.text, phrases = excluded.phrases, speaker = null,
                confidence = excluded.confidence, engine = excluded.engine,
                quality = excluded.quality, language = excluded.language,
                language_confidence = excluded.language_confidence,
                milliseconds = excluded.milliseconds, error = excluded.error,
                run = excluded.run
            """,
            [
                [
                    attachment_id,
                    one.number,
                    one.from_s,
                    one.to_s,
                    units[one.number].channel,
                    str(one.status),
                    one.text,
                    _phrases(one.phrases),
                    one.confidence,
                    one.engine,
                    str(one.quality),
                    one.language,
                    one.language_confidence,
                    one.milliseconds,
                    one.error,
                    run,
                ]
                for one in made
            ],
        )


def save_whole(
    connection: Db,
    attachment_id: UUID,
    *,
    quality: str | None,
    engine: str | None,
    language: str | None,
    forgets_speakers: bool,
) -> None:
    """Keep what is true of all segments together."""
    connection.execute(
        """
        update transcripts
        set quality = %(quality)s, engine = %(engine)s, language = %(language)s,
            speakers = case when %(forgets)s then null else speakers end,
            turns = case when %(forgets)s then null else turns end, updated_at = now()
        where attachment_id = %(id)s
        """,
        {
            "id": attachment_id,
            "quality": quality,
            "engine": engine,
            "language": language,
            "forgets": forgets_speakers,
        },
    )
    connection.execute(
        "update items set language = coalesce(%s, language) where id = "
        "(select item_id from attachments where id = %s) "
        "and not 'language' = any(user_fields)",
        [language, attachment_id],
    )


def save_speakers(
    connection: Db,
    attachment_id: UUID,
    told: Speakers,
    spoken: Mapping[int, tuple[str | None, Sequence[Phrase]]],
) -> None:
    """Keep who speaks; the words stay as they are.

    Args:
        connection: In the transaction of a stage.
        attachment_id: The file.
        told: Who speaks when.
        spoken: By segment: who says most of it, and its phrases by speaker.
    """
    connection.execute(
        "update transcripts set speakers = %s, turns = %s, updated_at = now() "
        "where attachment_id = %s",
        [
            Jsonb(list(told.names)),
            Jsonb([turn.model_dump(mode="json") for turn in told.turns]),
            attachment_id,
        ],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "update transcript_segments set speaker = %s, phrases = %s "
            "where attachment_id = %s and number = %s",
            [
                [speaker, _phrases(phrases), attachment_id, number]
                for number, (speaker, phrases) in spoken.items()
            ],
        )


def read_segments(connection: Db, attachment_id: UUID) -> dict[int, Segment]:
    """The segments of a file as they were transcribed, by number, in order."""
    rows = connection.execute(
        f"{_SEGMENTS} where attachment_id = %s order by number", [attachment_id]
    ).fetchall()
    names = set(Segment.model_fields)
    return {
        row["number"]: Segment.model_validate(
            {name: value for name, value in row.items() if name in names}
        )
        for row in rows
    }


def newest_run(connection: Db, attachment_id: UUID) -> int:
    """How often segments of a file were done again."""
    row = connection.execute(
        "select coalesce(max(run), 0) as run from transcript_segments "
        "where attachment_id = %s",
        [attachment_id],
    ).fetchone()
    return int(row["run"]) if row else 0


def transcript(connection: Db, attachment_id: UUID, *, owner: str) -> TranscriptView:
    """What is true of a file's transcript.

    Raises:
        NotFoundError: No such file of this owner, or it has no transcript.
    """
    store.attachment(connection, attachment_id, owner=owner)
    row = connection.execute(
        "select attachment_id, duration_s, speech_s, segments, quality, engine, "
        "language, speakers, updated_at from transcripts where attachment_id = %s",
        [attachment_id],
    ).fetchone()
    if row is None:
        raise NotFoundError(
            "There is no transcript of this file: process it, or transcribe it."
        )
    return TranscriptView(**row)


def segments(connection: Db, attachment_id: UUID, *, owner: str) -> list[SegmentView]:
    """The ledger of a file's segments, in the order of time.

    Raises:
        NotFoundError: No such file of this owner.
    """
    store.attachment(connection, attachment_id, owner=owner)
    rows = connection.execute(
        f"{_SEGMENTS} where attachment_id = %s order by number", [attachment_id]
    ).fetchall()
    return [SegmentView(**row) for row in rows]


def drafts(connection: Db, *, owner: str) -> list[tuple[UUID, float]]:
    """The files of an owner whose transcript is a draft, and their seconds of speech.

    Those that a task works on already are left out, and so is what is in the trash.
    """
    rows = connection.execute(
        """
        select t.attachment_id, t.speech_s
        from transcripts t
        join attachments a on a.id = t.attachment_id
        join items i on i.id = a.item_id
        where t.quality = 'draft' and a.owner = %s and i.deleted_at is null
          and not exists (
              select from tasks k where k.attachment_id = a.id
                and k.status in ('queued', 'running', 'parked', 'waiting'))
        order by t.speech_s, t.attachment_id
        """,
        [owner],
    ).fetchall()
    return [(row["attachment_id"], row["speech_s"]) for row in rows]


def pace(connection: Db) -> float | None:
    """Seconds that this machine takes for one of a full transcript; None: not known."""
    row = connection.execute(
        "select sum(milliseconds) / nullif(sum(to_s - from_s), 0) / 1000 as pace from ("
        " select milliseconds, to_s, from_s from transcript_segments"
        " where quality = 'full' and status = 'ok' limit 2000) as told"
    ).fetchone()
    return None if row is None or row["pace"] is None else float(row["pace"])


def _phrases(phrases: Iterable[Phrase]) -> Jsonb:
    return Jsonb([phrase.model_dump(mode="json") for phrase in phrases])
