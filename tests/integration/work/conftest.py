"""A runner in the test's own process, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.core.db import Database
from prsnl.core.storage import FolderStorage
from prsnl.proving.service import BOOKS, Prover
from prsnl.proving.tasks import TASKS
from prsnl.work.beat import Beat
from prsnl.work.run import Services, TaskRun
from prsnl.work.runner import Runner
from prsnl.work.specs import Catalogue, Command, Result, TaskSpec
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity

OWNER = "ada"


@dataclass(frozen=True)
class Bench:
    """A runner, and the hands to feed it."""

    database: Database
    runner: Runner
    catalogue: Catalogue

    def submit(
        self, spec: TaskSpec, command: Command, *, owner: str = OWNER, **more: object
    ) -> UUID:
        """Submit one task."""
        wanted = submission(spec, command, owner=owner, **more)
        with self.database.transaction() as connection:
            return submit(connection, [wanted])[0].task_id

    def handle(
        self, spec: TaskSpec, handler: Callable[[TaskRun, Command], Result]
    ) -> None:
        """Have a task of this test's own done by *handler*."""
        self.catalogue.handles(spec)(handler)

    def row(self, task_id: UUID) -> dict:
        """The task's row."""
        with self.database.connection() as connection:
            found = connection.execute(
                "select * from tasks where id = %s", [task_id]
            ).fetchone()
        assert found is not None
        return found

    def all(self, statement: str, *values: object) -> list[dict]:
        """Rows of a query."""
        with self.database.connection() as connection:
            return connection.execute(statement, list(values)).fetchall()


@pytest.fixture
def bench(database: Database, storage: FolderStorage) -> Iterator[Bench]:
    """A runner with the counting tasks."""
    with database.connection() as connection:
        connection.execute(BOOKS)
    catalogue = Catalogue.merged([TASKS])
    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
    beat = Beat(database, worker, timedelta(seconds=3))
    runner = Runner(
        database=database,
        storage=storage,
        catalogue=catalogue,
        services=Services({Prover: Prover(database, None)}),
        beat=beat,
        rang=lambda: None,
        waits_scale=0.01,
        provider_probe=timedelta(seconds=0.2),
    )
    with beat.beating():
        yield Bench(database, runner, catalogue)
