"""Several recordings as one task: a parent that waits, and a child task for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db, Row
from prsnl.core.errors import BadRequestError
from prsnl.items import files, store
from prsnl.media_processing.video_specs import (
    PROCESS_VIDEO,
    FailedVideo,
    ProcessVideo,
    TranscribedVideos,
    TranscribeVideos,
    priority_of,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.submit import Submission, submission

_SHOWN_REASONS: Final = 5


@dataclass(frozen=True)
class VideoBatch:
    """Does `batch_transcribe_videos_task`."""

    database: Database

    def transcribe(self, run: TaskRun, command: TranscribeVideos) -> TranscribedVideos:
        """Have every recording processed, the small ones first; say what came of them.

        Raises:
            Waits: The children are in; the runner ends the claim until they are done.
            NotFoundError: One of the files is gone.
            BadRequestError: None succeeded.
        """
        wanted = self.database.run(
            lambda connection: _children(connection, run, command)
        )
        run.progress.expect(len(wanted))
        run.children(wanted, at_once=command.max_concurrency)
        rows = self.database.run(
            lambda connection: files.of_parent(connection, run.task_id)
        )
        told = _told(rows)
        if not told.succeeded and told.failed:
            raise BadRequestError(
                f"None of {told.videos} recordings: {_reasons(told.failures)}."
            )
        if told.failed:
            run.warnings.append(
                f"{told.failed} of {told.videos} recordings were not transcribed: "
                f"{_reasons(told.failures)}."
            )
        return told


def _children(
    connection: Db, run: TaskRun, command: TranscribeVideos
) -> list[Submission]:
    sizes: dict[UUID, int] = {}
    for file_id in dict.fromkeys(command.file_ids):
        file = store.attachment(connection, file_id, owner=run.owner)
        sizes[file_id] = file.size_bytes
    return [
        submission(
            PROCESS_VIDEO,
            ProcessVideo(file_id=file_id, options=command.options),
            owner=run.owner,
            parent_id=run.task_id,
            attachment_id=file_id,
            priority=priority_of(sizes[file_id]),
        )
        for file_id in sorted(sizes, key=lambda one: sizes[one])
    ]


def _told(rows: Sequence[Row]) -> TranscribedVideos:
    failures = [row for row in rows if row["status"] != Status.SUCCESS]
    cancelled = sum(row["status"] == Status.REVOKED for row in failures)
    return TranscribedVideos(
        videos=len(rows),
        succeeded=len(rows) - len(failures),
        failed=len(failures) - cancelled,
        cancelled=cancelled,
        failures=tuple(map(_failed, failures)),
    )


def _failed(row: Row) -> FailedVideo:
    is_cancelled = row["status"] == Status.REVOKED
    return FailedVideo(
        file_id=row["attachment_id"],
        task_id=row["id"],
        file_name=row["file_name"] or "a file that was deleted meanwhile",
        status=row["status"],
        code="cancelled" if is_cancelled else row["error_code"],
        message="It was cancelled." if is_cancelled else row["error_message"],
    )


def _reasons(failures: Sequence[FailedVideo]) -> str:
    """How often each reason: "7 corrupt, 3 empty"."""
    counts = Counter(one.code for one in failures)
    ranked = counts.most_common(_SHOWN_REASONS)
    return ", ".join(f"{count} {code}" for code, count in ranked)
