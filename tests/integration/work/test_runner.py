"""One hint, one claim, one end."""

from __future__ import annotations

from prsnl.proving.specs import COUNT, TICK, Count, Tick
from tests.integration.work.conftest import Bench


def test_a_task_runs_once_however_often_its_hint_comes(bench: Bench) -> None:
    task_id = bench.submit(COUNT, Count(stages=2, units=3, work_ms=0))

    for _ in range(3):
        bench.runner.execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["claim_no"], row["current"]) == ("success", 1, 6)
    effects = bench.all("select n from proving_effects where task_id = %s", task_id)
    assert [effect["n"] for effect in effects] == [1] * 6


def test_a_short_task_leaves_its_log_and_its_events(bench: Bench) -> None:
    task_id = bench.submit(TICK, Tick(events=5))

    bench.runner.execute(task_id)

    log = bench.all("select * from celery_task_results where task_id = %s", task_id)
    assert [(row["status"], row["claim_no"]) for row in log] == [("success", 1)]
    events = bench.all(
        "select status, current from task_progress where task_id = %s order by seq",
        task_id,
    )
    assert [tuple(event.values()) for event in events] == [
        ("queued", 0),
        ("running", 0),
        ("success", 5),
    ]
