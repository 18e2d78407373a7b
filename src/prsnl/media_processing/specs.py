"""What may be asked of the media_processing queue about what is said."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool
from pydantic.json_schema import SkipJsonSchema

from prsnl.core.errors import ConflictError
from prsnl.media_processing.video_specs import (
    TIME_LIMIT_S,
    VIDEO_RETRY_WAITS_S,
    SpokenOptions,
)
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

#: The stage that can be done again for a span of a recording alone.
TRANSCRIBE: Final = "transcribe"


class TranscriptionOptions(SpokenOptions):
    """How a recording is transcribed."""

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    #: It is what this task does.
    transcribe_audio: SkipJsonSchema[StrictBool] = Field(True, exclude=True)
    first_s: float | None = Field(
        None, alias="from", ge=0, description="Only from this second on,"
    )
    last_s: float | None = Field(
        None, alias="to", gt=0, description="and only up to this one."
    )
    analyze_content: StrictBool = Field(
        True, description="Also find title, keywords, key sentences and facts in it."
    )
    add_sentences: StrictBool = Field(
        False,
        description="Write capitals, and full stops at pauses, where the engine does "
        "not.",
    )
    use_draft: StrictBool = Field(
        False, description="Derive these from a draft transcript, too."
    )


def require_span(first_s: float | None, last_s: float | None) -> None:
    """Make sure that a span ends after it begins; both are in seconds.

    Raises:
        ConflictError: It does not.
    """
    if last_s is not None and last_s <= (first_s or 0.0):
        raise ConflictError(
            f"The span ends at {last_s:g} s and begins at {first_s or 0:g} s: `to` has "
            "to be later than `from`, both in seconds."
        )


class TranscriptRerun(Command):
    """A span of a recording that is done again; all else stays as it is."""

    from_s: float
    to_s: float
    #: The number of this repetition, from 1.
    run: int = Field(ge=1)


class TranscribeAudio(Command):
    """Write down what is said in a stored recording."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "file_id": "019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11",
                    "options": {"language": "en", "enable_diarization": True},
                }
            ]
        }
    )

    file_id: UUID = Field(description="The attachment to transcribe.")
    options: TranscriptionOptions = TranscriptionOptions()
    again: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Any new word does again what is kept already.",
    )
    #: Set by `.../rerun` alone.
    rerun: SkipJsonSchema[TranscriptRerun | None] = Field(
        None, exclude_if=lambda rerun: rerun is None
    )


class TranscribedAudio(Result):
    """What came of a recording; the words are with its file."""

    mime_type: str
    duration_s: float
    #: How much of it is speech.
    speech_s: float
    segments: int
    #: Numbers of the segments that could not be transcribed.
    failed_segments: tuple[int, ...] = ()
    #: Numbers of those in a language that the engine does not know.
    not_transcribed: tuple[int, ...] = ()
    words: int
    characters: int
    #: "draft" or "full"; None where nobody speaks.
    quality: str | None
    #: What a reader has to know before the first word; None of a full transcript.
    banner: str | None
    engine: str | None
    language: str | None
    #: In the order in which they are first heard; None where nobody asked.
    speakers: tuple[str, ...] | None = None
    title: str | None = None
    key_sentences: int = 0
    insights: int = 0
    #: The task in which a language model adds its summary; None without a model.
    enrichment: UUID | None = None


TRANSCRIBE_AUDIO: Final = TaskSpec(
    name="transcribe_audio_task",
    queue=Queue.MEDIA_PROCESSING,
    command=TranscribeAudio,
    result=TranscribedAudio,
    retry_waits_s=VIDEO_RETRY_WAITS_S,
    time_limit_s=TIME_LIMIT_S,
)
