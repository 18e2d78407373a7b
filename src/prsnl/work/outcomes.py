"""What came of a batch: a parent task with a child for each of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Self
from uuid import UUID

from prsnl.core.db import Row
from prsnl.core.errors import BadRequestError
from prsnl.items import files
from prsnl.work.run import TaskRun
from prsnl.work.specs import Result, Status

#: So many failures stand in a batch's result; its children tell all of them.
_MOST_FAILURES: Final = 1_000
_SHOWN_REASONS: Final = 5


class FailedFile(Result):
    """A file of a batch that was not processed, and why."""

    file_id: UUID | None
    file_name: str
    task_id: UUID
    #: "failure", "dead" or "revoked".
    status: str
    code: str
    message: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """One of `files.of_parent` that did not succeed."""
        is_cancelled = row["status"] == Status.REVOKED
        return cls(
            file_id=row["attachment_id"],
            file_name=row["file_name"] or "a file that was deleted meanwhile",
            task_id=row["id"],
            status=row["status"],
            code="cancelled" if is_cancelled else row["error_code"],
            message="It was cancelled." if is_cancelled else row["error_message"],
        )


class Outcome(Result):
    """What came of a batch; what came of each file is with its task."""

    succeeded: int
    failed: int
    cancelled: int
    #: The first 1,000, by name.
    failures: tuple[FailedFile, ...]

    @property
    def count(self) -> int:
        """How many files there were."""
        return self.succeeded + self.failed + self.cancelled

    @property
    def reasons(self) -> str:
        """How often each reason: "7 corrupt, 3 encrypted"."""
        ranked = Counter(one.code for one in self.failures).most_common(_SHOWN_REASONS)
        return ", ".join(f"{count} {code}" for code, count in ranked)


def outcome_of(run: TaskRun, *, files_are: str, done: str) -> Outcome:
    """How the children of a batch have ended; the task warns of those that failed.

    Args:
        run: The batch.
        files_are: What its files are called: "files".
        done: What was to be done to them: "processed".

    Raises:
        BadRequestError: None succeeded.
    """
    told = _told(
        run.database.run(lambda connection: files.of_parent(connection, run.task_id))
    )
    if not told.succeeded and told.failed:
        raise BadRequestError(f"None of {told.count} {files_are}: {told.reasons}.")
    if told.failed:
        run.warnings.append(
            f"{told.failed} of {told.count} {files_are} were not {done}: "
            f"{told.reasons}."
        )
    return told


def _told(rows: Sequence[Row]) -> Outcome:
    failures = [row for row in rows if row["status"] != Status.SUCCESS]
    cancelled = sum(row["status"] == Status.REVOKED for row in failures)
    return Outcome(
        succeeded=len(rows) - len(failures),
        failed=len(failures) - cancelled,
        cancelled=cancelled,
        failures=tuple(FailedFile.of(row) for row in failures[:_MOST_FAILURES]),
    )
