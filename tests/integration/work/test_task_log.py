"""The log of a task: claims and stages by their rows, and what workers said beside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import structlog

from prsnl.core.errors import CorruptError
from prsnl.work import task_log
from prsnl.work.run import TaskRun
from prsnl.work.task_log import MOST_LINES, LogView, TaskLog, keep_lines
from tests.integration.work.conftest import OWNER, Bench, Job, Made, nothing, stage

log = structlog.get_logger()


@pytest.fixture
def kept(bench: Bench) -> Iterator[TaskLog]:
    """The log of the bench's worker; structlog is as before afterwards."""
    before = structlog.get_config()
    made = TaskLog(bench.beat.worker)
    keep_lines(made)
    yield made
    structlog.configure(**before)


def lines(bench: Bench, task_id: Any, **wanted: Any) -> list[LogView]:
    asked = {"owner": OWNER, "limit": 1000, **wanted}
    return bench.do(partial(task_log.lines, task_id=task_id, **asked))


def speaks(run: TaskRun, _job: Job) -> Made:
    """Does a stage, and says something in it."""

    def work() -> Made:
        log.warning("page.child_lost", page=3, exception="a text of a document")
        return Made(word="kettle")

    run.stage(stage(), inputs=[], work=work, store=nothing)
    return Made()


def test_claims_stages_and_what_was_said_are_one_log(
    bench: Bench, kept: TaskLog
) -> None:
    row = bench.run(speaks)
    bench.do(kept.write)

    told = lines(bench, row["id"])

    assert [(one.event, one.attempt, one.stage) for one in told] == [
        ("task.started", 1, None),
        ("page.child_lost", 1, "write"),
        ("stage.done", 1, "write"),
        ("task.ended", 1, None),
    ]
    said = told[1]
    assert (said.level, said.host) == ("warning", bench.beat.worker.host)
    assert said.fields == {"page": 3}, "what a foreign error says may quote a document"
    assert told[-1].fields["status"] == "success"


def test_every_line_of_a_task_names_task_attempt_queue_stage_and_owner(
    bench: Bench, kept: TaskLog
) -> None:
    """Else the lines of several hosts cannot be joined."""
    seen: list[dict[str, Any]] = []

    def look(_logger: object, _method: str, told: Any) -> Any:
        seen.append(dict(told))
        raise structlog.DropEvent

    def fails(run: TaskRun, job: Job) -> Made:
        speaks(run, job)
        raise CorruptError("It is torn.")

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, look, lambda *_: ""]
    )
    row = bench.run(fails)

    assert [one["event"] for one in seen] == [
        "task.started",
        "page.child_lost",
        "task.failed",
        "task.ended",
    ]
    for one in seen:
        assert one["task_id"] == str(row["id"])
        assert (one["attempt"], one["queue"], one["owner"]) == (
            1,
            "file_processing",
            OWNER,
        )
        assert (one["task"], one["host"]) == ("job_task", bench.beat.worker.host)
    assert [one["stage"] for one in seen] == [None, "write", "write", "write"]
    assert kept.has_lines is False


def test_the_next_task_begins_without_the_stage_of_the_one_before(
    bench: Bench, kept: TaskLog
) -> None:
    bench.run(speaks)

    row = bench.run(lambda *_: log.warning("something.odd") or Made())
    bench.do(kept.write)

    assert [one.stage for one in lines(bench, row["id"])] == [None, None, None]


def test_each_try_is_told_also_one_that_runs_and_one_that_was_lost(
    bench: Bench,
) -> None:
    task_id = bench.job()
    bench.claim(task_id)
    assert [one.event for one in lines(bench, task_id)] == ["task.started"]

    bench.set(task_id, "status = 'queued', due_at = now()")  # as after a lost worker
    bench.runner.execute(task_id)

    told = [(one.event, one.attempt) for one in lines(bench, task_id)]
    assert told[-2:] == [("task.started", 2), ("task.ended", 2)]


def test_a_log_is_bounded_and_read_page_by_page(bench: Bench, kept: TaskLog) -> None:
    def talks(_run: TaskRun, _job: Job) -> Made:
        for number in range(MOST_LINES + 50):
            log.info("something.said", number=number)
        return Made()

    row = bench.run(talks)
    bench.do(kept.write)
    whole = lines(bench, row["id"])

    paged: list[LogView] = []
    after = None
    while page := lines(bench, row["id"], limit=200, after=after):
        paged += page
        last = page[-1]
        after = (last.logged_at, last.source, last.place)
    assert paged == whole
    assert sum(one.event == "something.said" for one in whole) == MOST_LINES


def test_nobody_elses_log_is_read_and_it_goes_with_its_task(
    bench: Bench, kept: TaskLog
) -> None:
    row = bench.run(speaks)
    bench.do(kept.write)

    assert lines(bench, row["id"], owner="bob") == []
    bench.all("delete from tasks where id = %s returning 1 as ok", row["id"])
    assert bench.all("select * from task_log") == []
    log.warning("too.late", task_id=str(row["id"]), attempt=1)
    bench.do(kept.write)
    assert bench.all("select * from task_log") == []


def test_lines_wait_while_the_database_is_away(kept: TaskLog, bench: Bench) -> None:
    row = bench.run(speaks)

    with pytest.raises(AssertionError):
        kept.write(_Away())  # type: ignore[arg-type]
    bench.do(kept.write)

    assert "page.child_lost" in [one.event for one in lines(bench, row["id"])]


class _Away:
    def execute(self, *_: object) -> None:
        raise AssertionError


def test_the_beat_writes_what_is_held(bench: Bench, kept: TaskLog) -> None:
    bench.beat.task_log = kept
    row = bench.run(speaks)

    bench.until(
        lambda: "page.child_lost" in [one.event for one in lines(bench, row["id"])]
    )
