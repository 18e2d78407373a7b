"""How far the work that goes on is: which step of how many, since when, until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.dashboard.words import counted, stage_words
from prsnl.work.eta import Eta, History
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status

#: An end is looked up for so many tasks of a page: each costs a statement.
_ENDS_TOLD: Final = 12
#: Below this nothing more exact is worth saying.
_SOON_S: Final = 5
#: So long an end is told to the second, in seconds, in minutes.
_TO_THE_TEN_S: Final = 30
_IN_SECONDS_S: Final = 95
_IN_MINUTES_S: Final = 5400
#: Two ends this near to one another are one.
_NEAR: Final = 1.25
#: What the units of a stage are, where a person counts them.
_UNITS: Final = {
    "pages": "page",
    "shots": "span",
    "frame text": "frame",
    "embed passages": "passage",
    "embed texts": "text",
}

# How many steps it takes is what it took the newest of its kind to end well: the same
# task, over a file of the same kind.
_STEPS: Final = """
select t.id, t.claimed_at, a.page_count, done.stage, done.steps, done.units,
       usual.steps as usual
from tasks t
left join attachments a on a.id = t.attachment_id
left join lateral (
    select count(distinct s.stage) as steps,
           (array_agg(s.stage order by s.committed_at desc))[1] as stage,
           count(*) filter (where s.stage = (
               select l.stage from task_stages l where l.task_id = t.id
               order by l.committed_at desc limit 1)) as units
    from task_stages s where s.task_id = t.id
) done on true
left join lateral (
    select count(distinct s.stage) as steps from task_stages s where s.task_id = (
        select e.id from tasks e left join attachments b on b.id = e.attachment_id
        where e.owner = t.owner and e.name = t.name and e.status = 'success'
          and b.kind is not distinct from a.kind
        order by e.id desc limit 1)
) usual on true
where t.id = any(%s)
"""


@dataclass(frozen=True)
class Moving:
    """How far one task is."""

    #: "Step 4 of 9: Read the pages", empty before the first is done.
    step: str
    #: "12 of 40 pages", where the step is made of what a person counts.
    units: str
    #: When the claim that runs began; None for a task that waits.
    since: datetime | None
    #: "20 s to 1 min left", once that was measured; why one waits tells more than it.
    left: str


def moving(
    connection: Db, tasks: Iterable[TaskView], history: History
) -> dict[UUID, Moving]:
    """How far those tasks are that have not ended."""
    going = [task for task in tasks if task.status in _GOING]
    rows = connection.execute(_STEPS, [[task.task_id for task in going]]).fetchall()
    by_id = {row["id"]: row for row in rows}
    told = {}
    for place, task in enumerate(going):
        row = by_id.get(task.task_id, _NOTHING)
        is_running = task.status is Status.RUNNING
        is_told = is_running and place < _ENDS_TOLD
        eta = history.eta(connection, task) if is_told else None
        told[task.task_id] = Moving(
            step=step_words(row["steps"], row["usual"], row["stage"]),
            units=unit_words(row["stage"], row["units"], row["page_count"]),
            since=row["claimed_at"] if is_running else None,
            left=left_words(eta),
        )
    return told


_GOING: Final = (Status.RUNNING, Status.QUEUED, Status.PARKED, Status.WAITING)
_NOTHING: Final = {
    "steps": 0,
    "usual": None,
    "stage": None,
    "units": 0,
    "page_count": None,
    "claimed_at": None,
}


def step_words(steps: int, usual: int | None, stage: str | None) -> str:
    """Which step of how many: "Step 4 of 9: Read the pages"."""
    if not steps or stage is None:
        return ""
    of = f" of {usual}" if usual and usual >= steps else ""
    return f"Step {steps}{of}: {stage_words(stage)}"


def unit_words(stage: str | None, units: int, page_count: int | None) -> str:
    """How much of a step is done: "12 of 40 pages", "3 spans"."""
    unit = _UNITS.get(stage or "")
    if unit is None or not units:
        return ""
    if unit == "page" and page_count and page_count >= units:
        return f"{units:,} of {counted(page_count, unit)}"
    return counted(units, unit)


def left_words(eta: Eta | None) -> str:
    """When it may have ended: "20 s to 1 min left"; empty if nobody can say."""
    if eta is None:
        return ""
    if eta.high_s < _SOON_S:
        return "a few seconds left"
    low, high = _about(eta.low_s), _about(eta.high_s)
    if eta.low_s < 1:
        return f"up to {high} left"
    if low == high or eta.high_s <= eta.low_s * _NEAR:
        return f"about {high} left"
    return f"{low} to {high} left"


def _about(seconds: float) -> str:
    """A time that nobody knows to the second: "40 s", "7 min", "2 h"."""
    if seconds < _TO_THE_TEN_S:
        return f"{max(1, round(seconds))} s"
    if seconds < _IN_SECONDS_S:
        return f"{round(seconds, -1):.0f} s"
    if seconds < _IN_MINUTES_S:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
