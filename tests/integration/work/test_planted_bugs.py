"""Each planted bug is found: by a short story of its own, and by random ones too.

The random ones are for the long suite: with `PRSNL_TEST_EXAMPLES` set, every bug is
looked for without a hint.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from prsnl.core.errors import Category
from tests.integration.work.machine.machine import Machine
from tests.integration.work.machine.steps import Steps
from tests.integration.work.test_state_machine import STEPS
from tests.saboteurs.planted_bugs import BUGS, Bug

Story = Callable[[Steps], object]


def _overtaken(steps: Steps) -> None:
    """A worker falls silent, another takes over, and the first writes on."""
    steps.submit()
    steps.claim(0, 0)
    steps.fall_silent()
    steps.schedule("reap")
    steps.claim(0, 1)
    steps.stage(0)


def _renewed(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.fall_silent()
    steps.beat()


def _two_files(steps: Steps) -> None:
    steps.submit(word="one")
    steps.submit(word="two")
    steps.claim(0, 0)
    steps.claim(0, 1)
    steps.stage(0)
    steps.stage(1)


def _cancelled(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.cancel()
    steps.stage()


def _failed(category: Category) -> Story:
    """A task is tried once, and its end is of a category."""

    def story(steps: Steps) -> None:
        steps.submit()
        steps.claim()
        steps.fail(category=category)

    return story


def _alive(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.schedule("reap")


def _twice(units: int) -> Story:
    """A stage is done, and found done."""

    def story(steps: Steps) -> None:
        steps.submit()
        steps.claim()
        steps.stage(units=units)
        steps.stage(units=units)

    return story


def _retried(steps: Steps) -> None:
    _failed(Category.PERMANENT)(steps)
    steps.retry()


def _too_early(steps: Steps) -> None:
    """A hint comes while its task waits to be tried again."""
    _failed(Category.BUG)(steps)
    steps.claim(is_stale=True)


def _hinted_twice(steps: Steps) -> None:
    steps.submit()
    steps.claim(0, 0)
    steps.claim(0, 1, is_stale=True)


def _parent(steps: Steps, children: int = 1) -> None:
    """A task waits for children, one of which may run."""
    steps.submit()
    steps.claim()
    steps.spawn(count=children, at_once=1)


def _last_child(steps: Steps) -> None:
    _parent(steps)
    steps.claim()
    steps.succeed()


def _held_child(steps: Steps) -> None:
    _parent(steps, children=2)
    steps.schedule("relay")


def _child_retried(steps: Steps) -> None:
    """A child is tried again whose parent has ended without it."""
    _parent(steps)
    steps.claim()
    steps.fail(category=Category.PERMANENT)
    steps.claim()
    steps.succeed()
    steps.retry()


def _two_large(steps: Steps) -> None:
    steps.submit()
    steps.submit()
    steps.claim(0, 0)
    steps.claim(0, 1)
    steps.take_slot()
    steps.take_slot()


def _far_behind(steps: Steps) -> None:
    """Who takes over has not come as far yet as who was there before."""
    steps.submit()
    steps.claim(0, 0)
    steps.stage(units=2)
    steps.fall_silent()
    steps.schedule("reap")
    steps.claim(0, 1)
    steps.progress(pick=1)


def _probed(steps: Steps) -> None:
    """Two wait for a provider: its first try takes one of them."""
    for _ in range(2):
        steps.submit()
        steps.claim()
        steps.fail(category=Category.PROVIDER_DOWN)
    steps.end_pauses()


def _same_key(steps: Steps) -> None:
    steps.submit(key="key", word="one")
    steps.submit(key="key", word="two")


def _nothing_new(steps: Steps) -> None:
    """After a crash a stage is found done: that is no progress."""
    steps.submit()
    steps.claim()
    steps.stage()
    steps.fail(category=Category.CRASH)
    steps.claim()
    steps.stage()


def _lost_and_found(steps: Steps) -> None:
    """A worker that hears that it has lost its task takes it again."""
    steps.submit()
    steps.claim()
    steps.fall_silent()
    steps.schedule("reap")
    steps.beat()
    steps.succeed_and_go_on()


def _waits_twice(steps: Steps) -> None:
    """One that waits for a slot looks again too early, and keeps its place."""
    steps.submit()
    steps.submit()
    steps.claim(0, 0)
    steps.take_slot(0)
    steps.claim(0, 1)
    steps.take_slot(1)
    steps.end_wait()
    steps.claim(0, 1)
    steps.take_slot(1)


STORIES: Final[dict[str, Story]] = {
    "no_fence": _overtaken,
    "lease_not_extended": _renewed,
    "checkpoint_key_too_wide": _two_files,
    "checkpoint_key_without_its_unit": _twice(units=2),
    "cancel_not_read_again": _cancelled,
    "attempts_and_crashes_counted_together": _failed(Category.CRASH),
    "reaper_too_eager": _alive,
    "no_guard": _twice(units=1),
    "token_lowered_by_a_retry": _retried,
    "parking_costs_a_try": _failed(Category.PROVIDER_DOWN),
    "claimed_before_it_is_due": _too_early,
    "claimed_by_two": _hinted_twice,
    "last_child_unheard": _last_child,
    "held_child_is_sent": _held_child,
    "slot_for_two": _two_large,
    "progress_goes_back": _far_behind,
    "all_that_wait_are_freed": _probed,
    "key_stands_for_any_body": _same_key,
    "retry_leaves_its_parent_ended": _child_retried,
    "found_again_ends_a_row_of_crashes": _nothing_new,
}


def told(machine: type[Machine], story: Story) -> None:
    """Tell a story."""
    steps = Steps(machine.bench, machine.threads)
    try:
        story(steps)
    finally:
        steps.close()


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_the_story_of_a_planted_bug_finds_it(machine: type[Machine], bug: Bug) -> None:
    told(machine, STORIES[bug.name])
    with bug.planted(), pytest.raises(AssertionError):
        told(machine, STORIES[bug.name])


@pytest.mark.parametrize("story", [_waits_twice, _lost_and_found])
def test_a_story_that_once_went_wrong_ends_well(
    machine: type[Machine], story: Story
) -> None:
    told(machine, story)


@pytest.mark.skipif(
    "PRSNL_TEST_EXAMPLES" not in os.environ, reason="random stories take minutes"
)
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_random_stories_find_a_planted_bug(machine: type[Machine], bug: Bug) -> None:
    with bug.planted(), pytest.raises(Exception):  # noqa: B017, PT011 - however it shows
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            machine,
            settings=settings(
                max_examples=600,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                print_blob=False,
            ),
        )
