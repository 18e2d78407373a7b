"""A connection is lost, or a process dies, at every boundary of every operation.

Each operation runs once undisturbed, which tells its boundaries. Then it runs once for
each of them, and is cut there. Who lost a connection goes on by itself, and the books
must then be the same to the letter. Who died does nothing more: his lease runs out, the
client asks again, and at the end of all work the books must be the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from prsnl.core import db
from prsnl.core.db import Database
from prsnl.core.errors import (
    BadRequestError,
    ConflictError,
    ProviderDownError,
    PrsnlError,
    UnavailableError,
)
from prsnl.work import control, dead_letters, limits, providers, renewed
from prsnl.work.beat import Beat
from prsnl.work.dead_letters import Cause
from prsnl.work.queues import Queue
from prsnl.work.reaper import reap
from prsnl.work.relay import Relay, celery_app
from prsnl.work.run import Deferred, Drained, TaskRun
from prsnl.work.runner import Runner
from prsnl.work.slots import HEAVY, taken
from prsnl.work.specs import Catalogue
from prsnl.work.submit import Submission, submission, submit
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.brokers import box_at
from tests.integration.work.conftest import (
    JOB,
    LEASE,
    OWNER,
    Bench,
    Job,
    Made,
    counted,
    stage,
)
from tests.integration.work.machine.hands import LONG, HeldBack
from tests.integration.work.machine.steps import TABLES
from tests.saboteurs.planted_bugs import CRASH_BUGS, Bug
from tests.saboteurs.severing import Killed, Saboteur, severed

PROVIDER: Final = "far"
LIMIT: Final = "budget"
MOST_ROUNDS: Final = 60
#: How a check fails.
FOUND: Final = (AssertionError, PrsnlError, pytest.fail.Exception)


@dataclass
class World:
    """A database with nothing in it, and one process that is cut."""

    bench: Bench
    #: The cut process's own.
    database: Database
    saboteur: Saboteur
    broker_url: str
    #: What went wrong once, and does not again.
    had: set[tuple[str, UUID]] = field(default_factory=set)
    ids: dict[str, UUID] = field(default_factory=dict)
    wanted: list[Submission] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        self.had.clear()
        self.ids.clear()
        self.wanted.clear()
        self.saboteur.begin()
        with self.bench.database.connection() as connection:
            for table in TABLES:
                connection.execute(f"delete from {table}")
            renewed.begin_with(connection, "before")
        with box_at(self.broker_url) as broker:
            broker.forget()

    def submit(self, *words: str) -> None:
        """Submit a task for each word."""
        for word in words:
            self.ids[word] = self.bench.submit(JOB, Job(word=word))

    def process(self, database: Database) -> Runner:
        """A worker process."""
        worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
        return replace(
            self.bench.runner,
            database=database,
            catalogue=Catalogue({JOB.name: (JOB, self._do)}),
            beat=Beat(database, worker, LONG),
            waits_scale=1000.0,
            provider_probe=LONG,
            _in_hand=set(),
            _lock=threading.Lock(),
        )

    def cut(self) -> Runner:
        """The process that is cut."""
        return self.process(self.database)

    def whole(self) -> Runner:
        """Another, which nothing happens to."""
        return self.process(self.bench.database)

    def work(self, word: str) -> None:
        """Have a task done, or tried, undisturbed."""
        self.whole().execute(self.ids[word])

    def child(self, word: str, number: int) -> UUID:
        """A child of a task, by its place."""
        rows = self.bench.all(
            "select id from tasks where parent_id = %s order by id", self.ids[word]
        )
        return UUID(str(rows[number]["id"]))

    def _do(self, run: TaskRun, job: Job) -> Made:
        """Be a task's function: what its word says, once, and then the work."""
        self._go_wrong(run, job)
        if job.word == "large":
            with taken(run, HEAVY):
                self._let_another_wait()
                return self._work(run, job)
        if job.word == "parent":
            wanted = [
                submission(JOB, Job(word="child"), owner=OWNER, parent_id=run.task_id)
                for _ in range(3)
            ]
            run.children(wanted, at_once=2)
        return self._work(run, job)

    def _go_wrong(self, run: TaskRun, job: Job) -> None:
        if job.word == "refused":
            raise BadRequestError("Not like that.")
        if (job.word, run.task_id) in self.had:
            return
        self.had.add((job.word, run.task_id))
        match job.word:
            case "mended":
                raise BadRequestError("Not like that.")
            case "unlucky":
                raise UnavailableError("Not now.")
            case "parked":
                raise ProviderDownError("Away.", provider=PROVIDER)
            case "deferred":
                raise Deferred("Not its turn.", waits_for=LIMIT)
            case "drained":
                run.stop(Drained())
                run.check()

    def _let_another_wait(self) -> None:
        waiter = self.ids.get("waiter")
        if waiter is not None and ("waits", waiter) not in self.had:
            self.had.add(("waits", waiter))
            self.whole().execute(waiter)

    def _work(self, run: TaskRun, job: Job) -> Made:
        store = counted(self.bench)
        for name in ("read", "write"):
            run.stage(
                stage(name),
                inputs=[job.word.encode(), run.task_id.bytes],
                work=partial(Made, word=f"{run.task_id} {name}"),
                store=store,
            )
        return Made(word=job.word)

    def settle(self) -> None:
        """Let time go by until everything has ended."""
        runner = self.whole()
        for _ in range(MOST_ROUNDS):
            with self.bench.database.connection() as connection:
                connection.execute(
                    "update tasks set due_at = least(due_at, now()), lease_until = "
                    "least(lease_until, now() - interval '1 second')"
                )
                reap(connection)
                providers.release(connection)
                providers.wake(connection)
                limits.wake(connection)
            rows = self.bench.all(
                "select id, status, held from tasks where finished_at is null"
            )
            if not rows:
                return
            for row in rows:
                runner.execute(row["id"])
        pytest.fail("some tasks never end")

    def books(self, *, to_the_letter: bool) -> dict[str, Any]:
        """What must be the same, whatever was cut."""
        bench = self.bench
        tasks = bench.all(
            "select t.id, t.command ->> 'word' as word, t.status, t.children_open, "
            "t.held, t.error_code, t.claim_no, t.retries, t.crashes, t.current, "
            "t.provider, t.waits_for, t.slot is not null as has_slot "
            "from tasks t order by t.id"
        )
        names = {row["id"]: str(number) for number, row in enumerate(tasks)}
        told: dict[str, Any] = {
            "effects": sorted(
                (names[UUID(row["word"].split()[0])], row["word"].split()[1], row["n"])
                for row in bench.all("select word, n from effects")
            ),
            "guards": sorted(
                (names[row["task_id"]], row["stage"])
                for row in bench.all("select task_id, stage from task_stages")
            ),
            "slots": [
                names[row["task_id"]]
                for row in bench.all(
                    "select task_id from machine_slots where task_id is not null"
                )
            ],
        }
        kept = ("word", "status", "children_open", "error_code")
        if to_the_letter:
            kept = tuple(name for name in tasks[0] if name != "id") if tasks else ()
            told["log"] = [(names[row["id"]], bench.log(row["id"])) for row in tasks]
            told["events"] = [
                (names[row["id"]], [s for s, _ in groupby(bench.events(row["id"]))])
                for row in tasks
            ]
            told["providers"] = bench.all(
                "select name, state, batch, next_try_at <= now() as is_due "
                "from providers"
            )
        told["tasks"] = [{name: row[name] for name in kept} for row in tasks]
        return told


@dataclass(frozen=True)
class Operation:
    """Something that one process does, and that may be cut anywhere."""

    name: str
    #: What was there before.
    prepare: Callable[[World], None]
    #: What is done, on the database whose connections are cut.
    do: Callable[[World], None]
    #: What follows the death of who did it, beside the lease that runs out.
    again: Callable[[World], None] = lambda _: None

    def __str__(self) -> str:
        return self.name


def executes(name: str, word: str, *before: Callable[[World], None]) -> Operation:
    """A worker that does one task of a word."""

    def prepare(world: World) -> None:
        world.submit(word)
        for one in before:
            one(world)

    return Operation(name, prepare, lambda w: _execute(w, w.ids[word]))


def _execute(world: World, task_id: UUID) -> None:
    world.cut().execute(task_id)


def asks(
    name: str, prepare: Callable[[World], None], asked: Callable[..., object]
) -> Operation:
    """A person who asks for something, and asks again when nothing was heard."""

    def again(world: World) -> None:
        with suppress(ConflictError):  # it was done, and cannot be done twice
            world.bench.do(partial(asked, world))

    return Operation(
        name, prepare, lambda world: world.database.run(partial(asked, world)), again
    )


def _retry(world: World, word: str) -> None:
    """Ask as the API does: it knows when it asks again."""
    tries = iter((False,))
    world.database.run(
        lambda connection: control.retry(
            connection, world.ids[word], owner=OWNER, is_again=next(tries, True)
        )
    )


def retries(name: str, word: str, prepare: Callable[[World], None]) -> Operation:
    """A person who retries, and does it again when nothing was heard."""

    def again(world: World) -> None:
        with suppress(ConflictError):  # it was done, and cannot be done twice
            world.bench.do(partial(control.retry, task_id=world.ids[word], owner=OWNER))

    return Operation(name, prepare, lambda world: _retry(world, word), again)


def chores(
    name: str, prepare: Callable[[World], None], chore: Callable[..., object]
) -> Operation:
    """A scheduler's chore, which another does too."""
    return Operation(
        name,
        prepare,
        lambda world: world.database.run(chore),
        lambda world: world.bench.do(chore),
    )


def _submit(world: World, database: Database) -> None:
    """Submit what the same request is about, however often."""
    database.run(partial(submit, wanted=world.wanted))


def _wanted(key: str | None) -> Submission:
    return submission(JOB, Job(word="one"), owner=OWNER, idempotency_key=key)


def _spread(world: World) -> None:
    """A parent that waits for three children, two of them free."""
    world.submit("parent")
    world.work("parent")


def _last_child(world: World) -> None:
    _spread(world)
    for number in range(2):
        world.whole().execute(world.child("parent", number))


def _closing(world: World) -> None:
    _last_child(world)
    world.whole().execute(world.child("parent", 2))


def _family(world: World) -> None:
    """A parent with a child that runs, one that is queued and one that is held."""
    _spread(world)
    world.bench.claim(world.child("parent", 0), lease=LONG)


def _failed_child(world: World) -> None:
    """A parent that has ended with two failed children."""
    _spread(world)
    for number in range(2):
        claimed = world.bench.claim(world.child("parent", number))
        world.bench.end(claimed, status="failure")  # type: ignore[arg-type]
    world.whole().execute(world.child("parent", 2))
    world.work("parent")


def _failed(world: World) -> None:
    world.submit("mended")
    world.work("mended")


def _silent(world: World) -> None:
    """A child and a task of its own whose workers are gone, one of them cancelled."""
    _family(world)
    world.submit("one", "two")
    for word in ("one", "two"):
        world.bench.claim(world.ids[word])
    control_cancel = partial(control.cancel, task_id=world.ids["two"], owner=OWNER)
    world.bench.do(control_cancel)
    world.bench.all(
        "update tasks set lease_until = now() - interval '1 s' "
        "where status = 'running' returning 1"
    )


def _parked(world: World) -> None:
    world.submit("parked", "deferred")
    world.work("parked")
    world.work("deferred")
    world.bench.do(providers.release)


def _probe(world: World) -> None:
    world.work("parked")
    world.bench.do(providers.release)
    world.bench.do(providers.wake)


def _taken_slot(world: World) -> None:
    """Another holds the slot."""
    other = world.bench.submit(JOB, Job(word="large"))
    run = world.bench.task_run(world.bench.claim(other, lease=LONG))
    taken(run, HEAVY).__enter__()


def _waiter(world: World) -> None:
    """Another comes to want the slot while the task is in it."""
    world.ids["waiter"] = world.bench.submit(JOB, Job(word="large"))


def _turn(world: World) -> None:
    runner = replace(world.cut(), finisher=HeldBack())
    assert isinstance(runner.finisher, HeldBack)
    runner.finisher.keeps = True
    runner.execute(world.ids["one"])
    runner.execute(world.ids["two"])
    kept = runner.finisher.take()
    if kept is not None:
        runner._end(kept)


class Silence:
    """Who is told of nothing: the relay looks when it is told to."""

    def wait(self, _timeout_s: float) -> None:
        """Not at all."""

    def close(self) -> None:
        """Nothing is open."""


def _relay(world: World, database: Database) -> None:
    with (
        closing(celery_app(world.broker_url)) as app,
        closing(
            Relay(
                database,
                app,
                Silence(),  # type: ignore[arg-type]
                resend_after=LEASE * 0,
            )
        ) as relay,
    ):
        for _ in range(3):
            relay._checked_at = float("-inf")
            with suppress(UnavailableError):
                relay.turn()


def _due(world: World) -> None:
    world.submit("one", "two")
    worker = WorkerIdentity(
        kind="worker", queues=(str(Queue.FILE_PROCESSING),), slots=4
    )
    world.bench.do(lambda c: say_seen(c, worker))


def _hinted(world: World) -> None:
    """Check that a hint for each due task is in the broker."""
    _relay(world, world.bench.database)
    with box_at(world.broker_url) as broker:
        told = {one.headers["id"] for one in broker.messages(Queue.FILE_PROCESSING)}
    for row in world.bench.all("select id from tasks where status = 'queued'"):
        assert str(row["id"]) in told, "a task that nobody hears of"


OPERATIONS: Final = (
    asks("submit", lambda _: None, lambda _, c: submit(c, [_wanted("key")])),
    Operation(
        "submit without a key",
        lambda w: w.wanted.append(_wanted(None)),
        lambda w: _submit(w, w.database),
        lambda w: _submit(w, w.bench.database),
    ),
    executes("a task from its claim to its end", "one"),
    executes("a permanent error", "refused"),
    executes("a transient error", "unlucky"),
    executes("parking", "parked"),
    executes("the answer of a provider that was away", "parked", _probe),
    executes("a limit that is used up", "deferred"),
    executes("a release by a worker that leaves", "drained"),
    executes("a slot", "large"),
    executes("waiting for a slot", "large", _taken_slot),
    executes("a slot that another waits for", "large", _waiter),
    executes("having children", "parent"),
    Operation(
        "the end of a child",
        _spread,
        lambda w: _execute(w, w.child("parent", 0)),
    ),
    Operation(
        "the end of the last child",
        _last_child,
        lambda w: _execute(w, w.child("parent", 2)),
    ),
    Operation(
        "the closing of a parent", _closing, lambda w: _execute(w, w.ids["parent"])
    ),
    Operation("an end and the next claim", lambda w: w.submit("one", "two"), _turn),
    asks(
        "cancel",
        _family,
        lambda w, c: control.cancel(c, w.ids["parent"], owner=OWNER),
    ),
    retries("retry", "mended", _failed),
    retries("retry of failed children", "parent", _failed_child),
    asks(
        "requeue",
        _failed,
        lambda _, c: list(
            dead_letters.requeue(
                c, dead_letters.of_cause(c, Cause(), owner=OWNER), owner=OWNER
            )
        ),
    ),
    asks(
        "try now",
        _parked,
        lambda w, c: control.try_now(c, w.ids["parked"], owner=OWNER),
    ),
    chores("reap", _silent, reap),
    chores("wake providers", _parked, providers.wake),
    chores("wake limits", _parked, limits.wake),
    chores("a changed setting", _parked, lambda c: renewed.begin_with(c, "after")),
    Operation("relay", _due, lambda w: _relay(w, w.database), _hinted),
)


@pytest.fixture
def world(
    bench: Bench,
    database_url: str,
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    # The first wait for a server that is away would be most of what this takes.
    monkeypatch.setattr(db, "_FIRST_WAIT_S", 0.001)
    counted(bench)
    saboteur = Saboteur()
    with capture_logs(), severed(database_url, saboteur) as database:
        yield World(bench, database, saboteur, broker_url)


def boundaries(world: World, operation: Operation) -> tuple[list[str], Any, Any]:
    """Run undisturbed: the boundaries, the books then, and those at the end."""
    world.clear()
    operation.prepare(world)
    world.saboteur.begin()
    operation.do(world)
    seen = world.saboteur.seen
    then = world.books(to_the_letter=True)
    operation.again(world)
    world.settle()
    return seen, then, world.books(to_the_letter=False)


def check(world: World, operation: Operation, *, both: bool = True) -> int:
    """Cut an operation at each of its boundaries; tell how many there are.

    Each boundary is cut in both ways, or in one of them, by turns: that takes half the
    time.
    """
    seen, then, at_the_end = boundaries(world, operation)
    for at, told in enumerate(seen):
        for kills in (False, True) if both else (at % 2 == 1,):
            where = f"{'dies' if kills else 'is cut off'} {told} ({at} of {len(seen)})"
            world.clear()
            operation.prepare(world)
            world.saboteur.begin(at=at, kills=kills)
            try:
                operation.do(world)
            except Killed:
                operation.again(world)
            else:
                assert not kills, f"{where}: it was never reached"
                assert world.books(to_the_letter=True) == then, where
            world.saboteur.begin()
            world.settle()
            assert world.books(to_the_letter=False) == at_the_end, where
    return len(seen)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_books_are_right_wherever_it_is_cut(
    world: World, operation: Operation
) -> None:
    assert check(world, operation, both="PRSNL_TEST_EXAMPLES" in os.environ) >= 2


@pytest.mark.parametrize("bug", CRASH_BUGS, ids=str)
def test_a_planted_bug_is_found_where_it_is_cut(world: World, bug: Bug) -> None:
    by_name = {operation.name: operation for operation in OPERATIONS}
    with bug.planted(), pytest.raises(FOUND):
        check(world, by_name[bug.shows_in])
