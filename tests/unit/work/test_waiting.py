"""Every reason why a task waits: what it says, and before which others it is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from prsnl.work import waiting
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.line import FARTHEST, Lines, ahead, begins_in_s
from prsnl.work.pauses import Paused
from prsnl.work.specs import ENDED, Status
from prsnl.work.waiting import REASONS, Reason, Scene

TASK = UUID(int=1)
PARENT = UUID(int=2)
HOLDER = UUID(int=3)
AT: Final = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
#: Nothing is missing, and one worker is free.
WELL: Final = {"slots": {"q": 1}, "lines": Lines({TASK: 0})}
AWAY: Final = {
    "state": "down",
    "reason": "It is off.",
    "down_since": AT,
    "next_in_s": 30,
}
PAUSED: Final = {"q": Paused("ben", AT)}
LARGE: Final = {"heavy desk": [{"id": HOLDER, "owner": "ada"}]}
FOREIGN: Final = {"gpu desk": [{"id": HOLDER, "owner": "ben"}]}


def row(status: str, **columns: Any) -> dict[str, Any]:
    """A task's row that waits for nothing."""
    return {
        "id": TASK,
        "owner": "ada",
        "queue": "q",
        "status": status,
        "held": False,
        "slot": None,
        "retries": 0,
        "retries_of": None,
        "error_message": None,
        "message": "Queued",
        "due_in_s": -1.0,
        "due_at": AT,
        "waits_for": None,
        "provider": None,
        "parent_id": None,
        "children_open": 0,
        **columns,
    }


def scene(**what: Any) -> Scene:
    """A moment in which all is well but for this."""
    return Scene(**{**WELL, **what})


LATER: Final = {"due_in_s": 90.0}
TOLD: Final[list[tuple[Reason, Scene, dict[str, Any], str]]] = [
    (
        waiting.its_parts,
        scene(parts={TASK: 1200}),
        row("waiting", children_open=1100),
        "Waits for 1,100 of its 1,200 parts to end.",
    ),
    (
        waiting.a_paused_queue,
        scene(pauses=PAUSED, has_scheduler=False),
        row("queued", **LATER),
        (
            "The queue q is paused by ben since 2026-05-04 12:30 UTC: "
            "./prsnl queues resume q lets it go on."
        ),
    ),
    (
        waiting.a_paused_queue,
        scene(pauses=PAUSED, providers={"p": AWAY}),
        row("parked", provider="p"),
        (
            "The queue q is paused by ben since 2026-05-04 12:30 UTC: "
            "./prsnl queues resume q lets it go on."
        ),
    ),
    (
        waiting.a_limit,
        scene(),
        row("parked", waits_for="m", message="Waits for the budget.", due_in_s=7200.0),
        "Waits for the budget. Goes on in 2 h.",
    ),
    (
        waiting.a_limit,
        scene(),
        row("parked", waits_for="m", message="Waits for the limit of m."),
        "Waits for the limit of m.",
    ),
    (
        waiting.a_provider,
        scene(providers={"p": AWAY}, has_scheduler=False),
        row("parked", provider="p"),
        "p is away since 2026-05-04 12:30 UTC (It is off.) It is tried again in 30 s.",
    ),
    (
        waiting.a_provider,
        scene(providers={"p": {**AWAY, "state": "probing"}}),
        row("parked", provider="p"),
        "p is being tried with another task first.",
    ),
    (
        waiting.a_provider,
        scene(providers={"p": {**AWAY, "state": "recovering"}}),
        row("parked", provider="p"),
        "p is back; its tasks go on a few at a time.",
    ),
    (
        waiting.no_scheduler,
        scene(providers={"p": {**AWAY, "next_in_s": -1}}, has_scheduler=False),
        row("parked", provider="p"),
        "No scheduler is running: start one with ./prsnl scheduler.",
    ),
    (
        waiting.an_unknown_provider,
        scene(),
        row("parked", provider="p"),
        "Waits for p; it is tried again at once.",
    ),
    (
        waiting.its_time,
        scene(has_scheduler=False),
        row("queued", **LATER),
        "Begins in 90 s.",
    ),
    (
        waiting.a_slot,
        scene(holders=LARGE),
        row("queued", slot="heavy desk", **LATER),
        (
            f"Waits for another large job of desk to end (task {HOLDER}): such jobs "
            "run one at a time."
        ),
    ),
    (
        waiting.a_slot,
        scene(holders=FOREIGN),
        row("queued", slot="gpu desk", **LATER),
        (
            "Waits for what uses the graphics processor of desk to end: such jobs run "
            "one at a time."
        ),
    ),
    (
        waiting.a_slot,
        scene(),
        row("queued", slot="heavy desk", due_in_s=200.0),
        (
            "Waited for another large job of desk, which has ended: it goes on in 4 "
            "min at the latest."
        ),
    ),
    (
        waiting.a_retry,
        scene(),
        row("queued", retries=2, retries_of=3, error_message="It is off.", **LATER),
        "Retry 2 of 3 begins in 90 s, at 2026-05-04 12:30 UTC, after: It is off.",
    ),
    (
        waiting.a_retry,
        scene(),
        row("queued", retries=1, **LATER),
        "Tries again in 90 s, at 2026-05-04 12:30 UTC, after: Queued",
    ),
    (
        waiting.no_scheduler,
        scene(has_scheduler=False, slots={}),
        row("queued"),
        "No scheduler is running: start one with ./prsnl scheduler.",
    ),
    (
        waiting.the_broker,
        scene(trouble="The broker does not answer."),
        row("queued"),
        "The broker does not answer.",
    ),
    (
        waiting.no_worker,
        scene(slots={"other": 2}),
        row("queued", held=True, parent_id=PARENT),
        "No worker for q is running: start one with ./prsnl worker q.",
    ),
    (
        waiting.its_turn_among_parts,
        scene(at_once={PARENT: 4}),
        row("queued", held=True, parent_id=PARENT),
        "Waits for a part of the same batch to end: only 4 run at once.",
    ),
    (
        waiting.a_cap,
        scene(caps=Caps(running={EACH_OWNER: 2}), running_of={"ada": 2}),
        row("queued"),
        (
            "You have 2 tasks running, the most at once: this one begins when one of "
            "them ends."
        ),
    ),
    (
        waiting.a_cap,
        scene(caps=Caps(running={"q": 1}), running={"q": 1}),
        row("queued"),
        "q has 1 task running, the most at once: this one begins when it ends.",
    ),
    (
        waiting.next_in_line,
        scene(),
        row("queued"),
        "Next in line: a worker takes it within a moment.",
    ),
    (
        waiting.next_in_line,
        scene(lines=Lines({TASK: 36})),
        row("queued"),
        "Waits for a worker for q: it is number 37 in line.",
    ),
    (
        waiting.next_in_line,
        scene(running={"q": 1}, lines=Lines({TASK: 2}, {"q": [40.0] * 9})),
        row("queued"),
        (
            "Every worker for q is busy (1 of 1): it is number 3 in line, begins in 96 "
            "s to 3 min."
        ),
    ),
    (
        waiting.next_in_line,
        scene(running={"q": 1}, lines=Lines()),
        row("queued"),
        (
            f"Every worker for q is busy (1 of 1): more than {FARTHEST:,} tasks are "
            "before it in line."
        ),
    ),
    (
        waiting.next_in_line,
        scene(running={"q": 1}, lines=None),
        row("queued"),
        "Every worker for q is busy (1 of 1).",
    ),
]


@pytest.mark.parametrize(("why", "now", "task", "told"), TOLD)
def test_a_reason_says_why_and_what_ends_it(
    why: Reason, now: Scene, task: dict[str, Any], told: str
) -> None:
    assert why(now, task) == told
    assert now.reason(task) == told, "and nothing else is said before it"


def test_every_reason_is_tested_above() -> None:
    def listed() -> Iterator[Reason]:
        for reasons in REASONS.values():
            yield from reasons

    assert {each for each, *_ in TOLD} == set(listed())


def test_every_state_that_waits_has_reasons_of_which_the_last_always_holds() -> None:
    assert set(REASONS) == set(Status) - set(ENDED) - {Status.RUNNING}
    for status in Status:
        assert (scene().reason(row(status)) is not None) == (status in REASONS)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "at once"), (42, "in 42 s"), (239, "in 4 min"), (7200, "in 2 h")],
)
def test_a_wait_is_told_in_the_unit_that_says_most(seconds: float, told: str) -> None:
    assert waiting.in_about(seconds) == told


@pytest.mark.parametrize(
    ("low_s", "high_s", "told"),
    [
        (0, 0, "in about 0 s"),
        (9.1, 20, "in 10 to 20 s"),
        (40, 119, "in 40 s to 2 min"),
        (121, 178, "in about 3 min"),
    ],
)
def test_a_range_names_its_unit_once(low_s: float, high_s: float, told: str) -> None:
    assert waiting.between(low_s, high_s) == told


def test_owners_take_turns_in_the_line() -> None:
    waits = {"ada": 100, "ben": 2, "cleo": 100}

    assert ahead(1, "ada", waits, {}) == 0
    assert ahead(10, "ada", waits, {}) == 9 + 2 + 9
    assert ahead(10, "ada", waits, {"cleo": 5}) == 9 + 2 + 4
    assert ahead(1, "ada", waits, {"ada": 3}) == 2 + 3


def test_a_start_is_told_once_three_tasks_were_measured() -> None:
    assert begins_in_s(3, 2, [10.0, 10.0]) is None
    assert begins_in_s(3, 0, [10.0] * 3) is None
    assert begins_in_s(3, 2, [10.0] * 3) == pytest.approx((16.0, 24.0))


def test_a_start_is_the_vaguer_the_more_the_tasks_differ() -> None:
    low_s, high_s = begins_in_s(0, 1, [1.0, 30.0, 2.0]) or (0.0, 0.0)

    assert low_s == 0.0
    assert high_s > 30.0
