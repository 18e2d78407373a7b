"""What the rows of the processes mean."""

from __future__ import annotations

from prsnl.core.db import Row
from prsnl.monitoring.health import told


def process(kind: str, *queues: str, busy: int = 0, trouble: str | None = None) -> Row:
    return {
        "kind": kind,
        "host": "attic",
        "queues": list(queues),
        "slots": 2 if queues else 0,
        "busy": busy,
        "trouble": trouble,
    }


def test_a_whole_fleet_is_ok_and_its_slots_are_counted_by_queue() -> None:
    health = told(
        [
            process("scheduler"),
            process("worker", "files", busy=1),
            process("worker", "files", "texts"),
        ]
    )

    assert health.status == "ok"
    assert health.problems == []
    assert (health.workers["files"].slots, health.workers["files"].busy) == (4, 1)
    assert health.workers["texts"].slots == 2


def test_trouble_that_a_scheduler_has_is_the_brokers() -> None:
    health = told([process("scheduler", trouble="Gone."), process("worker", "files")])

    assert health.status == "degraded"
    assert health.broker == "Gone."
    assert health.problems == ["Gone."]


def test_trouble_that_workers_have_is_told_once_a_host() -> None:
    without = process("worker", "files", trouble="No Landlock.")
    health = told([process("scheduler"), without, without])

    assert health.status == "degraded"
    assert health.broker == "ok"
    assert health.problems == ["worker attic: No Landlock."]


def test_what_is_missing_is_named_with_its_command() -> None:
    assert [line.partition(":")[0] for line in told([]).problems] == [
        "No scheduler is running",
        "No worker is running",
    ]
