"""The job core does what its table of states says, in whatever order things happen.

`PRSNL_TEST_EXAMPLES` sets how many stories are told; without it there are a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from structlog.testing import capture_logs

from tests.integration.work.conftest import Bench, counted
from tests.integration.work.machine.machine import Machine

ASKED = int(os.environ.get("PRSNL_TEST_EXAMPLES", "0"))
STORIES = ASKED * 20 or 25
STEPS = 100


@pytest.fixture
def machine(bench: Bench) -> Iterator[type[Machine]]:
    """The machine on the test's own database."""
    counted(bench)
    with capture_logs(), ThreadPoolExecutor(max_workers=200) as threads:

        class Bound(Machine):
            pass

        Bound.bench, Bound.threads = bench, threads
        yield Bound


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
