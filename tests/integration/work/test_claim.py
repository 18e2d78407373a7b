"""Who gets a task, and who does not."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from prsnl.work import control
from prsnl.work.claim import claim
from prsnl.work.workers import WorkerIdentity
from tests.integration.work.conftest import LEASE, OWNER, Bench

WORKER = WorkerIdentity(kind="worker").id


def claims(bench: Bench, task_id: UUID, *, is_again: bool = False) -> bool:
    """Whether a worker gets the task."""
    return bench.do(
        lambda c: (
            claim(c, task_id, worker_id=WORKER, lease=LEASE, is_again=is_again)
            is not None
        )
    )


def test_a_claim_takes_the_row_for_the_time_of_the_lease(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "sent_at = now()")

    assert claims(bench, task_id)
    row = bench.row(task_id)
    assert (row["status"], row["claim_no"], row["worker_id"]) == ("running", 1, WORKER)
    assert row["sent_at"] is None
    assert row["lease_until"] - row["claimed_at"] == LEASE
    assert row["started_at"] == row["claimed_at"]
    assert bench.events(task_id) == ["queued", "running"]


@pytest.mark.parametrize(
    "how",
    [
        "due_at = now() + interval '1 minute'",
        "held = true",
        "cancel_requested_at = now()",
        *[
            f"status = '{status}'"
            for status in ("running", "parked", "waiting", "success")
        ],
        *[f"status = '{status}'" for status in ("failure", "dead", "revoked")],
    ],
)
def test_only_what_is_queued_due_and_free_is_claimed(bench: Bench, how: str) -> None:
    task_id = bench.job()
    bench.set(task_id, how)

    assert not claims(bench, task_id)
    assert bench.row(task_id)["claim_no"] == 0


def test_a_second_delivery_gets_nothing(bench: Bench) -> None:
    task_id = bench.job()

    assert claims(bench, task_id)
    assert not claims(bench, task_id)


def test_a_claim_whose_answer_was_lost_is_known_by_its_worker(bench: Bench) -> None:
    task_id = bench.job()
    claims(bench, task_id)

    assert claims(bench, task_id, is_again=True)
    assert bench.row(task_id)["claim_no"] == 1


def test_another_workers_claim_is_not_taken_for_ones_own(bench: Bench) -> None:
    task_id = bench.job()
    bench.claim(task_id)

    assert not claims(bench, task_id, is_again=True)


def test_an_unknown_task_is_not_claimed(bench: Bench) -> None:
    assert not claims(bench, uuid4())
    assert not claims(bench, uuid4(), is_again=True)


def test_of_a_cancel_and_a_claim_at_once_the_first_wins(bench: Bench) -> None:
    task_id = bench.job()
    with bench.database.transaction() as connection:
        control.cancel(connection, task_id, owner=OWNER)
        late = bench.meanwhile(lambda: claims(bench, task_id))
        bench.until(bench.somebody_waits_for_a_lock)

    assert not late.result()
    assert bench.status(task_id) == "revoked"


def test_the_wait_in_the_queue_is_told_from_when_it_was_due(bench: Bench) -> None:
    """A retry's own wait is no wait for a worker."""
    task_id = bench.job()
    bench.set(
        task_id,
        "due_at = now() - interval '1 minute', updated_at = now() - interval '9 min'",
    )
    claims(bench, task_id)

    row = bench.row(task_id)
    waited = row["claimed_at"] - row["queued_at"]
    assert timedelta(seconds=59) < waited < timedelta(seconds=90)
