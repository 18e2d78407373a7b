"""When a task waited and when it ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from prsnl.dashboard.timeline import WIDTH, timeline
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def task(status: Status, **more: Any) -> TaskView:
    values: dict[str, Any] = {
        "started_at": None,
        "finished_at": None,
        "attempt": 1,
        "result": None,
        **more,
    }
    return TaskView(
        task_id=uuid4(),
        name="process_document_task",
        queue="file_processing",
        status=status,
        current=0,
        total=None,
        percentage=None,
        message="",
        seq=1,
        attachment_id=None,
        parent_id=None,
        is_cancelling=False,
        waiting_because=None,
        warnings=(),
        error=None,
        created_at=NOON,
        updated_at=NOON,
        **values,
    )


def claim(number: int, begun: float, ended: float, **more: Any) -> dict[str, Any]:
    return {
        "claim_no": number,
        "status": "success",
        "started_at": at(begun),
        "finished_at": at(ended),
        "error_message": None,
        **more,
    }


def test_waiting_stands_apart_from_running() -> None:
    tries = [
        claim(1, 10, 20, status="queued", error_message="The provider is away."),
        claim(2, 80, 100),
    ]
    told = timeline(
        task(Status.SUCCESS, started_at=at(10), finished_at=at(100), attempt=2),
        tries,
        [],
        at(500),
    )

    assert [(one.kind, one.seconds) for one in told.stretches] == [
        ("waited", 10),
        ("failed", 10),
        ("waited", 60),
        ("ran", 20),
    ]
    assert (told.waited_s, told.ran_s, told.tries) == (70, 30, 2)
    bars = [one.bar for one in told.stretches]
    assert [bar.x for bar in bars] == [0, 100, 200, 800]
    assert bars[-1].x + bars[-1].width == WIDTH


def test_what_has_not_begun_has_waited_until_now() -> None:
    told = timeline(task(Status.QUEUED, attempt=0), [], [], at(30))

    assert [(one.kind, one.seconds) for one in told.stretches] == [("waited", 30)]
    assert told.tries == 0


def test_what_runs_runs_until_now() -> None:
    told = timeline(task(Status.RUNNING, started_at=at(5)), [], [], at(30))

    assert [(one.kind, one.seconds) for one in told.stretches] == [
        ("waited", 5),
        ("runs", 25),
    ]


def test_a_moment_is_still_seen() -> None:
    """A step of a millisecond in a task of an hour has a bar one can point at."""
    step = {
        "stage": "identify",
        "units": 1,
        "kept": 0,
        "milliseconds": 1.0,
        "began_at": at(3600),
        "ended_at": at(3600),
    }
    told = timeline(
        task(Status.SUCCESS, started_at=at(0), finished_at=at(3600)),
        [claim(1, 0, 3600)],
        [step],
        at(3600),
    )

    assert told.steps[0].bar.width >= 1
    assert told.steps[0].bar.x + told.steps[0].bar.width <= WIDTH


def test_a_task_of_no_time_at_all_can_be_drawn() -> None:
    told = timeline(
        task(Status.SUCCESS, started_at=NOON, finished_at=NOON),
        [claim(1, 0, 0)],
        [],
        NOON,
    )

    assert [one.kind for one in told.stretches] == ["ran"]


def test_waiting_for_its_parts_is_no_waiting_for_a_worker_and_no_other_try() -> None:
    tries = [claim(1, 0, 10, status="waiting"), claim(2, 70, 80)]
    told = timeline(
        task(Status.SUCCESS, started_at=at(0), finished_at=at(80), attempt=2),
        tries,
        [],
        at(80),
    )

    assert [one.kind for one in told.stretches] == ["ran", "parts", "ran"]
    assert (told.waited_s, told.parts_s, told.ran_s, told.tries) == (0, 60, 20, 1)
