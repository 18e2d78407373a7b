"""Each planted bug is found: by a short story of its own, and by random ones.

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

BY_NAME: Final = {bug.name: bug for bug in BUGS}


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


def _crashed(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.fail(category=Category.CRASH)


def _alive(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.schedule("reap")


def _twice(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.stage()
    steps.stage()


def _retried(steps: Steps) -> None:
    steps.submit()
    steps.claim()
    steps.fail(category=Category.PERMANENT)
    steps.retry()


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
    "cancel_not_read_again": _cancelled,
    "attempts_and_crashes_counted_together": _crashed,
    "reaper_too_eager": _alive,
    "no_guard": _twice,
    "token_lowered_by_a_retry": _retried,
}


def told(machine: type[Machine], story: Story) -> None:
    """Tell a story."""
    steps = Steps(machine.bench, machine.threads)
    try:
        story(steps)
    finally:
        steps.close()


@pytest.mark.parametrize("name", STORIES)
def test_the_story_of_a_planted_bug_finds_it(machine: type[Machine], name: str) -> None:
    told(machine, STORIES[name])
    with BY_NAME[name].planted(), pytest.raises(AssertionError):
        told(machine, STORIES[name])


def test_who_waits_for_a_slot_twice_keeps_its_place(machine: type[Machine]) -> None:
    told(machine, _waits_twice)


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
                max_examples=200,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                print_blob=False,
            ),
        )
