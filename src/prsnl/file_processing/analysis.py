"""Type, key information and facts of one file, which is read first if need be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from prsnl.ai_processing.service import ContentAnalyst
from prsnl.file_processing.batch_specs import AnalyzedFile, AnalyzeFile
from prsnl.file_processing.service import DocumentReader
from prsnl.file_processing.specs import OcrWish
from prsnl.items.models import ProcessingStatus
from prsnl.work.run import TaskRun


@dataclass(frozen=True)
class FileAnalyst:
    """Does `analyze_file_with_ai_task`."""

    reader: DocumentReader
    analyst: ContentAnalyst

    def analyze(self, run: TaskRun, command: AnalyzeFile) -> AnalyzedFile:
        """Tell what a file is and what facts it holds; nothing in other words.

        Raises:
            EmptyError: It has no text.
        """
        file, reading = self.reader.open(run, command.file_id)
        with reading:
            if file.processing_status is not ProcessingStatus.COMPLETED:
                kind = self.reader.identify(run, file, reading)
                self.reader.read(run, file, reading, kind, later_steps=3, ocr=OcrWish())
            else:
                run.progress.expect(3)
        analysis, document_type, insights = self.analyst.advise(
            run, file.id, file_name=file.file_name
        )
        run.warnings.extend(insights.notes)
        day = analysis.document_date
        return AnalyzedFile(
            engine=insights.engine,
            document_type=document_type,
            title=analysis.title,
            language=analysis.language,
            document_date=day and day.isoformat(),
            key_information=Counter(str(one.kind) for one in insights.insights),
            insights=insights.insights,
        )
