"""The states of a task as the design's table has them: no database, no clock.

Written a second time, and by hand, so that the product is compared with what it is to
do. A time is a number that rises with each step of the test; what is due later is due
at no such number until the test lets it be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from uuid import UUID

from prsnl.core.errors import Category
from prsnl.work.specs import Status

ENDED: Final = {Status.SUCCESS, Status.FAILURE, Status.DEAD, Status.REVOKED}
OPEN: Final = set(Status) - ENDED
FAILED: Final = {Status.FAILURE, Status.DEAD}
#: How often a task is tried again after an error that uses up a try.
TRIES_AGAIN: Final = {
    Category.TRANSIENT: 2,
    Category.RESOURCE: 1,
    Category.BUG: 1,
}
MOST_CRASHES: Final = 3
LARGEST_BATCH: Final = 64
LATER: Final = float("inf")


class Stop(Enum):
    """What a worker was told by its beat, or by TERM."""

    LOST = auto()
    CANCELLED = auto()
    DRAINED = auto()


@dataclass(eq=False)
class Task:
    """One row of `tasks`."""

    id: UUID
    owner: str
    word: str
    depth: int = 0
    parent: Task | None = None
    status: Status = Status.QUEUED
    due_at: float = 0.0
    is_sent: bool = False
    held: bool = False
    is_cancelling: bool = False
    claim_no: int = 0
    is_silent: bool = False
    retries: int = 0
    crashes: int = 0
    current: int = 0
    children_open: int = 0
    at_once: int = 0
    has_children: bool = False
    provider: str | None = None
    waits_for: str | None = None
    has_slot: bool = False
    #: The guards; those of a parent's closing are made anew with its children.
    stages: set[tuple[str, int]] = field(default_factory=set)
    closing: set[tuple[str, int]] = field(default_factory=set)

    @property
    def is_claimable(self) -> bool:
        """Whether a hint for it would have it done."""
        return self.status is Status.QUEUED and self.due_at < LATER and not self.held


@dataclass(eq=False)
class Hand:
    """What one claim knows, and goes on knowing after it has lost its task."""

    task: Task
    claim_no: int
    provider: str | None
    current: int = 0
    has_committed: bool = False
    stop: Stop | None = None

    @property
    def is_live(self) -> bool:
        """Whether the task is still this claim's."""
        is_running = self.task.status is Status.RUNNING
        return is_running and self.task.claim_no == self.claim_no


@dataclass
class Provider:
    """One that is away, or coming back."""

    state: str
    is_due: bool
    batch: int = 1


@dataclass(frozen=True, kw_only=True)
class End:
    """How a claim is to end."""

    status: Status
    due_at: float | None = None
    retries: int = 0
    crashes: int = 0
    provider: str | None = None
    waits_for: str | None = None
    is_away: bool = False


class Model:
    """All rows, and what each event makes of them."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, Task] = {}
        self.keys: dict[tuple[str, str], tuple[UUID, str]] = {}
        self.kept: set[tuple[str, str, str, int]] = set()
        self.effects: Counter[tuple[UUID, str, int]] = Counter()
        self.providers: dict[str, Provider] = {}
        self.slot: Task | None = None
        #: How each claim ended.
        self.log: dict[tuple[UUID, int], Status] = {}
        self.now = 0.0

    def step(self) -> None:
        """Let a moment go by."""
        self.now += 1

    def children(self, parent: Task) -> list[Task]:
        """The children of a task, the oldest first."""
        return sorted(
            (task for task in self.tasks.values() if task.parent is parent),
            key=lambda task: task.id,
        )

    # What workers do.

    def submit(self, task: Task, key: str | None) -> None:
        """Queue a task; its id is the product's."""
        task.due_at = self.now
        self.tasks[task.id] = task
        if key is not None:
            self.keys[task.owner, key] = (task.id, task.word)

    def claim(self, task: Task) -> Hand | None:
        """Take a task, if it is to be had."""
        if not task.is_claimable:
            return None
        task.status, task.is_sent, task.is_silent = Status.RUNNING, False, False
        task.claim_no += 1
        return Hand(task, task.claim_no, task.provider)

    def beat(self, hands: Iterable[Hand]) -> None:
        """Renew the leases of a worker, and tell it what became of them."""
        for hand in hands:
            if not hand.is_live:
                hand.stop = hand.stop or Stop.LOST
                continue
            hand.task.is_silent = False
            if hand.task.is_cancelling:
                hand.stop = hand.stop or Stop.CANCELLED

    def refusal(self, hand: Hand) -> Stop | None:
        """Why the fence would let nothing through."""
        if not hand.is_live:
            return Stop.LOST
        return Stop.CANCELLED if hand.task.is_cancelling else None

    def commit(self, hand: Hand, name: str, unit: int, *, is_found: bool) -> None:
        """Commit a unit of a stage of a live claim."""
        task = hand.task
        task.current = max(task.current, hand.current)
        guards = task.closing if task.has_children else task.stages
        if not is_found:
            self.kept.add((task.owner, task.word, name, unit))
        if (name, unit) in task.stages | task.closing:
            return
        guards.add((name, unit))
        self.effects[task.id, name, unit] += 1
        task.crashes = 0
        hand.has_committed = True

    def tell(self, hand: Hand) -> None:
        """Write progress; what is not its own any more it does not touch."""
        if hand.is_live:
            hand.task.current = max(hand.task.current, hand.current)

    def spawn(self, hand: Hand, children: Sequence[Task], at_once: int) -> None:
        """Have a live claim's task wait for children."""
        task = hand.task
        task.status, task.crashes = Status.WAITING, 0
        task.children_open, task.at_once = len(children), at_once
        task.has_children = True
        task.current = max(task.current, hand.current)
        self.log[task.id, task.claim_no] = Status.WAITING
        for number, child in enumerate(children, start=1):
            child.held = number > at_once
            self.submit(child, None)
        self._left(task)

    def take_slot(self, hand: Hand) -> bool:
        """Have the machine for a live claim alone, or queue for it."""
        task = hand.task
        if self.slot in {None, task}:
            self.slot, task.has_slot = task, True
            return True
        task.status, task.due_at, task.is_sent = Status.QUEUED, LATER, False
        task.current = max(task.current, hand.current)
        task.has_slot = True
        self.log[task.id, task.claim_no] = Status.QUEUED
        return False

    def free_slot(self, hand: Hand) -> None:
        """Give it back while the task goes on."""
        hand.task.has_slot = False
        self.slot = None
        self._next_for_slot()

    def success(self, hand: Hand) -> None:
        """End a claim well."""
        self._end_or_stop(hand, End(status=Status.SUCCESS))

    def stopped(self, hand: Hand, stop: Stop) -> None:
        """End a claim that was told to stop."""
        match stop:
            case Stop.CANCELLED:
                self._end(hand, End(status=Status.REVOKED))
            case Stop.DRAINED:
                self._end(hand, End(status=Status.QUEUED, provider=hand.provider))
            case Stop.LOST:
                pass

    def failed(self, hand: Hand, category: Category, provider: str | None) -> None:
        """End a claim by an error."""
        self._end_or_stop(hand, self._verdict(hand, category, provider))

    def deferred(self, hand: Hand, limit: str, *, is_later: bool) -> None:
        """End a claim that waits for its turn at a limit."""
        due_at = LATER if is_later else None
        self._end_or_stop(
            hand, End(status=Status.PARKED, waits_for=limit, due_at=due_at)
        )

    def _verdict(self, hand: Hand, category: Category, provider: str | None) -> End:
        named = provider or hand.provider
        match category:
            case Category.PERMANENT:
                return End(status=Status.FAILURE, provider=named)
            case Category.PROVIDER_DOWN:
                return End(status=Status.PARKED, provider=named, is_away=True)
            case Category.CRASH:
                is_last = hand.task.crashes + 1 >= MOST_CRASHES
                status = Status.DEAD if is_last else Status.QUEUED
                return End(status=status, crashes=1, provider=named)
        if hand.task.retries >= TRIES_AGAIN[category]:
            return End(status=Status.DEAD, provider=named)
        return End(status=Status.QUEUED, due_at=LATER, retries=1, provider=named)

    def _end_or_stop(self, hand: Hand, end: End) -> None:
        if hand.stop is not None:
            self.stopped(hand, hand.stop)
        else:
            self._end(hand, end)

    def _end(self, hand: Hand, end: End) -> None:
        task = hand.task
        if not hand.is_live:
            return
        if task.is_cancelling and end.status is not Status.REVOKED:
            end = End(status=Status.REVOKED)
        task.current = max(task.current, hand.current)
        self._close(task, end)
        if end.is_away:
            assert end.provider is not None
            self._went_away(end.provider)
        elif end.status is Status.SUCCESS and hand.provider is not None:
            self._answered(hand.provider)

    def _close(self, task: Task, end: End) -> None:
        task.status, task.is_sent = end.status, False
        task.due_at = task.due_at if end.due_at is None else end.due_at
        task.retries += end.retries
        task.crashes += end.crashes
        task.provider, task.waits_for = end.provider, end.waits_for
        self.log[task.id, task.claim_no] = end.status
        self._left(task)
        if task.parent is not None and end.status in ENDED:
            self._child_ended(task.parent, was_held=False)

    # What the scheduler does.

    def reap(self) -> int:
        """Take back what silent workers hold."""
        silent = [
            task
            for task in self.tasks.values()
            if task.status is Status.RUNNING and task.is_silent
        ]
        for task in silent:
            if task.is_cancelling:
                self._close(task, End(status=Status.REVOKED))
                continue
            is_last = task.crashes + 1 >= MOST_CRASHES
            status = Status.DEAD if is_last else Status.QUEUED
            self._close(task, End(status=status, crashes=1, provider=task.provider))
        return len(silent)

    def relay(self) -> set[UUID]:
        """The tasks that a hint goes out for."""
        due = {
            task.id
            for task in self.tasks.values()
            if task.is_claimable and not task.is_sent
        }
        for task_id in due:
            self.tasks[task_id].is_sent = True
        return due

    def forget_hints(self) -> None:
        """The broker has forgotten everything."""
        for task in self.tasks.values():
            task.is_sent = task.is_sent and task.status is not Status.QUEUED

    def wake(self) -> None:
        """Free parked tasks whose provider or limit has its time."""
        self._wake_providers()
        for task in self._parked():
            if task.waits_for is not None and task.due_at < LATER:
                self._requeue(task)

    def wake_slot(self) -> None:
        """Let the next go on where nobody has the slot."""
        waits = any(
            task.status is Status.QUEUED and task.has_slot and task.due_at == LATER
            for task in self.tasks.values()
        )
        if self.slot is None and waits:
            self._next_for_slot()

    def _wake_providers(self) -> None:
        for task in self._parked():
            if task.provider is not None:
                self.providers.setdefault(task.provider, Provider("down", is_due=True))
        for name, provider in list(self.providers.items()):
            if not provider.is_due:
                continue
            waiting = [task for task in self._parked() if task.provider == name]
            waiting.sort(key=lambda task: (task.due_at, task.id))
            for task in waiting[: provider.batch]:
                task.due_at = self.now
                self._requeue(task)
            if waiting:
                provider.is_due = False
                if provider.state == "down":
                    provider.state = "probing"
            elif not self._asked(name):
                del self.providers[name]

    def _parked(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.status is Status.PARKED]

    def _asked(self, provider: str) -> bool:
        return any(
            task.provider == provider
            for task in self.tasks.values()
            if task.status in {Status.QUEUED, Status.RUNNING}
        )

    def _requeue(self, task: Task) -> None:
        task.status, task.is_sent = Status.QUEUED, False
        task.due_at = min(task.due_at, self.now)

    def _went_away(self, name: str) -> None:
        known = self.providers.get(name)
        is_due = known is not None and known.state == "down" and known.is_due
        self.providers[name] = Provider("down", is_due=is_due)

    def _answered(self, name: str) -> None:
        provider = self.providers.get(name)
        if provider is None:
            return
        if provider.state != "recovering":
            provider.batch = 1
        elif not provider.is_due:
            provider.batch = min(provider.batch * 2, LARGEST_BATCH)
        provider.state, provider.is_due = "recovering", True

    # What a person does.

    def cancel(self, task: Task) -> Status:
        """Cancel a task and all below it; tell its state."""
        if task.status in ENDED:
            return task.status
        revoked = []
        for one in [task, *self._below(task)]:
            if one.status in ENDED:
                continue
            one.is_cancelling = True
            if one.status is not Status.RUNNING:
                one.status = Status.REVOKED
                revoked.append(one)
        for one in revoked:
            if one.parent is task:
                self._count_child(task)
        for one in revoked:
            if one.parent is not None and one.parent is not task:
                self._child_ended(one.parent, was_held=one.held)
        return task.status

    def _below(self, task: Task) -> list[Task]:
        children = self.children(task)
        return [*children, *(one for child in children for one in self._below(child))]

    def may_retry(self, task: Task) -> bool:
        """Whether a retry of it is granted."""
        if task.status is Status.REVOKED:
            return False
        again = self._again(task)
        return bool(again) and all(self._may_wait_again(one.parent) for one in again)

    def _may_wait_again(self, parent: Task | None) -> bool:
        if parent is None:
            return True
        if parent.status in {Status.RUNNING, Status.REVOKED}:
            return False
        return parent.status in OPEN or self._may_wait_again(parent.parent)

    def _again(self, task: Task) -> list[Task]:
        failed = [one for one in self.children(task) if one.status in FAILED]
        return failed or ([task] if task.status in FAILED else [])

    def retry(self, task: Task) -> None:
        """Queue a dead letter again; of a parent, its failed children."""
        again = self._again(task)
        for one in again:
            one.status, one.due_at, one.is_sent = Status.QUEUED, self.now, False
            one.retries = one.crashes = 0
            one.held = one.parent is not None
        parent = again[0].parent
        if parent is not None:
            self._wait_again(parent, len(again))

    def _wait_again(self, parent: Task, count: int) -> None:
        had_ended = parent.status in ENDED
        parent.status, parent.is_sent = Status.WAITING, False
        parent.children_open += count
        parent.current = max(0, parent.current - count)
        parent.retries = parent.crashes = 0
        parent.closing.clear()
        running = sum(
            one.status in OPEN and not one.held for one in self.children(parent)
        )
        for _ in range(min(count, max(0, parent.at_once - running))):
            self._free_sibling(parent)
        if had_ended and parent.parent is not None:
            self._wait_again(parent.parent, 1)

    def try_now(self, task: Task) -> bool:
        """End a wait for a time or a provider; tell whether there was one."""
        if task.held or task.status not in {Status.QUEUED, Status.PARKED}:
            return False
        task.status, task.due_at = Status.QUEUED, min(task.due_at, self.now)
        return True

    # What follows.

    def _left(self, task: Task) -> None:
        """A claim is over: what it had for itself goes to the next."""
        if not task.has_slot:
            return
        task.has_slot = False
        if self.slot is task:
            self.slot = None
            self._next_for_slot()

    def _next_for_slot(self) -> None:
        waiting = [
            task
            for task in self.tasks.values()
            if task.status is Status.QUEUED and task.has_slot
        ]
        if waiting:
            first = min(waiting, key=lambda task: task.id)
            first.has_slot, first.due_at = False, self.now

    def _child_ended(self, parent: Task, *, was_held: bool) -> None:
        self._count_child(parent)
        if not was_held:
            self._free_sibling(parent)

    def _count_child(self, parent: Task) -> None:
        parent.children_open -= 1
        parent.current += 1
        if parent.children_open == 0 and parent.status is Status.WAITING:
            parent.status, parent.due_at = Status.QUEUED, self.now

    def _free_sibling(self, parent: Task) -> None:
        for child in self.children(parent):
            if child.status is Status.QUEUED and child.held:
                child.held, child.due_at = False, self.now
                return
