"""The job core does what its table of states says, in whatever order things happen.

`PRSNL_TEST_EXAMPLES` sets how many stories are told; without it there are a few.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.work.machine.machine import Machine

ASKED = int(os.environ.get("PRSNL_TEST_EXAMPLES", "0"))
STORIES = ASKED * 20 or 12
STEPS = 100


@pytest.mark.timeout(240 + ASKED * 60)
def test_whatever_happens_in_whatever_order_the_rows_say_what_the_table_says(
    machine: type[Machine],
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not ASKED,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
