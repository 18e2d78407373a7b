"""What may happen to tasks, each step compared with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

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
from prsnl.work import control, dead_letters, limits, providers, relay, renewed, slots
from prsnl.work.dead_letters import Cause
from prsnl.work.reaper import reap
from prsnl.work.run import Deferred, Drained
from prsnl.work.specs import Status
from prsnl.work.submit import submission, submit
from tests.integration.work.conftest import JOB, Bench, Job, Made, stage
from tests.integration.work.machine.books import Rows, check_monotony, compare
from tests.integration.work.machine.hands import (
    Desk,
    Grip,
    Order,
    Workman,
    raises,
    returns,
)
from tests.integration.work.machine.model import (
    LATER,
    Hand,
    Model,
    Stop,
    Task,
)

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

_STAND_STILL = """
with still as (
    update tasks
    set due_at = case when due_at > now() then now() + interval '1 hour'
                      else due_at end,
        lease_until = case when lease_until > now() then now() + interval '1 hour'
                           else lease_until end
    where due_at > now() or lease_until > now()
)
update providers set next_try_at = now() + interval '1 hour' where next_try_at > now()
"""

T = TypeVar("T")


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


class Steps:
    """Tasks, workers, a scheduler and a person: one step of one of them at a time.

    A step takes what it is about by a number, which any number is good for.
    """

    def __init__(self, bench: Bench, threads: ThreadPoolExecutor) -> None:
        self.bench, self.threads = bench, threads
        self.model = Model()
        self.workmen = [self._workman() for _ in range(WORKERS)]
        self.held: list[Held] = []
        self.before: Rows = {}
        self._mark = 0
        #: The last stage was broken off by an error.
        self._broke = False
        with bench.database.connection() as connection:
            for table in TABLES:
                connection.execute(f"delete from {table}")
            renewed.begin_with(connection, str(self._mark))

    def close(self) -> None:
        """Kill whoever is at work still."""
        for workman in self.workmen:
            workman.die()

    def has(self, holds: Callable[[Task], bool]) -> bool:
        """Whether there is a task of a kind."""
        return any(holds(task) for task in self.model.tasks.values())

    # What clients do.

    def submit(
        self, owner: str = "ada", word: str = "one", key: str | None = None
    ) -> None:
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

    def cancel(self, pick: int = 0) -> None:
        """Cancel a task and what is below it."""
        self.model.step()
        task = self._task(pick)
        told = self._do(partial(control.cancel, task_id=task.id, owner=task.owner))
        assert told is self.model.cancel(task)
        self.check()

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

    def requeue(self, owner: str = "ada") -> None:
        """Queue all dead letters of an owner again."""
        self.model.step()
        listed = partial(dead_letters.of_cause, cause=Cause(), owner=owner)
        ids = self._do(listed)
        expected = []
        for task_id in ids:
            task = self.model.tasks[task_id]
            if self.model.may_retry(task):
                expected.append(task_id)
                self.model.retry(task)
        told = self._do(lambda c: list(dead_letters.requeue(c, ids, owner=owner)))
        done = [one for one in told if isinstance(one, UUID)]
        assert done == expected
        self.check(is_retry=True)

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

    def claim(self, pick: int = 0, who: int = 0, *, is_stale: bool = False) -> None:
        """Follow a hint, or one that comes twice, too early or too late."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.is_claimable is not is_stale)
        workman = self.workmen[who]
        is_free = task.id not in workman.grips
        self._take(workman, task, self.model.claim(task) if is_free else None)
        self.check()

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

    def succeed(self, pick: int = 0) -> None:
        """Return."""
        self.model.step()
        held = self._hold(pick)
        assert self._tell(held, returns).is_over
        self._expect_success(held.hand, self._leave_slot(held))
        self.check()

    def succeed_and_go_on(self, pick: int = 0, other: int = 1) -> None:
        """Return; the end and the next claim are one statement where they may be."""
        self.model.step()
        held = self._hold(pick)
        workman = held.workman
        following = self._task(other, prefers=lambda one: one.is_claimable)
        workman.finisher.keeps = True
        assert self._tell(held, returns).is_over
        workman.finisher.keeps = False
        ended = held.hand.task
        hand = None
        may_share = ended.parent is None and held.hand.provider is None
        stop = self._leave_slot(held)
        # Who was told that it has lost its task has nothing to end: it may claim the
        # same one again. Any other has it in hand until its end is written.
        has_end = (held.hand.stop or stop) is not Stop.LOST
        is_free = following.id not in workman.grips and not (
            has_end and following is ended
        )
        # In one statement each half sees what was before both.
        if is_free and may_share:
            hand = self.model.claim(following)
        self._expect_success(held.hand, stop)
        if is_free and not may_share:
            hand = self.model.claim(following)
        self._take(workman, following, hand)
        kept = workman.finisher.take()
        if kept is not None:  # nobody came for it: as the thread beside would
            workman.runner._end(kept)
        self.check()

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

    def take_slot(self, pick: int = 0) -> None:
        """Have the machine for itself, or queue for it."""
        self.model.step()
        held = self._hold(pick, prefers=lambda one: not one.is_in_slot)
        if held.is_in_slot:
            return
        is_ours = self.model.slot is not held.hand.task
        answer = self._tell(
            held,
            lambda desk: desk.open.enter_context(slots.taken(desk.run, slots.HEAVY)),
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

    def die(self, who: int = 0) -> None:
        """Have a process end at once, with all it holds."""
        self.model.step()
        workman = self.workmen[who]
        workman.die()
        self.held = [one for one in self.held if one.workman is not workman]
        self.workmen[who] = self._workman()
        self.check()

    # What the scheduler does, and time.

    def fall_silent(self, pick: int = 0) -> None:
        """Let the lease of a running task run out."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.status is Status.RUNNING)
        self.bench.expire(task.id)
        task.is_silent = True
        self.check()

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
                self.model.wake_slot()
        self.check()

    def end_pauses(self) -> None:
        """Let the next try of every provider be due."""
        self.model.step()
        self._do(providers.release)
        for provider in self.model.providers.values():
            provider.is_due = True
        self._do(_wake)
        self.model.wake()
        self.model.wake_slot()
        self.check()

    def end_wait(self, pick: int = 0) -> None:
        """Let the time come that a task waits for."""
        self.model.step()
        task = self._task(pick, prefers=lambda one: one.due_at == LATER)
        self.bench.hurry(task.id)
        task.due_at = self.model.now
        self.check()

    def change_settings(self) -> None:
        """Begin a worker with other engines: what waited for these is released."""
        self.model.step()
        self._mark += 1
        assert self._do(partial(renewed.begin_with, mark=str(self._mark)))
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
        """Compare all with the model, and with what was before."""
        self._do(_stand_still)
        rows = self._do(partial(compare, model=self.model))
        check_monotony(self.before, rows, is_retry=is_retry)
        self.before = rows

    # How a step is taken.

    def _leave_slot(self, held: Held) -> Stop | None:
        """Expect that a function which returns leaves its slot, or is stopped there."""
        if not held.is_in_slot:
            return None
        stop = self.model.refusal(held.hand)
        if stop is None:
            self.model.free_slot(held.hand)
        return stop and (held.hand.stop or stop)

    def _expect_success(self, hand: Hand, stop: Stop | None) -> None:
        if stop is None:
            self.model.success(hand)
        else:
            self.model.stopped(hand, stop)

    def _expect_units(
        self, hand: Hand, name: str, units: int, breaks_at: int | None
    ) -> Stop | None:
        task = hand.task
        kept = [
            u
            for u in range(units)
            if (task.owner, task.word, name, u) in self.model.kept
        ]
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

    def _stage(self, task: Task, name: str, units: int, breaks_at: int | None) -> Order:
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
    with connection.transaction():
        providers.wake(connection)
        # Of one moment: the pause that has just begun is not over.
        connection.execute(_STAND_STILL)
    limits.wake(connection)
    slots.wake(connection)


def _stand_still(connection: Db) -> None:
    """Let no real time go by: what is to come stays an hour away."""
    connection.execute(_STAND_STILL)
