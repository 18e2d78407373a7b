"""A span of a recording once more, or every draft: from the request to its task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.items import store, transcripts
from prsnl.media_processing.captions import clock
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscriptionOptions,
    TranscriptRerun,
    require_span,
)
from prsnl.media_processing.video_specs import PROCESS_VIDEO, SpokenOptions
from prsnl.web.dependencies import Shared
from prsnl.work import caps
from prsnl.work.repeating import refuse_while_open, run_of_key
from prsnl.work.specs import Command, TaskSpec
from prsnl.work.submit import Submission, Submitted, submission, submit

#: The tasks that transcribe.
_SPECS: Final[dict[str, TaskSpec[Any, Any]]] = {
    spec.name: spec for spec in (TRANSCRIBE_AUDIO, PROCESS_VIDEO)
}
_AGAIN: Final = """
select name, command from tasks
where attachment_id = %s and name = any(%s) order by id desc limit 1
"""


class TranscriptRerunRequest(Command):
    """Which span of a recording is transcribed again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"stage": "transcribe", "from": 30.0, "to": 60.0}]
        }
    )

    stage: Literal["transcribe"]
    first_s: float | None = Field(
        None, alias="from", ge=0, description="From this second on,"
    )
    last_s: float | None = Field(
        None, alias="to", gt=0, description="and up to this one; default: to the end."
    )
    options: TranscriptionOptions | None = Field(
        None, description="Default: those that it was transcribed with."
    )


def submit_transcript_rerun(
    parts: Shared,
    attachment_id: UUID,
    request: TranscriptRerunRequest,
    *,
    owner: str,
    idempotency_key: str | None,
) -> Submitted:
    """Queue the segments that a span touches; all others stay as they are.

    Raises:
        NotFoundError: No such file of this owner, or nobody speaks in that span.
        ConflictError: It has no transcript yet, a task of it has not ended, or the span
            ends before it begins.
    """
    require_span(request.first_s, request.last_s)

    def work(connection: Db) -> Submitted:
        with connection.transaction():
            # One at a time: two at once would give one number to two runs.
            connection.execute(
                "select 1 from attachments where id = %s for update", [attachment_id]
            )
            store.attachment(connection, attachment_id, owner=owner)
            known = run_of_key(connection, owner, idempotency_key)
            if known is None:
                refuse_while_open(connection, attachment_id, then="transcribe again")
            span = _span(connection, attachment_id, request)
            run = known or transcripts.newest_run(connection, attachment_id) + 1
            options = request.options or _options(connection, attachment_id)
            wanted = submission(
                TRANSCRIBE_AUDIO,
                TranscribeAudio(
                    file_id=attachment_id,
                    options=options.model_copy(
                        update={"first_s": None, "last_s": None}
                    ),
                    rerun=TranscriptRerun(from_s=span[0], to_s=span[1], run=run),
                ),
                owner=owner,
                idempotency_key=idempotency_key,
                attachment_id=attachment_id,
            )
            return submit(connection, [wanted])[0]

    return parts.database.run(work)


def _span(
    connection: Db, attachment_id: UUID, request: TranscriptRerunRequest
) -> tuple[float, float]:
    """The span that is meant, in seconds."""
    row = connection.execute(
        "select t.duration_s, exists ("
        " select from transcript_segments s where s.attachment_id = t.attachment_id"
        " and s.to_s > %(first)s and s.from_s < coalesce(%(last)s, t.duration_s + 1)"
        ") as has_speech from transcripts t where t.attachment_id = %(id)s",
        {
            "first": request.first_s or 0.0,
            "last": request.last_s,
            "id": attachment_id,
        },
    ).fetchone()
    if row is None:
        raise ConflictError(
            "This recording has no transcript yet: transcribe it, then run a span of "
            "it again."
        )
    if not row["has_speech"]:
        raise NotFoundError(
            f"Nobody speaks there: the recording is {clock(row['duration_s'])} long, "
            "and GET .../transcript.json lists its segments."
        )
    return request.first_s or 0.0, request.last_s or row["duration_s"] + 1


def _options(connection: Db, attachment_id: UUID) -> TranscriptionOptions:
    """How the file was transcribed last; as usual, where that is no longer known."""
    row = connection.execute(_AGAIN, [attachment_id, list(_SPECS)]).fetchone()
    if row is None:
        return TranscriptionOptions()
    told = _SPECS[row["name"]].decode(row["command"]).options
    if isinstance(told, TranscriptionOptions):
        return told
    shared = {name: getattr(told, name) for name in SpokenOptions.model_fields}
    return TranscriptionOptions(**{**shared, "transcribe_audio": True})


@dataclass(frozen=True)
class Drafts:
    """The drafts of an owner.

    Attributes:
        files: Those whose transcripts are drafts, the shortest first.
        speech_s: Seconds of speech in them.
        takes_s: How long full transcripts of them would take here; None: not known.
        submitted: The tasks that were queued for them.
    """

    files: tuple[UUID, ...]
    speech_s: float
    takes_s: float | None
    submitted: tuple[UUID, ...] = ()

    @property
    def message(self) -> str:
        """How many and how long, for a person."""
        count = len(self.files)
        if not count:
            return "No transcript is a draft."
        which = "1 draft" if count == 1 else f"{count} drafts"
        are = "is" if count == 1 else "are"
        long = f" with {clock(self.speech_s)} of speech"
        takes = (
            f"; about {clock(self.takes_s)} by what this machine took for others"
            if self.takes_s is not None
            else ""
        )
        if 0 < len(self.submitted) < count:
            return (
                f"{len(self.submitted)} of {which}{long} {are} queued again, as many "
                f"as may wait{takes}. Ask again for the others when some have ended."
            )
        done = f"{are} queued again" if self.submitted else "can be run again"
        return f"{which}{long} {done}{takes}."


def drafts(connection: Db, *, owner: str) -> Drafts:
    """The drafts of an owner that no task works on."""
    found = transcripts.drafts(connection, owner=owner)
    speech_s = sum(seconds for _, seconds in found)
    pace = transcripts.pace(connection)
    return Drafts(
        tuple(one for one, _ in found),
        round(speech_s, 1),
        None if pace is None else round(pace * speech_s, 1),
    )


def submit_drafts(connection: Db, *, owner: str, key: str | None) -> Drafts:
    """Queue every draft once more, each as it was asked for, the shortest first.

    As many as may wait; the others are drafts still.

    Raises:
        TooManyTasksError: As many wait already.
    """
    with connection.transaction():
        found = drafts(connection, owner=owner)
        room = caps.room(connection, owner=owner, queue=TRANSCRIBE_AUDIO.queue)
        if room == 0 and found.files:
            in_force = caps.read(connection)
            caps.require_room(
                connection, in_force, owner=owner, queue=TRANSCRIBE_AUDIO.queue
            )
        wanted = [
            one
            for file_id in found.files[:room]
            if (one := _once_more(connection, file_id, owner, key)) is not None
        ]
        told = submit(connection, wanted) if wanted else []
        return Drafts(
            found.files,
            found.speech_s,
            found.takes_s,
            tuple(one.task_id for one in told),
        )


def _once_more(
    connection: Db, file_id: UUID, owner: str, key: str | None
) -> Submission | None:
    """The task that made a draft: what else it did is kept, and found again."""
    row = connection.execute(_AGAIN, [file_id, list(_SPECS)]).fetchone()
    if row is None:
        spec: TaskSpec[Any, Any] = TRANSCRIBE_AUDIO
        command: Command = TranscribeAudio(file_id=file_id)
    else:
        spec = _SPECS[row["name"]]
        command = spec.decode(row["command"]).model_copy(update={"rerun": None})
    return submission(
        spec,
        command,
        owner=owner,
        idempotency_key=None if key is None else f"{key} {file_id}",
        attachment_id=file_id,
    )
