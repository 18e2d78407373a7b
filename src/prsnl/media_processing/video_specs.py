"""What may be asked about videos."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from prsnl.engines.media.contract import Chapter
from prsnl.engines.ocr.languages import LanguageCodes
from prsnl.work.outcomes import Outcome
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

VIDEO_RETRY_WAITS_S: Final = (120.0, 240.0)
#: A day of sound on a slow machine; each step has a limit of its own.
TIME_LIMIT_S: Final = 48 * 3600.0
MOST_VIDEOS: Final = 1_000
_EXAMPLE_ID: Final = "019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11"
_MIB: Final = 2**20
#: Bytes of a recording, and how early it is taken: small ones do not wait for large.
_PRIORITIES: Final = ((4 * _MIB, 4), (32 * _MIB, 3), (256 * _MIB, 2), (1024 * _MIB, 1))


def priority_of(size_bytes: int) -> int:
    """How early a recording is taken among others of its owner; more is earlier."""
    return next((rank for most, rank in _PRIORITIES if size_bytes <= most), 0)


class SpokenOptions(Command):
    """How what is said is written down."""

    transcribe_audio: StrictBool = Field(True, description="Write down what is said.")
    language: str | None = Field(
        None,
        pattern="^[a-z]{2,3}$",
        description="What is spoken, such as en or de; default: detected.",
    )
    model: str | None = Field(
        None, max_length=200, description="The speech model; default: as set."
    )
    enable_diarization: StrictBool = Field(False, description="Tell speakers apart.")
    privacy_mode: StrictBool = Field(False, description="The same as local_only.")
    local_only: StrictBool = Field(
        False,
        description="No byte may leave this machine: no engine elsewhere is used.",
    )


class VideoOptions(SpokenOptions):
    """How a video is processed."""

    extract_frames: StrictBool = Field(
        True, description="Keep a key frame of each shot."
    )
    frame_count: int = Field(
        60, ge=1, le=500, description="At most so many key frames."
    )
    read_frames: StrictBool = Field(
        False, description="Also read what stands on the key frames, such as slides."
    )
    ocr_languages: LanguageCodes = Field(
        (),
        description="What the slides are written in; default: as set, else English.",
    )
    generate_insights: StrictBool = Field(
        True,
        description="Also find chapters, keywords, key sentences and facts in what is "
        "said.",
    )
    use_draft: StrictBool = Field(
        False, description="Derive these from a draft transcript, too."
    )


class ProcessVideo(Command):
    """Look through a stored video, and write down what is said."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"file_id": _EXAMPLE_ID, "options": {"extract_frames": True}}]
        }
    )

    file_id: UUID = Field(description="The attachment to process.")
    options: VideoOptions = VideoOptions()
    again: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Any new word does again what is kept already.",
    )


class ProcessedVideo(Result):
    """What came of a video; frames and transcript are with its file."""

    mime_type: str
    duration_s: float | None
    width: int | None
    height: int | None
    #: Key frames that are kept.
    frames: int
    #: Pictures that were looked at.
    pictures: int
    #: Of key frames on which something stands.
    frames_read: int = 0
    #: "draft" or "full"; None where nothing was transcribed.
    transcript: str | None
    characters: int
    chapters: tuple[Chapter, ...]
    #: "file" or "transcript"; None without chapters.
    chapters_from: str | None
    title: str | None
    language: str | None
    key_sentences: int
    insights: int
    #: The task in which a language model adds its summary; None without a model.
    enrichment: UUID | None = None


PROCESS_VIDEO: Final = TaskSpec(
    name="process_video_task",
    queue=Queue.MEDIA_PROCESSING,
    command=ProcessVideo,
    result=ProcessedVideo,
    retry_waits_s=VIDEO_RETRY_WAITS_S,
    time_limit_s=TIME_LIMIT_S,
)


class TranscribeVideos(Command):
    """Write down what is said in several stored recordings, each as its own task."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"file_ids": [_EXAMPLE_ID]}]}
    )

    file_ids: tuple[UUID, ...] = Field(
        min_length=1,
        max_length=MOST_VIDEOS,
        description="The attachments; one that is named twice counts once.",
    )
    options: VideoOptions = VideoOptions(extract_frames=False)
    max_concurrency: int = Field(
        1,
        ge=1,
        le=16,
        description="So many run at a time; of large ones a machine does one.",
    )


class TranscribedVideos(Outcome):
    """What came of a batch; what came of each recording is with its task."""

    videos: int


BATCH_TRANSCRIBE: Final = TaskSpec(
    name="batch_transcribe_videos_task",
    queue=Queue.MEDIA_PROCESSING,
    command=TranscribeVideos,
    result=TranscribedVideos,
    retry_waits_s=VIDEO_RETRY_WAITS_S,
    # It only hands out and gathers: its children have limits of their own.
    time_limit_s=600,
    priority=4,
)


class EnhanceOptions(Command):
    """How a transcript is enhanced."""

    summary_length: int = Field(
        5, ge=1, le=10, description="At most so many sentences."
    )
    use_draft: StrictBool = Field(False, description="Also from a draft transcript.")
    privacy_mode: StrictBool = Field(False, description="The same as local_only.")
    local_only: StrictBool = Field(
        False,
        description="No byte may leave this machine: a model elsewhere is not asked.",
    )


class EnhanceVideo(Command):
    """Tell what a transcribed recording teaches: summary, topics, insights, tags."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"file_id": _EXAMPLE_ID}]}
    )

    file_id: UUID = Field(description="The attachment; it must have a transcript.")
    options: EnhanceOptions = EnhanceOptions()


class Topic(Result):
    """What is spoken of, and where first."""

    name: str
    #: Where segments begin that speak of it; the first few.
    times_s: tuple[float, ...]


class LearningInsight(Result):
    """What a recording teaches, and where it is said."""

    #: With a language model what it is ("finding", "decision" ...); "key_sentence"
    #: stands for words of the recording itself.
    kind: str
    text: str
    times_s: tuple[float, ...]


class EnhancedVideo(Result):
    """What a recording teaches; what would need a language model is null."""

    #: What found the topics and key sentences.
    engine: str
    #: The language model that was asked: "openai/gpt-5"; null without one.
    model: str | None
    needs: str | None
    #: Derived from a transcript in which every fourth word may be wrong.
    is_draft: bool
    title: str
    language: str | None
    summary: str | None
    topics: tuple[Topic, ...]
    insights: tuple[LearningInsight, ...]
    tags: tuple[str, ...]
    chapters: tuple[Chapter, ...]


ENHANCE_VIDEO: Final = TaskSpec(
    name="enhance_video_with_ai_task",
    queue=Queue.MEDIA_PROCESSING,
    command=EnhanceVideo,
    result=EnhancedVideo,
    retry_waits_s=VIDEO_RETRY_WAITS_S,
    time_limit_s=4 * 3600,
    priority=1,
)
