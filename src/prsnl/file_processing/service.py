"""From a stored file to text and what it is about, one kept stage after another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst, Wanted
from prsnl.core.db import Database, Db
from prsnl.core.errors import EmptyError, UnsupportedError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import (
    DocumentInfo,
    FileType,
    PageStatus,
    PageText,
    Value,
)
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.versions import versions
from prsnl.file_processing.cleaning import cleaned, is_cleaned
from prsnl.file_processing.halves import HalvesReader
from prsnl.file_processing.manifests import ManifestReader
from prsnl.file_processing.members import MemberProcessor
from prsnl.file_processing.reading import Reading, Thumbnail
from prsnl.file_processing.recognition import (
    PICTURED,
    Recognizer,
    found_nothing,
)
from prsnl.file_processing.recognition import warnings as ocr_warnings
from prsnl.file_processing.recordings import (
    IsRecording,
    RecordingProcessor,
    refuse_recording,
)
from prsnl.file_processing.rerun import pages_of, wanted_pages
from prsnl.file_processing.specs import (
    DocumentOptions,
    ExtractedText,
    ExtractPdfText,
    OcrWish,
    ProcessDocument,
    ProcessedDocument,
    Rerun,
)
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.work import secrets
from prsnl.work.run import TaskRun
from prsnl.work.stages import DoneUnits, Stage

IDENTIFY: Final = Stage(
    name="identify", version=3, result=FileType, title="Looking at the file"
)
INFO: Final = Stage(
    name="document info", version=1, result=DocumentInfo, title="Opening the document"
)
THUMBNAIL: Final = Stage(
    name="thumbnail", version=1, result=Thumbnail, title="Drawing the first page"
)


class WholeText(Value):
    """All pages as one text."""

    text: str


WHOLE: Final = Stage(
    name="whole text", version=1, result=WholeText, title="Keeping the text"
)
_USUAL: Final = DocumentOptions()
#: Beside the pages: identify, info, thumbnail and whole text.
_OTHER_STEPS: Final = 4
#: The stages of a file of at most so many bytes share commits.
_SMALL_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Document:
    """A document that has been read."""

    kind: FileType
    info: DocumentInfo
    pages: DoneUnits[PageText]
    characters: int

    def numbers(self, status: PageStatus) -> tuple[int, ...]:
        """The pages that ended so."""
        return tuple(n for n, p in self.pages.values.items() if p.status is status)

    @property
    def scanned(self) -> tuple[int, ...]:
        """The pages whose text is from OCR, wholly or in part."""
        pages = self.pages.values.items()
        return tuple(n for n, p in pages if p.recognition is not None and p.text)


@dataclass(frozen=True)
class DocumentReader:
    """Reads a file page by page; every page read stays read."""

    database: Database
    storage: Storage
    sandbox: SandboxPool
    unit_timeout_s: float
    recognizer: Recognizer

    def open(
        self, run: TaskRun, file_id: UUID, *, again: str | None = None
    ) -> tuple[AttachmentView, Reading]:
        """The file and a child that reads it; the caller closes the reading."""
        file = self.database.run(
            lambda connection: store.attachment(connection, file_id, owner=run.owner)
        )
        return file, Reading(
            run,
            file,
            self.sandbox,
            self.storage,
            unit_timeout_s=self.unit_timeout_s * run.room,
            again=again,
            password=lambda: secrets.reveal(self.database, self.storage, run.task_id),
        )

    def identify(
        self, run: TaskRun, file: AttachmentView, reading: Reading
    ) -> FileType:
        """What the file is; a name that lies is noted."""
        kind = run.stage(
            IDENTIFY,
            inputs=reading.content,
            parameters={"file_name": file.file_name, **versions("magika")},
            work=reading.identify,
            store=lambda connection, told: store.save_type(connection, file.id, told),
        ).value
        if kind.name_lies:
            run.warnings.append(f"By its content this is: {kind.description}.")
        return kind

    def read(
        self,
        run: TaskRun,
        file: AttachmentView,
        reading: Reading,
        kind: FileType,
        *,
        later_steps: int,
        ocr: OcrWish,
        options: DocumentOptions = _USUAL,
        rerun: Rerun | None = None,
    ) -> Document:
        """Read every page, or those wanted again; draw the first.

        Args:
            run: Keeps the stages.
            file: What is read.
            reading: Its child.
            kind: What the file is.
            later_steps: How many steps the caller adds, for the progress.
            ocr: What is wanted of OCR.
            options: What the user wants besides.
            rerun: Which pages are read again; all others stay.

        Raises:
            EmptyError: No page has text, and OCR had no part in that.
        """
        content = reading.content
        how = {
            "kind": kind.kind,
            "mime_type": kind.mime_type,
            **versions("pypdfium2", "markdown-it-py", "olefile", "python-calamine"),
        }
        info = run.stage(
            INFO,
            inputs=content,
            parameters=how,
            work=lambda: reading.info(kind),
            store=lambda connection, told: store.save_info(connection, file.id, told),
        )
        reader = HalvesReader(reading, kind, info.value, self.recognizer.slots)
        wanted = wanted_pages(rerun, info.value.page_count)
        cleans = is_cleaned(kind, info.value)
        run.progress.expect(len(wanted) + _OTHER_STEPS + cleans + later_steps)
        pages = pages_of(
            run,
            self.database,
            file.id,
            wanted=wanted,
            rerun=rerun,
            inputs=[*content, info.key],
            parameters={**how, **self.recognizer.parameters(kind, ocr)},
            work=lambda numbers: self.recognizer.finished(
                run, reading, kind, reader.read(numbers), ocr
            ),
        )
        run.stage(
            THUMBNAIL,
            inputs=content,
            parameters=how,
            work=lambda: reading.thumbnail(kind),
            store=partial(_store_thumbnail, file.id),
        )
        run.warnings.extend(info.value.warnings)
        run.warnings.extend(ocr_warnings(pages.values))
        if cleans:
            removes = options.remove_headers_footers
            pages = cleaned(run, file.id, pages, removes=removes)
        document = Document(kind, info.value, pages, _characters(pages))
        _refuse_nothing(document)
        run.stage(
            WHOLE,
            inputs=[pages.key],
            work=lambda: WholeText(text=_whole(pages)),
            store=lambda connection, whole: store.save_text(
                connection, file.id, whole.text
            ),
        )
        if failed := document.numbers(PageStatus.FAILED):
            run.warnings.append(f"Pages that could not be read: {_listed(failed)}.")
        return document


@dataclass(frozen=True)
class TextExtractor:
    """Does `extract_text_from_pdf_task`."""

    reader: DocumentReader

    def extract(self, run: TaskRun, command: ExtractPdfText) -> ExtractedText:
        """Read the text of a PDF.

        Raises:
            UnsupportedError: The file is something else.
        """
        file, reading = self.reader.open(run, command.file_id)
        with reading:
            kind = self.reader.identify(run, file, reading)
            if kind.kind != "pdf":
                raise UnsupportedError(
                    f"This is no PDF (it is: {kind.description}): use process-document "
                    "for it."
                )
            document = self.reader.read(
                run, file, reading, kind, later_steps=0, ocr=command.ocr
            )
        return ExtractedText(
            pages=document.info.page_count,
            failed_pages=document.numbers(PageStatus.FAILED),
            empty_pages=document.numbers(PageStatus.EMPTY),
            scanned_pages=document.scanned,
            characters=document.characters,
        )


@dataclass(frozen=True)
class DocumentProcessor:
    """Does `process_document_task`: what one stage made survives the next one's end."""

    reader: DocumentReader
    analyst: ContentAnalyst
    members: MemberProcessor
    manifests: ManifestReader
    recordings: RecordingProcessor
    enricher: Enricher

    def process(self, run: TaskRun, command: ProcessDocument) -> ProcessedDocument:
        """Read a document, then learn what it is about; hand on what is no document."""
        file, reading = self.reader.open(run, command.file_id, again=command.again)
        try:
            return self._process(run, file, reading, command)
        except IsRecording as found:
            return self.recordings.process(run, file, found.kind, command)

    def _process(
        self,
        run: TaskRun,
        file: AttachmentView,
        reading: Reading,
        command: ProcessDocument,
    ) -> ProcessedDocument:
        options = command.options
        wanted = Wanted(
            analysis=options.analyze_content,
            summary=options.generate_summary,
            on_item=options.create_content_item,
        )
        # A summary in other words is shown on the item, or it is not made.
        enriches = wanted.analysis and wanted.summary and wanted.on_item
        is_small = file.size_bytes <= _SMALL_BYTES and command.rerun is None
        with run.stages.gathering(wanted=is_small):
            with reading:
                kind = self.reader.identify(run, file, reading)
                refuse_recording(kind)
                document = self.reader.read(
                    run,
                    file,
                    reading,
                    kind,
                    later_steps=wanted.steps + enriches * self.enricher.steps,
                    ocr=command.options.ocr,
                    options=command.options,
                    rerun=command.rerun,
                )
            learned = self.analyst.learn(
                run,
                attachment_id=file.id,
                item_id=file.item_id,
                file_name=file.file_name,
                kind=kind.kind,
                info=document.info,
                pages=document.pages,
                wanted=wanted,
            )
        analysis, summary = learned.analysis, learned.summary
        enrichment = None
        if enriches and document.characters:
            enrichment = self.enricher.submit(run, file, local_only=options.local_only)
        dependencies = self.manifests.read(run, file, command)
        members = self.members.process(run, file, kind, command)
        return ProcessedDocument(
            mime_type=kind.mime_type,
            pages=document.info.page_count,
            failed_pages=document.numbers(PageStatus.FAILED),
            empty_pages=document.numbers(PageStatus.EMPTY),
            scanned_pages=document.scanned,
            characters=document.characters,
            title=analysis and analysis.title,
            language=analysis and analysis.language,
            document_type=(
                learned.document_type and learned.document_type.document_type
            ),
            category=learned.category and learned.category.category,
            passages=learned.passages,
            key_sentences=len(summary.key_sentences) if summary else 0,
            insights=len(learned.insights.insights) if learned.insights else 0,
            members=members,
            dependencies=dependencies,
            enrichment=enrichment,
        )


def _store_thumbnail(attachment_id: UUID, connection: Db, made: Thumbnail) -> None:
    if made.name is not None:
        store.save_thumbnail(connection, attachment_id, made.name)


def _refuse_nothing(document: Document) -> None:
    pages = document.pages.values.values()
    if any(page.status is PageStatus.OK for page in pages):
        return
    if found_nothing(document.pages.values):  # a photograph is worth keeping, too
        return
    failed = [page for page in pages if page.status is PageStatus.FAILED]
    if failed:
        raise EmptyError(
            f"No page of this document could be read: {failed[0].error or 'damaged'}."
        )
    if document.kind.kind in PICTURED:
        reasons = dict.fromkeys(page.reason for page in pages)
        count = document.info.page_count
        which = "Its page has no" if count == 1 else f"None of its {count} pages has"
        raise EmptyError(f"{which} text: {'. '.join(list(reasons)[:2])}.")
    raise EmptyError("The file holds no text.")


def _whole(pages: DoneUnits[PageText]) -> str:
    return "\n\n".join(page.text for page in pages.values.values() if page.text)


def _characters(pages: DoneUnits[PageText]) -> int:
    return sum(len(page.text) for page in pages.values.values())


def _listed(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    return shown if len(numbers) <= 10 else f"{shown} and {len(numbers) - 10} more"  # noqa: PLR2004 - more would hide the sentence
