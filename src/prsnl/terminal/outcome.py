"""What came of one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prsnl.client import Client
from prsnl.core.errors import PrsnlError
from prsnl.items.models import AttachmentView, FrameView, ItemView, PageView
from prsnl.terminal import media, speech
from prsnl.terminal.inputs import InputFile
from prsnl.wire.tasks import ErrorBody, StatusBody
from prsnl.wire.transcripts import TranscriptBody
from prsnl.work.specs import Status

#: What an unreadable file fails with: it never reached the server.
UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One file's end, as far as it came."""

    file: InputFile
    status: Status
    error: ErrorBody | None
    seconds: float
    #: Its result was there before this run.
    is_known: bool = False
    task: StatusBody | None = None
    attachment: AttachmentView | None = None
    item: ItemView | None = None
    pages: Sequence[PageView] = ()
    #: Facts with their place.
    insights: Sequence[dict[str, Any]] = ()
    #: The task in which a language model reads it; None without one.
    enrichment: StatusBody | None = None
    #: Of a video.
    frames: Sequence[FrameView] = ()
    #: What is said in a recording; None where nothing was written down.
    transcript: TranscriptBody | None = None

    @property
    def is_success(self) -> bool:
        """Whether the file was processed."""
        return self.status is Status.SUCCESS

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody stopped it."""
        return self.status is Status.REVOKED

    @property
    def members(self) -> list[dict[str, Any]]:
        """The files in a mail or an archive, and how each of them ended."""
        return list(self._result.get("members") or ())

    @property
    def _result(self) -> dict[str, Any]:
        return (self.task and self.task.result) or {}

    @property
    def later(self) -> list[str]:
        """What the language model has noted, or why it has not read the file yet."""
        task = self.enrichment
        if task is None:
            return []
        if task.status is Status.SUCCESS:
            return task.warnings
        why = task.error.message if task.error else task.waiting_because or ""
        return [f"There is no summary by a language model yet. {why}".strip()]

    def without_what_was_read(self) -> Outcome:
        """How it ended, and no more."""
        return replace(
            self,
            task=None,
            attachment=None,
            item=None,
            pages=(),
            insights=(),
            frames=(),
            transcript=None,
        )

    def as_json(self, *, frames_folder: str | None = None) -> dict[str, Any]:
        """Everything, as `NAME.json` and `--json` have it.

        `frames_folder` is where the key frames lie, seen from `NAME.json`.
        """
        item, attachment, task = self.item, self.attachment, self.task
        return {
            "file": self.file.shown,
            "status": str(self.status),
            "error": None if self.error is None else self.error.model_dump(),
            "seconds": round(self.seconds, 3),
            "peak_memory_bytes": task and task.peak_memory_bytes,
            "mime_type": attachment and attachment.mime_type,
            "language": speech.language(self.transcript) or (item and item.language),
            "title": item and item.title,
            "document_date": item and item.document_date and str(item.document_date),
            "document_type": attachment and attachment.document_type,
            "document_type_confidence": (
                attachment and attachment.document_type_confidence
            ),
            "category": item and item.category,
            "category_confidence": item and item.category_confidence,
            "category_source": item and item.category_source,
            "metadata": attachment.metadata if attachment else {},
            "summary": item and item.summary,
            "summary_engine": item and item.summary_engine,
            "key_points": item.key_points if item else [],
            "key_sentences": item.key_sentences if item else [],
            "keywords": item.keywords if item else [],
            "entities": item.entities if item else [],
            "insights": list(self.insights),
            "tags": item.tags if item else [],
            "warnings": [*(task.warnings if task else []), *self.later],
            "members": self.members,
            "dependencies": ((self.task and self.task.result) or {}).get(
                "dependencies"
            ),
            "media": media.as_json(attachment),
            "frames": media.frames_as_json(self.frames, frames_folder),
            **speech.as_json(self.transcript),
            "pages": [page.model_dump(mode="json") for page in self.pages],
            "already_there": self.is_known,
            "item_id": item and str(item.id),
            "attachment_id": attachment and str(attachment.id),
            "task_id": task and str(task.task_id),
        }


def failed(
    file: InputFile, error: PrsnlError | OSError, *, seconds: float = 0.0
) -> Outcome:
    """A file that never became a task."""
    if isinstance(error, PrsnlError):
        told = ErrorBody(
            category=error.category, code=error.code, message=error.message
        )
    else:
        told = ErrorBody(
            category="permanent",
            code=UNREADABLE,
            message=f"The file cannot be read: {error.strerror or error}.",
        )
    return Outcome(file=file, status=Status.FAILURE, error=told, seconds=seconds)


def fetch(
    client: Client,
    file: InputFile,
    task: StatusBody,
    *,
    is_known: bool,
    waited_s: float,
    enrichment: StatusBody | None = None,
) -> Outcome:
    """Everything that the server knows of a file whose task has ended.

    Args:
        client: Asks.
        file: Which.
        task: Its task, ended.
        is_known: The result was there before.
        waited_s: What the user has waited, where the task itself never began.
        enrichment: The task in which a language model reads it, if there is one.
    """
    assert task.attachment_id is not None
    attachment = client.attachment(task.attachment_id)
    seconds = waited_s
    if task.started_at is not None and task.finished_at is not None:
        seconds = (task.finished_at - task.started_at).total_seconds()
    return Outcome(
        file=file,
        status=task.status,
        error=None if task.status is Status.SUCCESS else task.error,
        seconds=seconds,
        is_known=is_known,
        task=task,
        attachment=attachment,
        item=client.item(attachment.item_id),
        pages=tuple(client.pages(attachment.id)),
        insights=tuple(client.insights(attachment.id).insights),
        enrichment=enrichment,
        frames=tuple(client.frames(attachment.id)) if attachment.media else (),
        transcript=speech.fetched(client, attachment),
    )
