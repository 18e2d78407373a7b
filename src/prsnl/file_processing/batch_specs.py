"""What may be asked about several files, and about one whose text is there."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from prsnl.engines.contracts import Insight
from prsnl.file_processing.specs import FILE_RETRY_WAITS_S, SharedOptions
from prsnl.work.outcomes import Outcome
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

MOST_FILES: Final = 5_000
MOST_AT_ONCE: Final = 64


class ProcessBatch(Command):
    """Process several stored files, each as a task of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "file_ids": ["019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11"],
                    "max_concurrency": 2,
                }
            ]
        }
    )

    file_ids: tuple[UUID, ...] = Field(
        min_length=1,
        max_length=MOST_FILES,
        description="The attachments to process; one that is named twice counts once.",
    )
    #: Without a password: one opens one file.
    options: SharedOptions = SharedOptions()
    max_concurrency: int = Field(
        4, ge=1, le=MOST_AT_ONCE, description="So many of them run at a time."
    )


class ProcessedBatch(Outcome):
    """What came of a batch; what came of each file is with its task."""

    files: int


class FileAnalysisOptions(Command):
    """How a file is analysed."""

    local_only: StrictBool = Field(False, description="No byte may leave this machine.")


class AnalyzeFile(Command):
    """Tell type, key information and insights of a stored file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"file_id": "019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11"}]
        }
    )

    file_id: UUID = Field(
        description="The attachment to analyse; it is read first if that is not done."
    )
    options: FileAnalysisOptions = FileAnalysisOptions()


class AnalyzedFile(Result):
    """Facts of a file; what would be an opinion needs a language model."""

    engine: str
    document_type: str | None
    title: str
    language: str | None
    document_date: str | None
    #: By kind: how many facts there are.
    key_information: dict[str, int]
    insights: tuple[Insight, ...]
    recommendations: None = None
    #: What would be needed for the part that is null.
    needs: str = "llm"


PROCESS_BATCH: Final = TaskSpec(
    name="batch_process_files_task",
    queue=Queue.FILE_PROCESSING,
    command=ProcessBatch,
    result=ProcessedBatch,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=600,
    # Before single files of the same owner: it takes a moment, and then its children
    # stand in line with them.
    priority=1,
)
ANALYZE_FILE: Final = TaskSpec(
    name="analyze_file_with_ai_task",
    queue=Queue.FILE_PROCESSING,
    command=AnalyzeFile,
    result=AnalyzedFile,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=3600,
)
