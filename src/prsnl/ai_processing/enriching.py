"""What a language model adds to a document is a task of its own.

The document is whole without it: its text is there and found, whatever becomes of the
model. So a provider that is away keeps no file waiting, a refusal fails no file, and no
worker that reads files waits for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent, AnalyzeOptions
from prsnl.core.db import Db
from prsnl.core.ids import new_id
from prsnl.engines.contracts import Value
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage
from prsnl.work.submit import submission, submit


class Enrichment(Value):
    """The task that adds to a document."""

    task_id: UUID


ENRICH: Final = Stage(
    name="enrichment", version=1, result=Enrichment, title="Asking for a summary"
)


@dataclass(frozen=True)
class Enricher:
    """Submits what a language model is to add."""

    #: None where no language model is set.
    model: LanguageModel | None = None

    @property
    def steps(self) -> int:
        """Steps of `submit` for the progress."""
        return 0 if self.model is None else 1

    def submit(
        self, run: TaskRun, file: AttachmentView, *, local_only: bool
    ) -> UUID | None:
        """Have the model read a document, once it has been read here.

        Returns:
            The task; None where there is no model that may.
        """
        if self.model is None or not self.model.may_be_asked_by(run):
            return None
        command = AnalyzeContent(
            content_id=file.item_id, options=AnalyzeOptions(local_only=local_only)
        )

        def store(connection: Db, made: Enrichment) -> None:
            wanted = submission(
                ANALYZE_CONTENT, command, owner=run.owner, attachment_id=file.id
            )
            submit(connection, [replace(wanted, id=made.task_id)])

        done = run.stage(
            ENRICH,
            inputs=[run.task_id.bytes],
            work=lambda: Enrichment(task_id=new_id()),
            store=store,
        )
        run.rang()
        return done.value.task_id
