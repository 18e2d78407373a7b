"""One task, two hosts: the lines of both logs are one story, and so is its log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prsnl.core.db import Database
from prsnl.proving.specs import COUNT, Count
from prsnl.work import task_log
from tests.acceptance.staff import OWNER, staff
from tests.acceptance.test_cancel_and_drain import is_gone

COLLECT = Path(__file__).parents[2] / "scripts" / "collect_logs.py"


def collected(task_id: object, *logs: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, COLLECT, "--task", str(task_id), *logs],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_task_that_moved_from_host_to_host_is_one_story(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """Two data folders, no shared disk: what joins the lines is in each of them."""
    with staff(database, environment, tmp_path / "logs") as crew:
        crew.hire("scheduler")
        told = dict(environment) | {"PRSNL_LOG_FORMAT": "json"}
        crew.environment = told | {"PRSNL_DATA_DIR": str(tmp_path / "one")}
        first = crew.worker()
        (task_id,) = crew.submit(COUNT, Count(stages=20, work_ms=300))
        crew.until(lambda: crew.row(task_id)["current"] >= 1)
        first.terminate()
        crew.until(partial(is_gone, first))
        crew.environment = told | {"PRSNL_DATA_DIR": str(tmp_path / "two")}
        crew.worker()
        crew.until(lambda: crew.row(task_id)["status"] == "success")
        logs = [crew.folder / "worker-1.log", crew.folder / "worker-2.log"]
        crew.until(lambda: "task.ended" in logs[1].read_text())

    lines = collected(task_id, *logs)

    ends = [(one["attempt"], one["status"]) for one in lines]
    assert ends == [(1, "queued"), (2, "success")]
    for one in lines:
        assert one["event"] == "task.ended"
        assert (one["owner"], one["queue"]) == (OWNER, "file_processing")
        assert one["stage"].startswith("count ")
        assert one["host"]
    with database.connection() as connection:
        rows = task_log.lines(connection, task_id, owner=OWNER, limit=1000)
    events = [(one.event, one.attempt) for one in rows if one.event != "stage.done"]
    assert events == [
        ("task.started", 1),
        ("task.ended", 1),
        ("task.started", 2),
        ("task.ended", 2),
    ]
    assert sum(one.event == "stage.done" for one in rows) == 20
