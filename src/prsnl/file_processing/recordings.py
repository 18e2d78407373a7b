"""Audio and video that came as documents: handed to the task that listens and looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from prsnl.core.errors import BadRequestError, PrsnlError
from prsnl.engines.contracts import FileType
from prsnl.engines.media.signatures import KINDS
from prsnl.file_processing.specs import ProcessDocument, ProcessedDocument
from prsnl.items.models import AttachmentView
from prsnl.work.run import ChildOutcome, TaskRun
from prsnl.work.specs import Status
from prsnl.work.submit import Submission


class IsRecording(Exception):  # noqa: N818 - another way, not an error
    """A file is no document, but something to listen to or to look at."""

    def __init__(self, kind: FileType) -> None:
        super().__init__()
        self.kind = kind


class TaskOfRecording(Protocol):
    """Makes the task that processes a recording."""

    def __call__(
        self,
        attachment: AttachmentView,
        *,
        owner: str,
        parent_id: UUID,
        again: str | None,
        local_only: bool,
    ) -> Submission:
        """The task, as a child of another."""


def refuse_recording(kind: FileType) -> None:
    """Go another way with a recording.

    Raises:
        IsRecording: It is one.
    """
    if kind.kind in KINDS:
        raise IsRecording(kind)


@dataclass(frozen=True)
class RecordingProcessor:
    """Has recordings processed by a task of their own."""

    task_of: TaskOfRecording

    def process(
        self,
        run: TaskRun,
        file: AttachmentView,
        kind: FileType,
        command: ProcessDocument,
    ) -> ProcessedDocument:
        """Wait for the task of a recording; what it made stays with the file.

        Raises:
            Waits: The task is in; the runner ends the claim until it is done.
            PrsnlError: What it failed with.
        """
        wanted = self.task_of(
            file.model_copy(update={"kind": kind.kind}),
            owner=run.owner,
            parent_id=run.task_id,
            again=command.again,
            local_only=command.options.local_only,
        )
        (outcome,) = run.children([wanted], at_once=1)
        if outcome.status is not Status.SUCCESS:
            raise _error_of(outcome)
        made = outcome.result or {}
        return ProcessedDocument(
            mime_type=str(made.get("mime_type") or kind.mime_type),
            pages=0,
            failed_pages=(),
            empty_pages=(),
            characters=int(made.get("characters") or 0),
            title=made.get("title"),
            language=made.get("language"),
            document_type=None,
            passages=0,
            key_sentences=int(made.get("key_sentences") or 0),
            insights=int(made.get("insights") or 0),
            recording_task_id=outcome.task_id,
        )


def _error_of(outcome: ChildOutcome) -> PrsnlError:
    if outcome.error_code is None:
        return BadRequestError("The task of this recording was cancelled.")
    return PrsnlError.from_wire(
        {"code": outcome.error_code, "message": outcome.error_message}
    )
