"""A runner in the test's own process, on a real database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from prsnl.core.db import Database, Db, Row
from prsnl.core.storage import FolderStorage
from prsnl.proving.service import BOOKS, Prover
from prsnl.proving.specs import SPREAD, Count, Spread
from prsnl.proving.tasks import TASKS
from prsnl.work.beat import Beat
from prsnl.work.claim import Claim, Ending, Fence, claim, end
from prsnl.work.limits import Limits
from prsnl.work.outside import Gate
from prsnl.work.progress import Step
from prsnl.work.queues import Queue
from prsnl.work.run import Services, TaskRun
from prsnl.work.runner import Runner
from prsnl.work.specs import Catalogue, Command, Result, Status, TaskSpec
from prsnl.work.stages import Stage
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity
from tests.fakes.asking import Asking
from tests.fakes.llm_server import LlmServer, llm_server

OWNER = "ada"
LEASE = timedelta(seconds=3)
T = TypeVar("T")
C = TypeVar("C", bound=Command)
R = TypeVar("R", bound=Result)


class Job(Command):
    """Whatever the test's own handler makes of it."""

    word: str = ""


class Made(Result):
    word: str = ""


JOB = TaskSpec(
    name="job_task",
    queue=Queue.FILE_PROCESSING,
    command=Job,
    result=Made,
    retry_waits_s=(60, 120),
)


LEAVES = Spread(children=2, at_once=2, child=Count(stages=1, work_ms=0))


def stage(name: str = "write", version: int = 1) -> Stage[Made]:
    """A stage of the test's own."""
    return Stage(name=name, version=version, result=Made, title=name.capitalize())


def nothing(_connection: Db, _value: object) -> None:
    """A stage without effects."""


@dataclass(frozen=True)
class Bench:
    """A runner, and the hands to feed it."""

    database: Database
    storage: FolderStorage
    catalogue: Catalogue
    runner: Runner
    threads: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)

    @property
    def beat(self) -> Beat:
        """The beat of the runner."""
        return self.runner.beat

    def submit(
        self,
        spec: TaskSpec[C, R],
        command: C,
        *,
        owner: str = OWNER,
        key: str | None = None,
    ) -> UUID:
        """Submit one task."""
        wanted = submission(spec, command, owner=owner, idempotency_key=key)
        with self.database.transaction() as connection:
            return submit(connection, [wanted])[0].task_id

    def handle(self, handler: Callable[[TaskRun, Job], Made]) -> None:
        """Have `JOB` done by *handler* from now on."""
        self.catalogue.handlers[JOB.name] = (JOB, handler)

    def job(
        self,
        handler: Callable[[TaskRun, Job], Made] = lambda *_: Made(),
        *,
        word: str = "",
        owner: str = OWNER,
    ) -> UUID:
        """Submit one `JOB` that *handler* does."""
        self.handle(handler)
        return self.submit(JOB, Job(word=word), owner=owner)

    def run(self, handler: Callable[[TaskRun, Job], Made]) -> Row:
        """Submit one `JOB`, have it done, and give its row."""
        task_id = self.job(handler)
        self.runner.execute(task_id)
        return self.row(task_id)

    def row(self, task_id: UUID) -> Row:
        """The task's row."""
        (found,) = self.all("select * from tasks where id = %s", task_id)
        return found

    def status(self, task_id: UUID) -> str:
        """The task's state."""
        return str(self.row(task_id)["status"])

    def all(self, statement: str, *values: object) -> list[Row]:
        """Rows of a query."""
        with self.database.connection() as connection:
            return connection.execute(statement, list(values)).fetchall()

    def set(self, task_id: UUID, assignments: str, *values: object) -> None:
        """Change the row by hand, as time would."""
        with self.database.connection() as connection:
            done = connection.execute(
                f"update tasks set {assignments} where id = %s", [*values, task_id]
            )
            assert done.rowcount == 1

    def hurry(self, task_id: UUID) -> None:
        """Let the wait of a task be over."""
        self.set(task_id, "due_at = now()")

    def expire(self, task_id: UUID) -> None:
        """Let the lease of a task be over."""
        self.set(task_id, "lease_until = now() - interval '1 second'")

    def do(self, work: Callable[[Db], T]) -> T:
        """Do something with the product's own functions."""
        with self.database.connection() as connection:
            return work(connection)

    def claim(self, task_id: UUID, *, lease: timedelta = LEASE) -> Claim:
        """Claim as a worker of its own."""
        claimed = self.do(
            lambda c: claim(
                c,
                task_id,
                worker_id=WorkerIdentity(kind="worker").id,
                lease=lease,
                is_again=False,
            )
        )
        assert claimed is not None
        return claimed

    def task_run(self, claimed: Claim) -> TaskRun:
        """What the handler of a claim gets."""
        return TaskRun(
            claimed,
            self.runner.services,
            self.database,
            self.storage,
            rang=lambda: None,
            told=lambda: None,
        )

    def end(self, claimed: Claim, status: Status, message: str = "") -> Fence:
        """End a claim."""
        ending = self.ending(status, message)
        return self.do(lambda c: end(c, claimed, ending))

    def ending(self, status: Status, message: str = "") -> Ending:
        """How a claim ends that did nothing."""
        step = Step(0, None, "", is_event=True)
        return Ending(status=status, step=step, message=message)

    def another(self, database: Database | None = None) -> Runner:
        """The runner of a second worker, whose beat does not run."""
        worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
        return replace(
            self.runner,
            database=database or self.database,
            beat=Beat(self.database, worker, LEASE),
            _in_hand=set(),
            _lock=threading.Lock(),
        )

    def meanwhile(self, work: Callable[[], T]) -> Future[T]:
        """Do something in a thread."""
        return self.threads.submit(work)

    def until(
        self, condition: Callable[[], object], *, timeout_s: float = 30.0
    ) -> None:
        """Wait until something holds."""
        gives_up_at = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < gives_up_at, "it never came true"
            time.sleep(0.01)

    def somebody_waits_for_a_lock(self) -> bool:
        """Whether a connection to this database is blocked by another."""
        (row,) = self.all(
            "select exists (select 1 from pg_stat_activity where wait_event_type = "
            "'Lock' and datname = current_database()) as is_so"
        )
        return bool(row["is_so"])

    def log(self, task_id: UUID) -> list[str]:
        """How each claim of a task ended."""
        rows = self.all(
            "select status from celery_task_results where task_id = %s "
            "order by claim_no",
            task_id,
        )
        return [row["status"] for row in rows]

    def events(self, task_id: UUID) -> list[str]:
        """The states in the task's events."""
        rows = self.all(
            "select status from task_progress where task_id = %s order by seq, id",
            task_id,
        )
        return [row["status"] for row in rows]


def nested_family(bench: Bench) -> tuple[UUID, UUID, list[UUID]]:
    """A batch that waits for an archive that waits for its two members, and all ids."""
    batch, archive = bench.submit(SPREAD, LEAVES), bench.submit(SPREAD, LEAVES)
    bench.set(archive, "parent_id = %s", batch)
    bench.set(
        batch,
        "status = 'waiting', children_open = 1, children_at_once = 1, total = 1, "
        "claim_no = 1",
    )
    bench.all(
        "insert into task_stages (task_id, stage, claim_no, checkpoint_key, "
        "milliseconds) values (%s, 'children', 1, '', 0) returning 1 as ok",
        batch,
    )
    bench.runner.execute(archive)
    rows = bench.all("select id from tasks where parent_id = %s order by id", archive)
    return batch, archive, [row["id"] for row in rows]


def counted(bench: Bench) -> Callable[[Db, Made], None]:
    """An effect that counts how often it was applied, by word."""
    bench.do(
        lambda c: c.execute(
            "create table if not exists effects (word text primary key, n int)"
        )
    )

    def store(connection: Db, made: Made) -> None:
        connection.execute(
            "insert into effects values (%s, 1) "
            "on conflict (word) do update set n = effects.n + 1",
            [made.word],
        )

    return store


def counted_units(bench: Bench) -> Callable[[Db, Mapping[int, Made]], None]:
    """The same for stages of several units."""
    store = counted(bench)

    def store_all(connection: Db, made: Mapping[int, Made]) -> None:
        for one in made.values():
            store(connection, one)

    return store_all


def effects(bench: Bench) -> dict[str, int]:
    """How often each effect was applied."""
    rows = bench.all("select word, n from effects")
    return {row["word"]: row["n"] for row in rows}


@pytest.fixture
def bench(database: Database, storage: FolderStorage) -> Iterator[Bench]:
    """A runner with the counting tasks."""
    with database.connection() as connection:
        connection.execute(BOOKS)
    catalogue = Catalogue.merged([TASKS])
    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
    services: dict[type[Any], Any] = {Prover: Prover(database, None)}
    runner = Runner(
        database=database,
        storage=storage,
        catalogue=catalogue,
        services=Services(services),
        beat=Beat(database, worker, LEASE),
        rang=lambda: None,
        told=lambda: None,
        waits_scale=0.01,
        provider_probe=timedelta(seconds=0.2),
    )
    with ThreadPoolExecutor() as threads, runner.beat.beating():
        yield Bench(database, storage, catalogue, runner, threads)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    """A provider."""
    with llm_server() as made:
        yield made


@pytest.fixture
def asking(bench: Bench, server: LlmServer) -> Iterator[Asking]:
    """Tasks that ask it, without a limit."""
    with Asking.open(server, Gate(database=bench.database, limits=Limits())) as made:
        yield made


@pytest.fixture
def machine(bench: Bench) -> Iterator[type[Any]]:
    """The machine of random stories, on the test's own database."""
    # It is made of this module's hands.
    from tests.integration.work.machine.machine import Machine  # noqa: PLC0415

    counted(bench)
    with capture_logs(), ThreadPoolExecutor(max_workers=200) as threads:

        class Bound(Machine):
            pass

        Bound.bench, Bound.threads = bench, threads
        yield Bound
