"""When a task waited and when it ran, try by try and step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.work.ledger import TaskView
from prsnl.work.specs import ENDED, Status

#: The bars are so many units wide; a browser draws them as wide as there is room.
WIDTH: Final = 1000
_LEAST: Final = 3

_TRIES: Final = """
select task_id, claim_no, status, started_at, finished_at, runtime_s, error_message
from celery_task_results where task_id = any(%s) order by task_id, claim_no
"""
_STEPS: Final = """
select task_id, stage, count(*) as units,
       count(*) filter (where from_checkpoint) as kept,
       sum(milliseconds) as milliseconds,
       min(committed_at - make_interval(secs => case when from_checkpoint then 0
           else milliseconds / 1000 end)) as began_at,
       max(committed_at) as ended_at
from task_stages where task_id = any(%s) group by task_id, stage
order by task_id, min(committed_at)
"""


@dataclass(frozen=True)
class Bar:
    """A stretch of time, as it is drawn."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Stretch:
    """A time that a task waited or ran."""

    #: "waited", "parts" (waited for those), "ran", "failed" or "runs".
    kind: str
    seconds: float
    #: Of a try: which, and what went wrong with it.
    number: int | None
    error: str | None
    bar: Bar


@dataclass(frozen=True)
class Step:
    """One stage of a task."""

    stage: str
    units: int
    #: So many parts were made before, and only looked up.
    kept: int
    seconds: float
    bar: Bar


@dataclass(frozen=True)
class Timeline:
    """One task from its beginning to its end, or to now."""

    task: TaskView
    stretches: list[Stretch]
    steps: list[Step]
    waited_s: float
    #: For the tasks that it is made of.
    parts_s: float
    ran_s: float
    tries: int


def timelines(
    connection: Db, tasks: Sequence[TaskView], now: datetime | None = None
) -> list[Timeline]:
    """The course of each task, which the caller has proved to be its owner's."""
    ids = [task.task_id for task in tasks]
    tries = _by_task(connection.execute(_TRIES, [ids]).fetchall())
    steps = _by_task(connection.execute(_STEPS, [ids]).fetchall())
    until = now or datetime.now(UTC)
    return [
        timeline(task, tries.get(task.task_id, []), steps.get(task.task_id, []), until)
        for task in tasks
    ]


def timeline(
    task: TaskView, tries: Sequence[Row], steps: Sequence[Row], now: datetime
) -> Timeline:
    """The course of one task.

    Args:
        task: It.
        tries: Its rows of the log, the oldest first: one a try that has ended.
        steps: Its stages, in the order of their beginning.
        now: When this is.
    """
    scale = _Scale.of(task, now)
    parts = list(_parts(task, tries, scale.end))
    return Timeline(
        task=task,
        stretches=[
            Stretch(
                kind, (to - at).total_seconds(), number, error, scale.bar(kind, at, to)
            )
            for kind, at, to, number, error in parts
        ],
        steps=[
            Step(
                stage=row["stage"],
                units=row["units"],
                kept=row["kept"],
                seconds=float(row["milliseconds"]) / 1000,
                bar=scale.bar(
                    "kept" if row["kept"] == row["units"] else "ran",
                    row["began_at"],
                    row["ended_at"],
                ),
            )
            for row in steps
        ],
        waited_s=_sum(parts, "waited"),
        parts_s=_sum(parts, "parts"),
        ran_s=_sum(parts, "ran", "failed", "runs"),
        # To go on after its parts is no other try.
        tries=sum(1 for part in parts if part[3] is not None)
        - sum(1 for row in tries if row["status"] == Status.WAITING),
    )


_Part = tuple[str, datetime, datetime, int | None, str | None]


def _parts(task: TaskView, tries: Sequence[Row], end: datetime) -> Iterator[_Part]:
    at, waits = task.created_at, "waited"
    for row in tries:
        began = max(at, row["started_at"])
        if began > at:
            yield waits, at, began, None, None
        waits = "parts" if row["status"] == Status.WAITING else "waited"
        went_well = row["status"] in (Status.SUCCESS, Status.WAITING)
        at = max(began, row["finished_at"])
        yield (
            "ran" if went_well or row["error_message"] is None else "failed",
            began,
            at,
            row["claim_no"],
            row["error_message"],
        )
    if task.status is Status.RUNNING and task.started_at is not None:
        # Of a first try the beginning is known; of a later one, that it came after.
        began = max(at, task.started_at if not tries else at)
        if began > at:
            yield waits, at, began, None, None
        yield "runs", began, max(began, end), task.attempt, None
    elif end > at and (task.status not in ENDED or not tries):
        yield waits, at, end, None, None


def _sum(parts: Sequence[_Part], *kinds: str) -> float:
    spans = [to - at for kind, at, to, _, _ in parts if kind in kinds]
    return sum(spans, timedelta()).total_seconds()


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    end: datetime

    @classmethod
    def of(cls, task: TaskView, now: datetime) -> _Scale:
        return cls(task.created_at, max(task.created_at, task.finished_at or now))

    def bar(self, kind: str, at: datetime, to: datetime) -> Bar:
        x = min(self._place(at), WIDTH - _LEAST)
        width = max(_LEAST, min(self._place(to), WIDTH) - x)
        return Bar(kind, round(x, 1), round(width, 1))

    def _place(self, at: datetime) -> float:
        whole = (self.end - self.begin).total_seconds()
        passed = (at - self.begin).total_seconds()
        return max(0.0, passed / whole * WIDTH) if whole else 0.0


def _by_task(rows: Sequence[Row]) -> dict[UUID, list[Row]]:
    made: dict[UUID, list[Row]] = {}
    for row in rows:
        made.setdefault(row["task_id"], []).append(row)
    return made
