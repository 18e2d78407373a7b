"""Several files as one task: a parent that waits, and a child task a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prsnl.core.db import Database, Row
from prsnl.core.errors import BadRequestError
from prsnl.file_processing.batch_specs import (
    MOST_FAILURES,
    FailedFile,
    ProcessBatch,
    ProcessedBatch,
)
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.items import files
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.submit import Submission, submission

_SHOWN_REASONS = 5


@dataclass(frozen=True)
class BatchProcessor:
    """Does `batch_process_files_task`."""

    database: Database

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
        rows = self.database.run(
            lambda connection: files.of_parent(connection, run.task_id)
        )
        told = _told(rows)
        if not told.succeeded and told.failed:
            raise BadRequestError(f"None of {told.files} files: {_reasons(told)}.")
        if told.failed:
            run.warnings.append(
                f"{told.failed} of {told.files} files were not processed: "
                f"{_reasons(told)}."
            )
        return told


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


def _told(rows: Sequence[Row]) -> ProcessedBatch:
    failures = [row for row in rows if row["status"] != Status.SUCCESS]
    cancelled = sum(row["status"] == Status.REVOKED for row in rows)
    return ProcessedBatch(
        files=len(rows),
        succeeded=len(rows) - len(failures),
        failed=len(failures) - cancelled,
        cancelled=cancelled,
        failures=tuple(_failed(row) for row in failures[:MOST_FAILURES]),
    )


def _failed(row: Row) -> FailedFile:
    is_cancelled = row["status"] == Status.REVOKED
    return FailedFile(
        file_id=row["attachment_id"],
        file_name=row["file_name"] or "a file that was deleted meanwhile",
        task_id=row["id"],
        status=row["status"],
        code="cancelled" if is_cancelled else row["error_code"],
        message="It was cancelled." if is_cancelled else row["error_message"],
    )


def _reasons(told: ProcessedBatch) -> str:
    """How often each reason: "7 corrupt, 3 encrypted"."""
    counts: dict[str, int] = {}
    for one in told.failures:
        counts[one.code] = counts.get(one.code, 0) + 1
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{count} {code}" for code, count in ranked[:_SHOWN_REASONS])
