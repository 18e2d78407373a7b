"""Settings to engines to services: the only place that knows all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from prsnl.ai_processing import tasks as ai_processing
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.core.db import Database
from prsnl.core.errors import BadRequestError, SettingsError
from prsnl.core.settings import Children, Ocr, Settings
from prsnl.core.storage import FolderStorage
from prsnl.engines import documents, ocr
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.ocr.languages import codes_of
from prsnl.engines.ocr.tessdata import command_for
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.file_processing import tasks as file_processing
from prsnl.file_processing.analysis import FileAnalyst
from prsnl.file_processing.batch import BatchProcessor
from prsnl.file_processing.manifests import ManifestReader
from prsnl.file_processing.members import MemberProcessor
from prsnl.file_processing.recognition import Recognizer
from prsnl.file_processing.service import (
    DocumentProcessor,
    DocumentReader,
    TextExtractor,
)
from prsnl.file_processing.slots import Slots, usual_count
from prsnl.work.beat import Beat
from prsnl.work.run import Services
from prsnl.work.specs import Catalogue
from prsnl.work.workers import WorkerIdentity

#: Named, not imported: only a child has use for what they load.
_TEXT_PRELOAD: Final = ("prsnl.engines.text", "prsnl.engines.embedding.minilm")

CATALOGUE: Final = Catalogue.merged([file_processing.TASKS, ai_processing.TASKS])


@dataclass(frozen=True)
class Wiring:
    """What a process of the product is made of."""

    settings: Settings
    database_url: str
    broker_url: str
    storage: FolderStorage
    catalogue: Catalogue = CATALOGUE
    operations: dict[str, str] = field(default_factory=lambda: dict(OPERATIONS))

    def database(self, name: str, *, size: int) -> AbstractContextManager[Database]:
        """A pool of *size* connections, as long as the block runs."""
        return Database.open(
            self.database_url,
            size=size,
            name=name,
            patience_s=self.settings.work.lease_s.total_seconds() * 0.7,
        )

    def beat(
        self, database: Database, worker: WorkerIdentity, services: Services
    ) -> Beat:
        """The beat of a worker process; its row tells what its sandbox lacks."""
        children = services.get(SandboxPool)

        def trouble() -> str | None:
            layers = children.layers
            return None if layers is None else " ".join(layers.missing()) or None

        return Beat(database, worker, self.settings.work.lease_s, trouble)

    def sandbox(self) -> SandboxPool:
        """The children of one process; a context manager."""
        return sandbox(self.settings, self.operations)

    @contextmanager
    def services(self, database: Database) -> Iterator[Services]:
        """What the tasks are done with, as long as the block runs."""
        timeout_s = self.settings.children.child_unit_timeout_s.total_seconds()
        with self.sandbox() as children:
            analyst = ContentAnalyst(
                database,
                children,
                timeout_s,
                self.settings.embedding.embedding_passages,
            )
            reader = DocumentReader(
                database,
                self.storage,
                children,
                timeout_s,
                recognizer(self.settings, children, self.storage),
            )
            yield Services(
                {
                    SandboxPool: children,
                    ContentAnalyst: analyst,
                    DocumentReader: reader,
                    TextExtractor: TextExtractor(reader),
                    DocumentProcessor: DocumentProcessor(
                        reader,
                        analyst,
                        MemberProcessor(database, self.storage, children, timeout_s),
                        ManifestReader(self.storage, children, timeout_s),
                    ),
                    FileAnalyst: FileAnalyst(reader, analyst),
                    BatchProcessor: BatchProcessor(database),
                }
            )


def read(settings: Settings | None = None) -> Wiring:
    """Wire a process from the settings.

    Raises:
        SettingsError: A setting is missing or wrong; the message names it.
    """
    settings = settings or Settings.read()
    database_url, broker_url = (
        settings.database.database_url,
        settings.broker.broker_url,
    )
    if database_url is None or broker_url is None:
        raise SettingsError(
            "PRSNL_DATABASE_URL and PRSNL_BROKER_URL are not set, and this process "
            "starts no servers: set both, or run ./prsnl up, which does."
        )
    folder = FolderStorage(storage_folder(settings))
    folder.prepare()
    return Wiring(
        settings,
        database_url.get_secret_value(),
        broker_url.get_secret_value(),
        folder,
    )


def storage_folder(settings: Settings) -> Path:
    """Where uploads and results are kept."""
    url = settings.storage.storage_url
    if url is None:
        return settings.storage.data_dir.expanduser().absolute() / "storage"
    parts = urlparse(url)
    if parts.scheme != "file" or not parts.path:
        raise SettingsError(
            "PRSNL_STORAGE_URL is not a file:// address of a folder; nothing else is "
            "supported here."
        )
    return Path(unquote(parts.path))


def sandbox(settings: Settings, operations: dict[str, str] = OPERATIONS) -> SandboxPool:
    """The children that read files and texts; a context manager."""
    own = settings.children
    return SandboxPool(
        scratch_root=settings.storage.data_dir.expanduser().absolute() / "scratch",
        limits=ChildLimits(disk_bytes=own.child_disk_bytes),
        profiles=_profiles(own) | _ocr_profiles(settings.ocr, own),
        operations=operations,
    )


def _profiles(own: Children) -> dict[str, Profile]:
    """Two kinds, and each once more with twice the room for a second try."""

    def document(factor: int) -> Profile:
        return Profile(
            preload=documents.PRELOAD,
            spare=2 - factor,
            reuse="task",
            idle=own.child_idle_s,
            memory_bytes=own.child_memory_bytes * factor,
        )

    def text(factor: int) -> Profile:
        return Profile(
            preload=_TEXT_PRELOAD,
            spare=2 - factor,
            reuse="shared" if factor == 1 else "task",
            idle=own.child_idle_s,
            memory_bytes=own.child_memory_bytes * factor,
        )

    return {
        "document": document(1),
        "document with more room": document(2),
        "text": text(1),
        "text with more room": text(2),
    }


def recognizer(
    settings: Settings, children: SandboxPool, storage: FolderStorage
) -> Recognizer:
    """What recognises pages.

    Raises:
        SettingsError: PRSNL_OCR_LANGUAGES names no languages.
    """
    own = settings.ocr
    try:
        languages = codes_of(own.ocr_languages or "")
    except BadRequestError as error:
        raise SettingsError(f"PRSNL_OCR_LANGUAGES is wrong: {error.message}") from error
    return Recognizer(
        sandbox=children,
        storage=storage,
        slots=Slots(
            settings.storage.folder / "ocr-slots",
            own.ocr_concurrency or usual_count(),
        ),
        engines=ocr_table.installed(own.ocr_engine),
        languages=languages,
        page_timeout_s=own.ocr_page_timeout_s.total_seconds(),
        pixels_max=own.ocr_page_pixels,
        off_because=_why_no_ocr(own),
    )


def _why_no_ocr(own: Ocr) -> str:
    if own.ocr_engine == ocr_table.NONE:
        return "OCR is switched off (PRSNL_OCR_ENGINE=none)"
    return f"there is no OCR engine here: {command_for()}"


def _ocr_profiles(own: Ocr, children: Children) -> dict[str, Profile]:
    """Pages are hostile bytes, too: a task has children of its own."""
    engines = ocr_table.installed(own.ocr_engine)
    loaded = ocr.PRELOAD_OF[engines[0].name] if engines else ()

    def profile(factor: int) -> Profile:
        return Profile(
            preload=(*ocr.PRELOAD, *loaded),
            spare=2 - factor,
            idle=children.child_idle_s,
            memory_bytes=own.ocr_memory_bytes * factor,
            model_folders=tuple(
                folder for engine in engines for folder in engine.folders
            ),
        )

    return {"ocr": profile(1), "ocr with more room": profile(2)}
