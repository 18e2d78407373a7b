"""What a person and a program are told of a transcript, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prsnl.client import Client
from prsnl.core.errors import NotFoundError
from prsnl.items.models import AttachmentView
from prsnl.wire.transcripts import TranscriptBody

#: What is written beside `NAME.json`, by ending.
_FORMS: Final = ("txt", "srt", "vtt")
_SHOWN_CHARACTERS: Final = 140


def fetched(client: Client, attachment: AttachmentView) -> TranscriptBody | None:
    """The transcript of a recording; None where nothing was written down."""
    if attachment.media is None:
        return None
    try:
        return client.transcript(attachment.id)
    except NotFoundError:
        return None


def texts(client: Client, attachment: AttachmentView) -> dict[str, str]:
    """The transcript as text and captions, and as Markdown, by ending."""
    told = {form: client.transcript_as(attachment.id, form) for form in _FORMS}
    return {**told, "md": client.markdown(attachment.id)}


def as_json(transcript: TranscriptBody | None) -> dict[str, Any]:
    """What `NAME.json` says of it; all of it null for other files."""
    if transcript is None:
        return {"transcript": None, "segments": None, "speakers": None}
    told = transcript.model_dump(mode="json")
    return {
        "transcript": {
            name: told[name]
            for name in ("quality", "banner", "engine", "language", "speech_s")
        },
        "segments": told["segments"],
        "speakers": told["speakers"],
    }


def language(transcript: TranscriptBody | None) -> str | None:
    """What is spoken."""
    return None if transcript is None else transcript.language


def lines(transcript: TranscriptBody | None) -> Iterator[str]:
    """How it begins, and who speaks."""
    if transcript is None:
        return
    said = [one.text for one in transcript.segments if one.text]
    words = sum(len(text.split()) for text in said)
    unknown = sum(one.status == "not_transcribed" for one in transcript.segments)
    parts = []
    if words:
        parts.append(f"{words} word{'' if words == 1 else 's'}")
    if transcript.speakers is not None:
        count = len(transcript.speakers)
        parts.append(f"{count} speaker{'' if count == 1 else 's'}")
    if unknown:
        parts.append("speech, not transcribed")
    head = " · ".join(parts)
    if not words:
        yield head  # that nobody speaks is a note of the task
        return
    begin = " ".join(said)[:_SHOWN_CHARACTERS]
    quoted = "".join(c if c.isprintable() else " " for c in begin).rstrip()
    more = "…" if len(" ".join(said)) > _SHOWN_CHARACTERS else ""
    label = "Draft" if transcript.quality == "draft" else "Said"
    yield f'{head} · {label}: "{quoted}{more}"'
