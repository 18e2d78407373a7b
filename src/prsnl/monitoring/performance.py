"""How an owner's tasks went: from the log of claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from prsnl.core.db import Db
from prsnl.wire.monitoring import Performance, TaskPerformance

_BY_TASK: Final = """
select queue, task_name as name, count(*) as claims,
       count(*) filter (where status = 'success') as succeeded,
       count(*) filter (where status in ('failure', 'dead')) as failed,
       count(*) filter (where status = 'revoked') as cancelled,
       count(*) filter (where status in ('queued', 'parked')) as tried_again,
       avg(runtime_s) as runtime_avg_s,
       percentile_cont(0.5) within group (order by runtime_s) as runtime_p50_s,
       percentile_cont(0.95) within group (order by runtime_s) as runtime_p95_s,
       max(runtime_s) as runtime_max_s,
       avg(extract(epoch from started_at - queued_at))::double precision
           as wait_avg_s,
       percentile_cont(0.95) within group (
           order by extract(epoch from started_at - queued_at)::double precision)
           as wait_p95_s,
       max(peak_memory_bytes) as peak_memory_bytes
from celery_task_results
where owner = %s and finished_at >= %s
group by queue, task_name order by queue, task_name
"""


def overview(connection: Db, *, owner: str, hours: int) -> Performance:
    """What the owner's tasks did in the last hours."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    rows = connection.execute(_BY_TASK, [owner, since]).fetchall()
    tasks = [TaskPerformance(**row) for row in rows]
    return Performance(
        hours=hours,
        since=since,
        claims=sum(task.claims for task in tasks),
        succeeded=sum(task.succeeded for task in tasks),
        failed=sum(task.failed for task in tasks),
        tasks=tasks,
    )
