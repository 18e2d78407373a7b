"""What waits in each queue, and who works on it."""

from __future__ import annotations

from typing import Final

from prsnl.core.db import Db, Row
from prsnl.wire.monitoring import QueueBody
from prsnl.work.pauses import Paused, paused
from prsnl.work.queues import QUEUES, QueueSpec
from prsnl.work.workers import GONE_AFTER

# Each part reads one small index: a table of many ended tasks is not gone through.
_COUNTS: Final = """
select queue, sum(queued)::integer as depth, sum(due)::integer as due,
       sum(running)::integer as running, sum(parked)::integer as parked,
       sum(waiting)::integer as waiting,
       extract(epoch from now() - min(since)) as oldest_wait_s
from (
    select queue, count(*) as queued, count(*) filter (where due_at <= now()) as due,
           0 as running, 0 as parked, 0 as waiting,
           min(due_at) filter (where due_at <= now()) as since
    from tasks where status = 'queued' and sent_at is null and not held group by queue
    union all
    select queue, count(*), count(*) filter (where due_at <= now()), 0, 0, 0,
           min(due_at) filter (where due_at <= now())
    from tasks where status = 'queued' and sent_at is not null group by queue
    union all
    select queue, 0, 0, count(*), 0, 0, null
    from tasks where status = 'running' group by queue
    union all
    select queue, 0, 0, 0, count(*), 0, null
    from tasks where status = 'parked' group by queue
    union all
    select queue, count(*) filter (where status = 'queued'), 0, 0, 0,
           count(*) filter (where status = 'waiting'), null
    from tasks where status = 'waiting' or (status = 'queued' and held)
    group by queue
) as parts group by queue
"""

_WORKERS: Final = """
select kind, queues, slots, trouble from workers
where seen_at > now() - %s and state = 'running'
"""
_NOTHING: Final = {
    "depth": 0,
    "due": 0,
    "running": 0,
    "parked": 0,
    "waiting": 0,
    "oldest_wait_s": None,
}


def queues(connection: Db) -> list[QueueBody]:
    """Every queue, the highest priority first."""
    counts = {row.pop("queue"): row for row in connection.execute(_COUNTS).fetchall()}
    processes = connection.execute(_WORKERS, [GONE_AFTER]).fetchall()
    pauses = paused(connection)
    return [
        _body(
            spec,
            counts.get(str(spec.queue), _NOTHING),
            processes,
            pauses.get(spec.queue),
        )
        for spec in QUEUES
    ]


def _body(
    spec: QueueSpec, counts: Row, processes: list[Row], pause: Paused | None
) -> QueueBody:
    serving = [row for row in processes if spec.queue in row["queues"]]
    return QueueBody(
        name=spec.queue,
        priority=spec.priority,
        **counts,
        workers=len(serving),
        slots=sum(row["slots"] for row in serving),
        # A pause keeps nobody busy: more workers would only wait.
        wanted=counts["running"] + (0 if pause else counts["due"]),
        paused_by=pause.by if pause else None,
        paused_at=pause.at if pause else None,
        problem=(
            pause.reason(spec.queue)
            if pause
            else _problem(spec, counts, serving, processes)
        ),
    )


def _problem(
    spec: QueueSpec, counts: Row, serving: list[Row], processes: list[Row]
) -> str | None:
    schedulers = [row for row in processes if row["kind"] == "scheduler"]
    waits = counts["depth"] + counts["parked"]
    if not serving:
        told = f"{waits} tasks wait, and no" if waits else "No"
        return (
            f"{told} worker for {spec.queue} is running: start one with "
            f"./prsnl worker {spec.queue}."
        )
    if not schedulers:
        return "No scheduler is running: start one with ./prsnl scheduler."
    return next((row["trouble"] for row in schedulers if row["trouble"]), None)
