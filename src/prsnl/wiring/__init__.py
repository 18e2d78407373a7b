"""Settings to engines to services: the only place that knows all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from prsnl.ai_processing import tasks as ai_processing
from prsnl.core.db import Database
from prsnl.core.errors import SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.service import Work
from prsnl.core.storage import Storage
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.engines.taxonomy.reading import default_taxonomy
from prsnl.file_processing import tasks as file_processing
from prsnl.library import tasks as library
from prsnl.library.bulk import BulkWorker
from prsnl.media_processing import tasks as media_processing
from prsnl.media_processing import video_tasks
from prsnl.monitoring import tasks as monitoring
from prsnl.monitoring.requeueing import Requeuer
from prsnl.monitoring.trying import EngineTrier
from prsnl.webhooks import tasks as webhooks
from prsnl.webhooks.service import Deliverer
from prsnl.wiring import ai, embedding, files, media, models, video
from prsnl.wiring.children import memory_gate, sandbox
from prsnl.wiring.outside import deliverer, gate
from prsnl.wiring.parts import Parts
from prsnl.wiring.storage import storage_of
from prsnl.wiring.trials import trials
from prsnl.work import caps
from prsnl.work.beat import Beat
from prsnl.work.broker import broker_at
from prsnl.work.caps import Caps
from prsnl.work.outside import Gate
from prsnl.work.run import Services
from prsnl.work.specs import Catalogue
from prsnl.work.workers import WorkerIdentity

CATALOGUE: Final = Catalogue.merged(
    [
        file_processing.TASKS,
        ai_processing.TASKS,
        media_processing.TASKS,
        library.TASKS,
        video_tasks.TASKS,
        monitoring.TASKS,
        webhooks.TASKS,
    ]
)


@dataclass(frozen=True)
class Wiring:
    """What a process of the product is made of."""

    settings: Settings
    database_url: str
    broker_url: str
    storage: Storage
    catalogue: Catalogue = CATALOGUE
    operations: dict[str, str] = field(default_factory=lambda: dict(OPERATIONS))
    #: How many tasks may run and wait; the scheduler puts it in force.
    caps: Caps = caps.NONE

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

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """What the documents of those are sorted by who have set nothing."""
        return default_taxonomy(self.settings.storage.folder)

    def sandbox(self) -> SandboxPool:
        """The children of one process; a context manager."""
        return sandbox(
            self.settings, self.operations, memory=memory_gate(self.settings)
        )

    @contextmanager
    def services(self, database: Database) -> Iterator[Services]:
        """What the tasks are done with, as long as the block runs."""
        with self.sandbox() as children, models.opened(self.settings) as model:
            parts = Parts(
                self.settings, database, self.storage, children, self.taxonomy
            )
            outside = gate(self.settings, database)
            with (
                embedding.embedder(parts, outside) as embedder,
                media.transcriber(parts) as hearing,
            ):
                analyst = ai.analyst(parts, embedder)
                yield Services(
                    {
                        SandboxPool: children,
                        Gate: outside,
                        Deliverer: deliverer(self.settings, database),
                        BulkWorker: BulkWorker(database, self.storage),
                        Requeuer: Requeuer(database),
                        EngineTrier: EngineTrier(trials(self.settings, children)),
                    }
                    | ai.services(parts, analyst, model)
                    | files.services(parts, analyst, model)
                    | media.services(parts, analyst, hearing, model)
                    | video.services(parts, analyst, hearing, model),
                    local_only=self.settings.privacy.local_only,
                )


def read(settings: Settings | None = None) -> Wiring:
    """Wire a process from the settings.

    Raises:
        SettingsError: A setting is missing or wrong, or the taxonomy in the data
            folder is; the message names it.
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
    models.llm_access(settings)  # what is missing is told at the start
    embedding.embedding_access(settings)
    broker_at(broker_url.get_secret_value())
    storage = storage_of(settings)
    storage.prepare()
    default_taxonomy(settings.storage.folder)
    return Wiring(
        settings,
        database_url.get_secret_value(),
        broker_url.get_secret_value(),
        storage,
        caps=caps_of(settings.work),
    )


def caps_of(own: Work) -> Caps:
    """How many tasks may run and wait, as it is set.

    Raises:
        SettingsError: A setting names no queue of ours, or no number.
    """
    return caps.parsed(
        own.owner_running_max,
        own.owner_queued_max,
        own.queue_running_max,
        own.queue_queued_max,
    )
