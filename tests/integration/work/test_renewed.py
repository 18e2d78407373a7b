"""A changed setting releases what waited for it, and nothing else."""

from __future__ import annotations

from functools import partial

import pytest

from prsnl.core.errors import ProviderDownError, UnavailableError
from prsnl.work import providers, renewed
from prsnl.work.run import TaskRun
from tests.integration.work.conftest import Bench, Job, Made


def begins(bench: Bench, mark: str) -> bool:
    """A worker begins with these settings."""
    return bench.do(partial(renewed.begin_with, mark=mark))


def failing(_run: TaskRun, _command: Job) -> Made:
    raise UnavailableError("The model server answers 500.")


def away(_run: TaskRun, _command: Job) -> Made:
    raise ProviderDownError("Nobody listens there.", provider="ollama")


@pytest.fixture
def begun(bench: Bench) -> Bench:
    """Workers have begun with some settings."""
    assert not begins(bench, "aaaa")
    return bench


def test_the_wait_between_two_tries_ends_without_a_try_being_counted(
    begun: Bench,
) -> None:
    row = begun.run(failing)
    assert (row["status"], row["retries"]) == ("queued", 1)

    assert begins(begun, "bbbb")

    row = begun.row(row["id"])
    assert begun.all("select 1 from tasks where due_at <= now()")
    assert row["retries"] == 1
    assert begun.events(row["id"])[-1] == "queued"


def test_a_provider_that_was_away_is_tried_with_one_task_at_once(
    begun: Bench,
) -> None:
    for _ in range(3):
        begun.run(away)
    begun.all(
        "update providers set next_try_at = now() + interval '1 hour' returning 1"
    )
    begun.do(providers.wake)
    assert len(begun.all("select 1 from tasks where status = 'parked'")) == 3

    begins(begun, "bbbb")
    begun.do(providers.wake)

    assert len(begun.all("select 1 from tasks where status = 'queued'")) == 1
    assert len(begun.all("select 1 from tasks where status = 'parked'")) == 2


def test_what_waits_for_a_limit_asks_again(begun: Bench) -> None:
    task_id = begun.job()
    begun.set(
        task_id,
        "status = 'parked', waits_for = 'openai/m', due_at = now() + '1 day'::interval",
    )

    begins(begun, "bbbb")

    row = begun.row(task_id)
    assert (row["status"], row["waits_for"]) == ("queued", None)


def test_the_same_settings_release_nothing(begun: Bench) -> None:
    """Workers start anew for many reasons."""
    row = begun.run(failing)

    assert not begins(begun, "aaaa")

    assert begun.row(row["id"])["due_at"] == row["due_at"]


def test_of_workers_that_begin_together_one_releases(begun: Bench) -> None:
    assert [begins(begun, "bbbb") for _ in range(3)] == [True, False, False]
    assert begins(begun, "aaaa")


def test_what_was_submitted_for_later_stays_so(begun: Bench) -> None:
    task_id = begun.job()
    begun.set(task_id, "due_at = now() + '1 day'::interval")

    begins(begun, "bbbb")

    assert not begun.all("select 1 from tasks where due_at <= now()")
