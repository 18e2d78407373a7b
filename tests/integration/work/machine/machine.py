"""Random work by several workers, compared with the model after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from prsnl.core.db import Db
from prsnl.core.errors import (
    BadRequestError,
    Category,
    ChildCrashedError,
    ConflictError,
    OutOfMemoryError,
    ProviderDownError,
    UnavailableError,
)
from prsnl.work import control, dead_letters, ledger, limits, providers, relay, renewed
from prsnl.work.dead_letters import Cause
from prsnl.work.reaper import reap
from prsnl.work.run import Deferred, Drained
from prsnl.work.slots import HEAVY, taken
from prsnl.work.specs import Status
from prsnl.work.submit import submission, submit
from tests.integration.work.conftest import JOB, Bench, Job, Made, stage
from tests.integration.work.machine.hands import (
    Desk,
    Grip,
    Order,
    Workman,
    raises,
    returns,
)
from tests.integration.work.machine.model import (
    ENDED,
    FAILED,
    LATER,
    OPEN,
    Hand,
    Model,
    Stop,
    Task,
)

OWNERS = ("ada", "ben")
WORDS = ("one", "two")
STAGES = ("read", "write")
PROVIDERS = ("near", "far")
WORKERS = 3
DEEPEST = 2
MOST_TASKS = 24
LIMIT = "budget"

ERRORS: Mapping[Category, Callable[[str | None], Exception]] = {
    Category.PERMANENT: lambda _: BadRequestError("Not like that."),
    Category.TRANSIENT: lambda _: UnavailableError("Not now."),
    Category.PROVIDER_DOWN: lambda name: ProviderDownError("Away.", provider=name),
    Category.RESOURCE: lambda _: OutOfMemoryError("Not here."),
    Category.CRASH: lambda _: ChildCrashedError("Gone."),
    Category.BUG: lambda _: RuntimeError("a defect"),
}

TABLES = (
    "tasks",
    "task_checkpoints",
    "providers",
    "machine_slots",
    "workers",
    "engine_settings",
    "effects",
)

_ROWS = """
select id, status, claim_no, retries, crashes, current, held, children_open, provider,
       waits_for, slot is not null as has_slot, due_at <= now() as is_due,
       cancel_requested_at is not null as is_cancelling, sent_at is not null as is_sent,
       lease_until is not null as is_leased, lease_until < now() as is_silent, seq,
       finished_at is not null as has_finished
from tasks
"""

T = TypeVar("T")
PICK = st.integers(0, 1_000)


@dataclass(eq=False)
class Held:
    """A claim, as the product has it and as the model has it."""

    workman: Workman
    grip: Grip
    hand: Hand
    #: It entered the slot itself, and leaves it when it returns.
    is_in_slot: bool = False


def word_of(task: Task, name: str, unit: int) -> str:
    """What a stage makes of a task: no other's."""
    return f"{task.owner}/{task.word}/{name}/{unit}"


def effects_of(task_id: UUID, name: str) -> Callable[[Db, Mapping[int, Made]], None]:
    """Count how often the effects of each unit were applied."""

    def store(connection: Db, made: Mapping[int, Made]) -> None:
        for unit in made:
            connection.execute(
                "insert into effects values (%s, 1) "
                "on conflict (word) do update set n = effects.n + 1",
                [f"{task_id}/{name}/{unit}"],
            )

    return store


class Machine(RuleBasedStateMachine):
    """Tasks, workers, a scheduler and a person, in any order."""

    bench: ClassVar[Bench]
    threads: ClassVar[ThreadPoolExecutor]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.workmen = [self._workman() for _ in range(WORKERS)]
        self.held: list[Held] = []
        self.mark = 0
        self.before: dict[UUID, dict[str, Any]] = {}
        with self.bench.database.connection() as connection:
            for table in TABLES:
                connection.execute(f"delete from {table}")
            renewed.begin_with(connection, "0")

    def teardown(self) -> None:
        """Kill whoever is at work still."""
        for workman in self.workmen:
            workman.die()

    # What clients do.

    @rule(
        owner=st.sampled_from(OWNERS),
        word=st.sampled_from(WORDS),
        key=st.sampled_from((None, None, "k")),
    )
    def submit(self, owner: str = "ada", word: str = "one", key: str | None = None) -> None:
        """Submit; the same key and body is the same task, another body is refused."""
        self.model.step()
        if len(self.model.tasks) >= MOST_TASKS:
            return
        wanted = submission(JOB, Job(word=word), owner=owner, idempotency_key=key)
        known = self.model.keys.get((owner, key)) if key else None
        if known is not None and known[1] != word:
            assert self._refused(lambda c: submit(c, [wanted]))
        else:
            (told,) = self._do(lambda c: submit(c, [wanted]))
            assert told.is_new is (known is None)
            if known is None:
                assert told.task_id == wanted.id
                self.model.submit(Task(wanted.id, owner, word), key)
            else:
                assert told.task_id == known[0]
        self.check()

    @precondition(lambda self: self.model.tasks)
    @rule(pick=PICK)
    def cancel(self, pick: int = 0) -> None:
        """Cancel a task and what is below it."""
        self.model.step()
        task = self._task(pick)
        told = self._do(partial(control.cancel, task_id=task.id, owner=task.owner))
        assert told is self.model.cancel(task)
        self.check()

    @precondition(lambda self: self.model.tasks)
    @rule(pick=PICK)
    def retry(self, pick: int = 0) -> None:
        """Queue a dead letter again, or be told why not."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: bool(self.model._again(one)))
        asked = partial(control.retry, task_id=task.id, owner=task.owner)
        if self.model.may_retry(task):
            self._do(asked)
            self.model.retry(task)
        else:
            assert self._refused(asked)
        self.check(is_retry=True)

    @precondition(lambda self: self._any(lambda one: one.status in FAILED))
    @rule(owner=st.sampled_from(OWNERS))
    def requeue(self, owner: str = "ada") -> None:
        """Queue all dead letters of an owner again."""
        self.model.step()
        listed = partial(dead_letters.of_cause, cause=Cause(), owner=owner, limit=99)
        ids = self._do(listed)
        expected = []
        for task_id in ids:
            task = self.model.tasks[task_id]
            if self.model.may_retry(task):
                expected.append(task_id)
                self.model.retry(task)
        done, _ = self._do(
            partial(dead_letters.requeue, task_ids=ids, owner=owner)
        )
        assert done == expected
        self.check(is_retry=True)

    @precondition(lambda self: self.model.tasks)
    @rule(pick=PICK)
    def try_now(self, pick: int = 0) -> None:
        """End a wait."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.due_at == LATER)
        asked = partial(control.try_now, task_id=task.id, owner=task.owner)
        if self.model.try_now(task):
            self._do(asked)
        else:
            assert self._refused(asked)
        self.check()

    # What workers do.

    @precondition(lambda self: self.model.tasks)
    @rule(
        pick=PICK,
        who=st.integers(0, WORKERS - 1),
        is_stale=st.sampled_from((False, False, False, True)),
    )
    def claim(self, pick: int = 0, who: int = 0, *, is_stale: bool = False) -> None:
        """Follow a hint, or one that comes twice, too early or too late."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.is_claimable is not is_stale)
        workman = self.workmen[who]
        is_free = task.id not in workman.grips
        self._take(workman, task, self.model.claim(task) if is_free else None)
        self.check()

    @precondition(lambda self: self.held)
    @rule(
        pick=PICK,
        name=st.sampled_from(STAGES),
        units=st.integers(1, 3),
        breaks_at=st.sampled_from((None, None, None, 0, 1)),
    )
    def stage(
        self,
        pick: int = 0,
        name: str = "read",
        units: int = 1,
        breaks_at: int | None = None,
    ) -> None:
        """Commit the units of a stage, or break off in the midst of it."""
        self.model.step()
        held = self._hold(pick)
        task, hand = held.hand.task, held.hand
        answer = self._tell(held, self._stage(task, name, units, breaks_at))
        stop = hand.stop
        if stop is None:
            stop = self._expect_units(hand, name, units, breaks_at)
        if stop is None and answer.is_over:
            self.model.failed(hand, Category.TRANSIENT, None)
        elif stop is not None:
            self.model.stopped(hand, stop)
        else:
            assert answer.value == {
                unit: word_of(task, name, unit) for unit in range(units)
            }
        assert answer.is_over is (stop is not None or self._broke)
        self.check()

    @precondition(lambda self: self.held)
    @rule(pick=PICK, steps=st.integers(1, 3))
    def progress(self, pick: int = 0, steps: int = 1) -> None:
        """Tell progress that nothing durable hangs on."""
        self.model.step()
        held = self._hold(pick)

        def order(desk: Desk) -> None:
            desk.run.progress.advance(steps, "Further")
            desk.run.stages.tell(desk.run.progress.take())

        assert not self._tell(held, order).is_over
        held.hand.current += steps
        self.model.tell(held.hand)
        self.check()

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def succeed(self, pick: int = 0) -> None:
        """Return."""
        self.model.step()
        held = self._hold(pick)
        assert self._tell(held, returns).is_over
        self._expect_success(held)
        self.check()

    @precondition(lambda self: self.held and self.model.tasks)
    @rule(pick=PICK, other=PICK)
    def succeed_and_go_on(self, pick: int = 0, other: int = 1) -> None:
        """Return; the end and the next claim are one statement where they may be."""
        self.model.step()
        held = self._hold(pick)
        workman = held.workman
        following = self._task(other, prefers=lambda one: one.is_claimable)
        is_free = following.id not in workman.grips
        workman.finisher.keeps = True
        assert self._tell(held, returns).is_over
        workman.finisher.keeps = False
        ended = held.hand.task
        hand = None
        may_share = ended.parent is None and held.hand.provider is None
        # In one statement each half sees what was before both.
        if is_free and may_share:
            hand = self.model.claim(following)
        self._expect_success(held)
        if is_free and not may_share:
            hand = self.model.claim(following)
        self._take(workman, following, hand)
        kept = workman.finisher.take()
        if kept is not None:  # nobody came for it: as the thread beside would
            workman.runner._end(kept)
        self.check()

    @precondition(lambda self: self.held)
    @rule(pick=PICK, category=st.sampled_from(sorted(Category)))
    def fail(self, pick: int = 0, category: Category = Category.BUG) -> None:
        """Raise an error of a category; where a provider is away, of either."""
        self.model.step()
        held = self._hold(pick)
        provider = None
        if category is Category.PROVIDER_DOWN:
            provider = PROVIDERS[pick % 2]
        assert self._tell(held, raises(ERRORS[category](provider))).is_over
        self.model.failed(held.hand, category, provider)
        self.check()

    @precondition(lambda self: self.held)
    @rule(pick=PICK, how=st.sampled_from(("deferred", "deferred till later", "drained")))
    def give_up(self, pick: int = 0, how: str = "drained") -> None:
        """Find a limit used up, or be told to leave: it costs the task nothing."""
        self.model.step()
        held = self._hold(pick)
        if how == "drained":
            assert self._tell(held, _is_drained).is_over
            self.model.stopped(held.hand, held.hand.stop or Stop.DRAINED)
        else:
            due_in_s = 3600.0 if how == "deferred till later" else None
            deferred = Deferred("Not its turn.", waits_for=LIMIT, due_in_s=due_in_s)
            assert self._tell(held, raises(deferred)).is_over
            is_later = due_in_s is not None
            self.model.deferred(held.hand, LIMIT, is_later=is_later)
        self.check()

    @precondition(lambda self: self.held and len(self.model.tasks) < MOST_TASKS)
    @rule(pick=PICK, count=st.integers(1, 3), at_once=st.integers(1, 2))
    def spawn(self, pick: int = 0, count: int = 2, at_once: int = 1) -> None:
        """Have children do the work; a claim that follows gets their outcomes."""
        self.model.step()
        held = self._hold(pick)
        task = held.hand.task
        if task.depth >= DEEPEST:
            return
        wanted = [
            submission(JOB, Job(word=task.word), owner=task.owner, parent_id=task.id)
            for _ in range(count)
        ]
        answer = self._tell(
            held,
            lambda desk: [
                one.status for one in desk.run.children(wanted, at_once=at_once)
            ],
        )
        assert answer.is_over is not task.has_children
        stop = self.model.refusal(held.hand)
        if task.has_children:
            assert answer.value == [one.status for one in self.model.children(task)]
        elif stop is not None:
            self.model.stopped(held.hand, held.hand.stop or stop)
        else:
            children = [
                Task(one.id, task.owner, task.word, task.depth + 1, task)
                for one in wanted
            ]
            self.model.spawn(held.hand, children, at_once)
        self.check()

    @precondition(lambda self: any(not held.is_in_slot for held in self.held))
    @rule(pick=PICK)
    def take_slot(self, pick: int = 0) -> None:
        """Have the machine for itself, or queue for it."""
        self.model.step()
        held = self._hold(pick, prefers=lambda one: not one.is_in_slot)
        if held.is_in_slot:
            return
        is_ours = self.model.slot is not held.hand.task
        answer = self._tell(
            held,
            lambda desk: desk.open.enter_context(taken(desk.run, HEAVY)),
        )
        stop = self.model.refusal(held.hand)
        if stop is not None:
            assert answer.is_over
            self.model.stopped(held.hand, held.hand.stop or stop)
        else:
            got = self.model.take_slot(held.hand)
            assert answer.is_over is not got
            held.is_in_slot = got and is_ours
        self.check()

    @rule(who=st.integers(0, WORKERS - 1))
    def beat(self, who: int = 0) -> None:
        """Renew the leases of a worker."""
        self.model.step()
        workman = self.workmen[who]
        workman.look()
        self.model.beat(one.hand for one in self.held if one.workman is workman)
        for one in self.held:
            reason = one.grip.desk and one.grip.desk.run.stop_reason
            assert (reason is None) is (one.hand.stop is None), reason
        self.check()

    @precondition(lambda self: self.held)
    @rule(who=st.integers(0, WORKERS - 1))
    def die(self, who: int = 0) -> None:
        """Have a process end at once, with all it holds."""
        self.model.step()
        workman = self.workmen[who]
        workman.die()
        self.held = [one for one in self.held if one.workman is not workman]
        self.workmen[who] = self._workman()
        self.check()

    # What the scheduler does, and time.

    @precondition(lambda self: self._any(lambda one: one.status is Status.RUNNING))
    @rule(pick=PICK)
    def fall_silent(self, pick: int = 0) -> None:
        """Let the lease of a running task run out."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.status is Status.RUNNING)
        self.bench.expire(task.id)
        task.is_silent = True
        self.check()

    @precondition(lambda self: self.model.tasks)
    @rule(chore=st.sampled_from(("reap", "reap", "relay", "flush", "wake", "wake")))
    def schedule(self, chore: str = "reap") -> None:
        """Do one chore of the scheduler; or have the broker lose every hint."""
        self.model.step()
        match chore:
            case "reap":
                assert self._do(reap) == self.model.reap()
            case "relay":
                assert self._do(_relay) == self.model.relay()
            case "flush":
                self._do(lambda connection: connection.execute(relay._FORGET_ALL))
                self.model.forget_hints()
            case "wake":
                self._do(_wake)
                self.model.wake()
        self.check()

    @precondition(lambda self: self.model.providers)
    @rule()
    def end_pauses(self) -> None:
        """Let the next try of every provider be due."""
        self.model.step()
        self._do(providers.release)
        for provider in self.model.providers.values():
            provider.is_due = True
        self._do(_wake)
        self.model.wake()
        self.check()

    @precondition(lambda self: self._any(lambda one: one.due_at == LATER))
    @rule(pick=PICK)
    def end_wait(self, pick: int = 0) -> None:
        """Let the time come that a task waits for."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.due_at == LATER)
        self.bench.hurry(task.id)
        task.due_at = self.model.now
        self.check()

    @precondition(
        lambda self: self._any(
            lambda one: one.status is Status.PARKED or bool(one.retries)
        )
    )
    @rule()
    def change_settings(self) -> None:
        """Begin a worker with other engines: what waited for these is released."""
        self.model.step()
        self.mark += 1
        assert self._do(partial(renewed.begin_with, mark=str(self.mark)))
        for task in self.model.tasks.values():
            waits = task.status is Status.PARKED and task.waits_for is not None
            tried = task.status is Status.QUEUED and task.due_at == LATER
            if not task.held and (waits or (tried and task.retries)):
                task.status, task.due_at = Status.QUEUED, self.model.now
                task.waits_for, task.is_sent = None, False
        for provider in self.model.providers.values():
            provider.is_due = True
        self.check()

    # How it is compared.

    def check(self, *, is_retry: bool = False) -> None:
        """Compare every row, guard, effect, log and reason with the model."""
        with self.bench.database.connection() as connection:
            rows = {row["id"]: row for row in connection.execute(_ROWS).fetchall()}
            self._check_monotony(rows, is_retry=is_retry)
            assert {i: _told(row) for i, row in rows.items()} == {
                i: _expected(task) for i, task in self.model.tasks.items()
            }
            assert _effects(connection) == {
                f"{task_id}/{name}/{unit}": count
                for (task_id, name, unit), count in self.model.effects.items()
            }
            assert _log(connection) == self.model.log
            assert _slot(connection) == (self.model.slot and self.model.slot.id)
            assert _providers(connection) == {
                name: (one.state, one.is_due, one.batch)
                for name, one in self.model.providers.items()
            }
            _check_reasons(connection)
        self.before = rows

    def _check_monotony(
        self, rows: Mapping[UUID, dict[str, Any]], *, is_retry: bool
    ) -> None:
        """What never goes back, whatever the model says."""
        for task_id, before in self.before.items():
            after = rows[task_id]
            assert after["claim_no"] >= before["claim_no"], "a token was lowered"
            assert after["seq"] >= before["seq"], "events went back"
            assert is_retry or after["current"] >= before["current"], (
                "progress went back"
            )
            if Status(before["status"]) in ENDED and not is_retry:
                assert after["status"] == before["status"], "an end was taken back"

    # How a step is taken.

    def _expect_success(self, held: Held) -> None:
        hand = held.hand
        if held.is_in_slot:
            stop = self.model.refusal(hand)
            if stop is not None:
                self.model.stopped(hand, hand.stop or stop)
                return
            self.model.free_slot(hand)
        self.model.success(hand)

    def _expect_units(
        self, hand: Hand, name: str, units: int, breaks_at: int | None
    ) -> Stop | None:
        task = hand.task
        kept = [u for u in range(units) if (task.owner, task.word, name, u) in self.model.kept]
        missing = [unit for unit in range(units) if unit not in kept]
        self._broke = False
        if kept:
            hand.current += len(kept)
            if stop := self.model.refusal(hand):
                return stop
            for unit in kept:
                self.model.commit(hand, name, unit, is_found=True)
        for number, unit in enumerate(missing):
            if number == breaks_at:
                self._broke = True
                return None
            hand.current += 1
            if stop := self.model.refusal(hand):
                return stop
            self.model.commit(hand, name, unit, is_found=False)
        return None

    _broke = False

    def _stage(
        self, task: Task, name: str, units: int, breaks_at: int | None
    ) -> Order:
        def work(missing: Sequence[int]) -> Iterator[tuple[int, Made]]:
            for number, unit in enumerate(missing):
                if number == breaks_at:
                    raise UnavailableError("Not now.")
                yield unit, Made(word=word_of(task, name, unit))

        def order(desk: Desk) -> dict[int, str]:
            done = desk.run.units(
                stage(name),
                units=range(units),
                inputs=[task.word.encode()],
                work=work,
                store=effects_of(task.id, name),
                at_once=1,
            )
            return {unit: made.word for unit, made in done.values.items()}

        return order

    def _take(self, workman: Workman, task: Task, hand: Hand | None) -> None:
        grip = workman.take(task.id)
        assert (grip is None) is (hand is None), f"claimed: {grip is not None}"
        if grip is not None and hand is not None:
            assert grip.desk is not None
            assert grip.desk.run.attempt == hand.claim_no
            self.held.append(Held(workman, grip, hand))

    def _tell(self, held: Held, order: Order) -> Any:
        answer = held.workman.tell(held.grip, order)
        if answer.is_over:
            self.held.remove(held)
        return answer

    def _task(
        self, pick: int, *, prefers: Callable[[Task], bool] = lambda _: True
    ) -> Task:
        tasks = sorted(self.model.tasks.values(), key=lambda one: one.id)
        preferred = [one for one in tasks if prefers(one)] or tasks
        return preferred[pick % len(preferred)]

    def _hold(
        self, pick: int, *, prefers: Callable[[Held], bool] = lambda _: True
    ) -> Held:
        preferred = [one for one in self.held if prefers(one)] or self.held
        return preferred[pick % len(preferred)]

    def _any(self, holds: Callable[[Task], bool]) -> bool:
        return any(holds(task) for task in self.model.tasks.values())

    def _workman(self) -> Workman:
        return Workman(self.bench, self.threads)

    def _do(self, work: Callable[[Db], T]) -> T:
        return self.bench.database.run(work)

    def _refused(self, work: Callable[[Db], object]) -> bool:
        try:
            self._do(work)
        except ConflictError:
            return True
        return False


def _is_drained(desk: Desk) -> None:
    desk.run.stop(Drained())
    desk.run.check()


def _relay(connection: Db) -> set[UUID]:
    """Send hints for all that is due, and for nothing else."""
    rooms = {"queues": [str(JOB.queue)], "rooms": [99]}
    picked = connection.execute(relay.PICK, rooms).fetchall()
    ids = [row["id"] for row in picked]
    sent = connection.execute(relay.MARK_SENT, {"ids": ids}).fetchall()
    return {row["id"] for row in sent}


def _wake(connection: Db) -> None:
    """Free parked tasks, a few at a time."""
    providers.wake(connection)
    # A pause of seconds is not to end while the test runs.
    connection.execute(
        "update providers set next_try_at = now() + interval '1 hour' "
        "where next_try_at > now()"
    )
    limits.wake(connection)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    status = Status(row["status"])
    told = {
        "status": status,
        "claim_no": row["claim_no"],
        "retries": row["retries"],
        "crashes": row["crashes"],
        "current": row["current"],
        "children_open": row["children_open"],
        "is_cancelling": row["is_cancelling"],
        "is_leased": row["is_leased"],
        "has_finished": row["has_finished"],
    }
    if status is Status.RUNNING:
        told |= {"is_silent": row["is_silent"], "has_slot": row["has_slot"]}
    if status is Status.QUEUED:
        names = ("held", "is_due", "is_sent", "has_slot")
        told |= {name: row[name] for name in names}
    if status in {Status.QUEUED, Status.PARKED}:
        told |= {name: row[name] for name in ("provider", "waits_for")}
    return told


def _expected(task: Task) -> dict[str, Any]:
    told = {
        "status": task.status,
        "claim_no": task.claim_no,
        "retries": task.retries,
        "crashes": task.crashes,
        "current": task.current,
        "children_open": task.children_open,
        "is_cancelling": task.is_cancelling,
        "is_leased": task.status is Status.RUNNING,
        "has_finished": task.status in ENDED,
    }
    if task.status is Status.RUNNING:
        told |= {"is_silent": task.is_silent, "has_slot": task.has_slot}
    if task.status is Status.QUEUED:
        told |= {
            "held": task.held,
            "is_due": task.due_at < LATER,
            "is_sent": task.is_sent,
            "has_slot": task.has_slot,
        }
    if task.status in {Status.QUEUED, Status.PARKED}:
        told |= {"provider": task.provider, "waits_for": task.waits_for}
    return told


def _effects(connection: Db) -> dict[str, int]:
    rows = connection.execute("select word, n from effects").fetchall()
    return {row["word"]: row["n"] for row in rows}


def _log(connection: Db) -> dict[tuple[UUID, int], Status]:
    rows = connection.execute(
        "select task_id, claim_no, status from celery_task_results"
    ).fetchall()
    return {(row["task_id"], row["claim_no"]): Status(row["status"]) for row in rows}


def _slot(connection: Db) -> UUID | None:
    rows = connection.execute(
        "select task_id from machine_slots where task_id is not null"
    ).fetchall()
    assert len(rows) <= 1, "two have the machine for themselves"
    return rows[0]["task_id"] if rows else None


def _providers(connection: Db) -> dict[str, tuple[str, bool, int]]:
    rows = connection.execute(
        "select name, state, next_try_at <= now() as is_due, batch from providers"
    ).fetchall()
    return {row["name"]: (row["state"], row["is_due"], row["batch"]) for row in rows}


def _check_reasons(connection: Db) -> None:
    """A task that waits says why in one sentence; any other has nothing to say."""
    waits = {Status.QUEUED, Status.PARKED, Status.WAITING}
    for owner in OWNERS:
        for view in ledger.tasks(connection, owner=owner, limit=MOST_TASKS * 4):
            reason = view.waiting_because
            assert bool(reason) is (view.status in waits), (view.status, reason)
            assert reason is None or reason.endswith("."), reason
