"""Several recordings as one task: a parent that waits, and a child task for each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.items import store
from prsnl.media_processing.video_specs import (
    PROCESS_VIDEO,
    ProcessVideo,
    TranscribedVideos,
    TranscribeVideos,
    priority_of,
)
from prsnl.work.outcomes import outcome_of
from prsnl.work.run import TaskRun
from prsnl.work.submit import Submission, submission


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
        told = outcome_of(run, files_are="recordings", done="transcribed")
        return TranscribedVideos(videos=told.count, **vars(told))


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
