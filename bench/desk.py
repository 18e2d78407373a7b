"""A worker in the measuring process itself, on servers of its own."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.one_worker import runner_on

from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.wiring import Wiring, read
from prsnl.work import ledger
from prsnl.work.ledger import TaskView
from prsnl.work.runner import Runner
from prsnl.work.submit import Submission, submit
from scratch import scratch

OWNER = "bench"


@dataclass(frozen=True)
class Desk:
    """Where tasks are done at once."""

    wiring: Wiring
    database: Database
    runner: Runner

    def put(self, path: Path) -> AttachmentView:
        """Store a file."""
        content = path.read_bytes()
        sha256 = self.wiring.storage.put_bytes(content)
        assert sha256 == hashlib.sha256(content).hexdigest()
        file = store.NewFile(OWNER, path.name, len(content), sha256)
        with self.database.connection() as connection:
            return store.add_file(connection, file)[0]

    def run(self, wanted: Submission) -> TaskView:
        """Do a task, from its submit to its end."""
        with self.database.connection() as connection:
            submit(connection, [wanted])
        self.runner.execute(wanted.id)
        with self.database.connection() as connection:
            return ledger.task(connection, wanted.id, owner=wanted.owner)


@contextmanager
def desk(llm: Llm | None = None) -> Iterator[Desk]:
    """A worker, as long as the block runs; its first child is cold."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o711)
        stack = opened.enter_context(scratch())
        settings = Settings.read()
        here = settings.storage.model_copy(update={"data_dir": folder / "data"})
        urls = stack.urls
        wiring = read(
            replace(
                settings,
                storage=here,
                database=settings.database.model_copy(
                    update={"database_url": SecretStr(urls.database_url)}
                ),
                broker=settings.broker.model_copy(
                    update={"broker_url": SecretStr(urls.broker_url)}
                ),
                llm=llm or settings.llm,
            )
        )
        runner = opened.enter_context(runner_on(wiring, waits_scale=1))
        yield Desk(wiring, runner.database, runner)
