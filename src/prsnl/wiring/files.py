"""What the file_processing queue is done with."""

from __future__ import annotations

from functools import partial
from typing import Any

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.core.errors import BadRequestError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Ocr
from prsnl.core.storage import Storage
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.ocr.languages import codes_of
from prsnl.engines.ocr.tessdata import command_for
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.analysis import FileAnalyst
from prsnl.file_processing.batch import BatchProcessor
from prsnl.file_processing.manifests import ManifestReader
from prsnl.file_processing.members import MemberProcessor
from prsnl.file_processing.recognition import Recognizer
from prsnl.file_processing.recordings import RecordingProcessor
from prsnl.file_processing.service import (
    DocumentProcessor,
    DocumentReader,
    TextExtractor,
)
from prsnl.file_processing.slots import Slots, usual_count
from prsnl.library.routing import processing_of
from prsnl.wiring.parts import Parts


def services(
    parts: Parts, analyst: ContentAnalyst, model: LanguageModel | None = None
) -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    database, storage, children = parts.database, parts.storage, parts.children
    timeout_s = parts.unit_timeout_s
    reader = DocumentReader(
        database,
        storage,
        children,
        timeout_s,
        recognizer(parts.settings, children, storage),
    )
    return {
        DocumentReader: reader,
        TextExtractor: TextExtractor(reader),
        DocumentProcessor: DocumentProcessor(
            reader,
            analyst,
            MemberProcessor(database, storage, children, timeout_s),
            ManifestReader(storage, children, timeout_s),
            RecordingProcessor(partial(processing_of, storage)),
            Enricher(model),
        ),
        FileAnalyst: FileAnalyst(reader, analyst),
        BatchProcessor: BatchProcessor(),
    }


def recognizer(
    settings: Settings, children: SandboxPool, storage: Storage
) -> Recognizer:
    """What recognises pages.

    Raises:
        SettingsError: PRSNL_OCR_LANGUAGES names no languages.
    """
    own = settings.ocr
    return Recognizer(
        sandbox=children,
        storage=storage,
        slots=Slots(
            settings.storage.folder / "ocr-slots",
            own.ocr_concurrency or usual_count(),
        ),
        engines=ocr_table.installed(own.ocr_engine),
        languages=set_languages(own),
        page_timeout_s=own.ocr_page_timeout_s.total_seconds(),
        pixels_max=own.ocr_page_pixels,
        off_because=why_no_ocr(own),
    )


def set_languages(own: Ocr) -> tuple[str, ...]:
    """What scans are written in, as set.

    Raises:
        SettingsError: PRSNL_OCR_LANGUAGES names no languages.
    """
    try:
        return codes_of(own.ocr_languages or "")
    except BadRequestError as error:
        raise SettingsError(f"PRSNL_OCR_LANGUAGES is wrong: {error.message}") from error


def why_no_ocr(own: Ocr) -> str:
    """Why nothing is recognised, where there is no engine."""
    if own.ocr_engine == ocr_table.NONE:
        return "OCR is switched off (PRSNL_OCR_ENGINE=none)"
    return f"there is no OCR engine here: {command_for()}"
