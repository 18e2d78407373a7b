"""When a task may have ended: by what this machine took for others of its kind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from prsnl.core.db import Db
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.workers import GONE_AFTER

#: With fewer measurements nothing is said.
_LEAST: Final = 3
_MOST: Final = 200
#: Tasks of another size tell little: these are at most so many times smaller or larger.
_SIMILAR: Final = 3
_LOW, _HIGH = 0.1, 0.9
#: From so many steps on a task's own pace counts, too.
_OWN_STEPS: Final = 3
_REMEMBERED_S: Final = 10.0

# What was found in a checkpoint took no time, and says nothing of the next task.
_HISTORY: Final = """
select t.total, r.runtime_s
from (
    select task_id, runtime_s from celery_task_results
    where task_name = %(name)s and status = 'success'
    order by id desc limit %(most)s
) r join tasks t on t.id = r.task_id
where t.total > 0
  and not exists (
      select 1 from task_stages s where s.task_id = t.id and s.from_checkpoint)
"""

_RUNS_SINCE: Final = """
select extract(epoch from now() - claimed_at)::double precision as elapsed_s
from tasks where id = %s
"""

_LINE: Final = """
select (select count(*) from tasks a
        where a.queue = t.queue and a.status = 'queued' and not a.held
          and a.due_at <= now() and a.id < t.id) as ahead,
       (select coalesce(sum(w.slots), 0) from workers w
        where t.queue = any(w.queues) and w.state = 'running'
          and w.seen_at > now() - %(gone)s)::integer as slots,
       greatest(0, extract(epoch from t.due_at - now()))::double precision as due_in_s
from tasks t where t.id = %(id)s
  and not exists (select from queue_pauses p where p.queue = t.queue)
"""


@dataclass(frozen=True)
class Measured:
    """One task that was done: its steps and its seconds."""

    total: int
    runtime_s: float


@dataclass(frozen=True)
class Eta:
    """A range of seconds from now, and how many tasks it is derived from."""

    low_s: float
    high_s: float
    based_on: int


@dataclass
class History:
    """What was measured of each kind of task, remembered for a moment."""

    _known: dict[str, tuple[list[Measured], float]] = field(default_factory=dict)

    def eta(self, connection: Db, view: TaskView) -> Eta | None:
        """When a task may have ended; None if nobody can say."""
        if view.status not in (Status.RUNNING, Status.QUEUED):
            return None
        measured = self._of(connection, view.name)
        if len(measured) < _LEAST:
            return None
        if view.status is Status.RUNNING:
            row = connection.execute(_RUNS_SINCE, [view.task_id]).fetchone()
            elapsed_s = row["elapsed_s"] if row else None
            return remaining(measured, view.current, view.total, elapsed_s)
        line = connection.execute(
            _LINE, {"id": view.task_id, "gone": GONE_AFTER}
        ).fetchone()
        if line is None or line["slots"] == 0:
            return None
        return queued(measured, line["ahead"] / line["slots"], line["due_in_s"])

    def _of(self, connection: Db, name: str) -> list[Measured]:
        known, until = self._known.get(name, ([], 0.0))
        if time.monotonic() < until:
            return known
        rows = connection.execute(_HISTORY, {"name": name, "most": _MOST}).fetchall()
        found = [Measured(**row) for row in rows]
        self._known[name] = (found, time.monotonic() + _REMEMBERED_S)
        return found


def remaining(
    measured: Sequence[Measured],
    current: int,
    total: int | None,
    elapsed_s: float | None,
) -> Eta:
    """The rest of a task that runs."""
    if not total:
        whole = [one.runtime_s for one in measured]
        spent_s = elapsed_s or 0.0
        return _body(
            max(0.0, _quantile(whole, _LOW) - spent_s),
            max(0.0, _quantile(whole, _HIGH) - spent_s),
            len(whole),
        )
    similar = [
        one for one in measured if total / _SIMILAR <= one.total <= total * _SIMILAR
    ]
    chosen = similar if len(similar) >= _LEAST else measured
    paces = [one.runtime_s / one.total for one in chosen]
    left = max(0, total - current)
    low, high = _quantile(paces, _LOW), _quantile(paces, _HIGH)
    if elapsed_s is not None and current >= _OWN_STEPS:
        own = elapsed_s / current
        low, high = min(low, own), max(high, own)
    return _body(low * left, high * left, len(chosen))


def queued(measured: Sequence[Measured], turns: float, due_in_s: float) -> Eta:
    """A task before which each worker has so many others to do."""
    whole = [one.runtime_s for one in measured]
    rounds = turns + 1
    return _body(
        due_in_s + rounds * _quantile(whole, _LOW),
        due_in_s + rounds * _quantile(whole, _HIGH),
        len(whole),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _body(low_s: float, high_s: float, count: int) -> Eta:
    return Eta(low_s=round(low_s, 1), high_s=round(high_s, 1), based_on=count)
