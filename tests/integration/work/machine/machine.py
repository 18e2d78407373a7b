"""Stories that hypothesis tells: any steps in any order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from prsnl.core.errors import Category
from prsnl.work.specs import Status
from tests.integration.work.conftest import Bench
from tests.integration.work.machine.books import OWNERS
from tests.integration.work.machine.model import FAILED, LATER, Task
from tests.integration.work.machine.steps import MOST_TASKS, STAGES, WORDS, Steps

Numbers = tuple[int, int, int]

CHORES = ("reap", "relay", "flush", "wake")
KEYS = (None, None, "key")
BREAKS = (None, None, None, 0, 1)
#: Of a provider that is away several have to tell, before it is tried again.
CATEGORIES = (*Category, *[Category.PROVIDER_DOWN] * 3)
GIVES_UP = ("drained", "deferred", "deferred till later")


def _submit(steps: Steps, n: Numbers) -> None:
    steps.submit(OWNERS[n[0] % 2], WORDS[n[1] % 2], KEYS[n[2] % 3])


def _claim(steps: Steps, n: Numbers) -> None:
    steps.claim(n[0], n[1] % 3, is_stale=n[2] % 5 == 0)


def _stage(steps: Steps, n: Numbers) -> None:
    steps.stage(n[0], STAGES[n[1] % 2], n[1] % 3 + 1, BREAKS[n[2] % 5])


def _beat(steps: Steps, n: Numbers) -> None:
    if n[1] % 2 and steps.has(_is_running):
        steps.fall_silent(n[2])
    steps.beat(n[0] % 3)


def _overtake(steps: Steps, n: Numbers) -> None:
    steps.fall_silent(n[0])
    steps.schedule("reap")
    steps.claim(n[1], n[2] % 3)


def _is_running(task: Task) -> bool:
    return task.status is Status.RUNNING


def _has_failed(task: Task) -> bool:
    return task.status in FAILED


def _is_queued_for_later(steps: Steps) -> bool:
    return steps.has(lambda task: task.due_at == LATER)


#: How often each step is taken, and what it needs.
STEPS: dict[
    str,
    tuple[int, Callable[[Steps], object], Callable[[Steps, Numbers], None]],
] = {
    "submit": (3, lambda s: len(s.model.tasks) < MOST_TASKS, _submit),
    "claim": (10, lambda s: s.model.tasks, _claim),
    "stage": (8, lambda s: s.held, _stage),
    "progress": (1, lambda s: s.held, lambda s, n: s.progress(n[0], n[1] % 3 + 1)),
    "succeed": (3, lambda s: s.held, lambda s, n: s.succeed(n[0])),
    "succeed and go on": (
        2,
        lambda s: s.held,
        lambda s, n: s.succeed_and_go_on(n[0], n[1]),
    ),
    "fail": (3, lambda s: s.held, lambda s, n: s.fail(n[0], CATEGORIES[n[1] % 9])),
    "give up": (2, lambda s: s.held, lambda s, n: s.give_up(n[0], GIVES_UP[n[1] % 3])),
    "spawn": (
        3,
        lambda s: s.held and len(s.model.tasks) < MOST_TASKS,
        lambda s, n: s.spawn(n[0], n[1] % 3 + 1, n[2] % 2 + 1),
    ),
    "take slot": (5, lambda s: s.held, lambda s, n: s.take_slot(n[0])),
    "beat": (3, lambda s: s.held, _beat),
    "die": (1, lambda s: s.held, lambda s, n: s.die(n[0] % 3)),
    "fall silent": (
        1,
        lambda s: s.has(_is_running),
        lambda s, n: s.fall_silent(n[0]),
    ),
    "overtake": (
        3,
        lambda s: s.has(_is_running),
        _overtake,
    ),
    "schedule": (3, lambda s: s.model.tasks, lambda s, n: s.schedule(CHORES[n[0] % 4])),
    "end pauses": (3, lambda s: s.model.providers, lambda s, _: s.end_pauses()),
    "end wait": (3, _is_queued_for_later, lambda s, n: s.end_wait(n[0])),
    "cancel": (2, lambda s: s.model.tasks, lambda s, n: s.cancel(n[0])),
    "retry": (4, lambda s: s.has(_has_failed), lambda s, n: s.retry(n[0])),
    "requeue": (
        1,
        lambda s: s.has(_has_failed),
        lambda s, n: s.requeue(OWNERS[n[0] % 2]),
    ),
    "try now": (1, lambda s: s.model.tasks, lambda s, n: s.try_now(n[0])),
    "change settings": (1, lambda s: s.model.tasks, lambda s, _: s.change_settings()),
}
WEIGHTED = [name for name, (weight, _, _) in STEPS.items() for _ in range(weight)]


class Machine(RuleBasedStateMachine):
    """One rule for all steps: hypothesis would leave whole kinds out of a story."""

    bench: ClassVar[Bench]
    threads: ClassVar[ThreadPoolExecutor]

    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps(self.bench, self.threads)

    def teardown(self) -> None:
        """Kill whoever is at work still."""
        self.steps.close()

    @rule(
        step=st.sampled_from(WEIGHTED),
        numbers=st.tuples(*[st.integers(0, 59) for _ in range(3)]),
    )
    def take(self, step: str, numbers: Numbers) -> None:
        """Take a step; where it cannot be, one that leads to where it can."""
        _, is_possible, does = STEPS[step]
        if is_possible(self.steps):
            does(self.steps, numbers)
        elif self.steps.has(lambda task: task.is_claimable):
            _claim(self.steps, numbers)
        else:
            _submit(self.steps, numbers)
