"""Several files as one task: a parent that waits, and a child task a file."""

from __future__ import annotations

from uuid import UUID

from prsnl.file_processing.batch_specs import ProcessBatch, ProcessedBatch
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.work.outcomes import outcome_of
from prsnl.work.run import TaskRun
from prsnl.work.submit import Submission, submission


class BatchProcessor:
    """Does `batch_process_files_task`."""

    def process(self, run: TaskRun, command: ProcessBatch) -> ProcessedBatch:
        """Have every file processed, then say what came of them.

        Raises:
            BadRequestError: No file succeeded.
        """
        wanted = [
            _child(run, command, file_id) for file_id in dict.fromkeys(command.file_ids)
        ]
        run.progress.expect(len(wanted))
        run.children(wanted, at_once=command.max_concurrency)
        told = outcome_of(run, files_are="files", done="processed")
        return ProcessedBatch(files=told.count, **vars(told))


def _child(run: TaskRun, command: ProcessBatch, file_id: UUID) -> Submission:
    return submission(
        PROCESS_DOCUMENT,
        ProcessDocument(
            file_id=file_id, options=DocumentOptions(**command.options.model_dump())
        ),
        owner=run.owner,
        parent_id=run.task_id,
        attachment_id=file_id,
    )
