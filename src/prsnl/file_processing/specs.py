"""What may be asked of the file_processing queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr, StrictBool
from pydantic.json_schema import SkipJsonSchema

from prsnl.engines.contracts import Dependency
from prsnl.engines.ocr.languages import LanguageCodes
from prsnl.work.queues import Queue
from prsnl.work.specs import Command, Result, TaskSpec

FILE_RETRY_WAITS_S: Final = (60.0, 120.0, 240.0)

#: Never a part of the row: see `work.secrets`.
Password: TypeAlias = Annotated[
    SecretStr | None,
    Field(
        exclude=True,
        min_length=1,
        max_length=127,
        description="Opens a protected PDF; forgotten when the task ends.",
    ),
]


@dataclass(frozen=True)
class OcrWish:
    """What the user wants of OCR."""

    use_ocr: bool = True
    #: Codes as tesseract's; empty: to be detected.
    languages: tuple[str, ...] = ()


class OcrOptions(Command):
    """How pictures of text are read."""

    use_ocr: StrictBool = Field(
        True, description="Recognise the text of scans and pictures."
    )
    ocr_languages: LanguageCodes = Field(
        (),
        description="What scans are written in, as en, de, eng or deu; empty: as set, "
        "else detected.",
    )

    @property
    def ocr(self) -> OcrWish:
        """The same, as the recogniser takes it."""
        return OcrWish(self.use_ocr, self.ocr_languages)


class SharedOptions(OcrOptions):
    """How documents are processed, one or many."""

    analyze_content: StrictBool = Field(
        True,
        description="Also find title, keywords, entities, type, facts, and vectors.",
    )
    generate_summary: StrictBool = Field(
        True,
        description="With the analysis, also pick key sentences; where a language "
        "model is set, it adds a summary in a task of its own.",
    )
    create_content_item: StrictBool = Field(
        True,
        description="Show on its item what is found; else it stays with the file.",
    )
    local_only: StrictBool = Field(
        False,
        description="No byte may leave this machine: a model elsewhere is not asked.",
    )
    open_members: StrictBool = Field(
        True,
        description="Also process the files in a mail or an archive, an item for each.",
    )
    remove_headers_footers: StrictBool = Field(
        True,
        description="Leave out headers, footers and page numbers that repeat over "
        "pages.",
    )


class DocumentOptions(SharedOptions):
    """How a document is processed."""

    password: Password = None


class RerunStage(StrEnum):
    """What can be done again for pages alone."""

    #: Read from the file again.
    PAGES = "pages"
    #: Running headers and footers, over all pages.
    CLEANING = "cleaning"


class Rerun(Command):
    """Pages of a file that are done again; all others stay as they are."""

    stage: RerunStage
    pages: tuple[int, ...] = ()
    #: The number of this repetition, from 1: their new results go by it.
    run: int = Field(ge=1)


class ProcessDocument(Command):
    """Read a stored file, and learn what it is about."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "file_id": "019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11",
                    "options": {"analyze_content": True},
                }
            ]
        }
    )

    file_id: UUID = Field(description="The attachment to process.")
    options: DocumentOptions = DocumentOptions()
    again: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Any new word does again what is kept already.",
    )
    #: Set by `.../rerun` alone.
    rerun: SkipJsonSchema[Rerun | None] = Field(
        None, exclude_if=lambda rerun: rerun is None
    )


class ProcessedMember(Result):
    """How one file in a mail or an archive ended."""

    #: What it is called in there: "tables.zip/2024.csv".
    name: str
    #: The file that it became; None for what was left out.
    attachment_id: UUID | None
    task_id: UUID | None
    #: How its task ended.
    status: str | None
    #: Why it was left out, or why its task failed.
    error: str | None


class ProcessedDocument(Result):
    """What came of a document; the texts are with its pages."""

    mime_type: str
    pages: int
    #: Numbers of the pages that could not be read; they alone are missing.
    failed_pages: tuple[int, ...]
    #: Numbers of the pages that hold no text.
    empty_pages: tuple[int, ...]
    #: Numbers of the pages whose text is from OCR, wholly or in part.
    scanned_pages: tuple[int, ...] = ()
    characters: int
    title: str | None
    language: str | None
    document_type: str | None
    #: Suggested, or "uncategorised"; None where nothing was to be learned.
    category: str | None = None
    passages: int
    key_sentences: int
    insights: int
    #: Of a mail or an archive: what became of each file in it.
    members: tuple[ProcessedMember, ...] = ()
    #: Of a dependency manifest or a lock file: what it names; None for other files.
    dependencies: tuple[Dependency, ...] | None = None
    #: Of audio and video: the task that processed it instead.
    recording_task_id: UUID | None = None
    #: The task in which a language model adds its summary; None without a model.
    enrichment: UUID | None = None


class ExtractPdfText(OcrOptions):
    """Read the text of a stored PDF, and no more."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"file_id": "019316a4-5b7e-7c1d-9a51-0f2d6f3c8e11"}]
        }
    )

    file_id: UUID = Field(description="The attachment to read.")
    password: Password = None


class ExtractedText(Result):
    """How much text a PDF gave; the text is with its pages."""

    pages: int
    failed_pages: tuple[int, ...]
    empty_pages: tuple[int, ...]
    scanned_pages: tuple[int, ...] = ()
    characters: int


PROCESS_DOCUMENT: Final = TaskSpec(
    name="process_document_task",
    queue=Queue.FILE_PROCESSING,
    command=ProcessDocument,
    result=ProcessedDocument,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=3600,
)
EXTRACT_PDF_TEXT: Final = TaskSpec(
    name="extract_text_from_pdf_task",
    queue=Queue.FILE_PROCESSING,
    command=ExtractPdfText,
    result=ExtractedText,
    retry_waits_s=FILE_RETRY_WAITS_S,
    time_limit_s=3600,
)
