"""Transcripts over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from prsnl.wire.base import Body


class SegmentBody(Body):
    """One segment: about half a minute that ends in a pause."""

    number: int
    from_s: float
    to_s: float
    channel: int | None = None
    #: "ok", "empty", "not_transcribed" (speech in a language that the engine does not
    #: know) or "failed".
    status: str
    text: str
    #: What one voice says in one go: from_s, to_s, text, words, confidence, speaker.
    phrases: list[dict[str, Any]]
    speaker: str | None = None
    confidence: float | None = None
    engine: str
    quality: str
    language: str | None = None
    language_confidence: float | None = None
    milliseconds: float
    error: str | None = None
    #: How often the user has had it done again.
    run: int


class TranscriptBody(Body):
    """A transcript with all of its segments."""

    attachment_id: UUID
    duration_s: float
    speech_s: float
    #: "draft", "full", or null where nobody speaks.
    quality: str | None
    #: What a reader has to know before the first word; null of a full transcript.
    banner: str | None
    engine: str | None
    language: str | None
    #: In the order in which they are first heard; null until they were told apart.
    speakers: list[str] | None
    segments: list[SegmentBody]


class DraftsBody(Body):
    """The transcripts that are drafts, and how long it takes to do them again."""

    count: int
    #: Seconds of speech in them.
    speech_s: float
    #: By what this machine took for full transcripts; null until it has made one.
    takes_s: float | None
    #: The same for a person.
    message: str
    #: Of what was queued just now.
    task_ids: list[UUID] = Field(default_factory=list)
