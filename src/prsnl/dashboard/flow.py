"""How much is done, how long it waits and runs: by queue, and over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from prsnl.core.db import Db


class Span(StrEnum):
    """How far a picture reaches back."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def hours(self) -> int:
        """In hours."""
        return _HOURS[self]

    @property
    def bucket(self) -> timedelta:
        """How much time one bar is."""
        return timedelta(hours=self.hours) / BARS

    @property
    def words(self) -> str:
        """As a heading says it."""
        return "last hour" if self is Span.HOUR else f"last {_TITLES[self]}"


#: So many bars make a picture: each is wide enough for a thumb, at least nearly.
BARS: Final = 24
_HOURS: Final = {Span.HOUR: 1, Span.DAY: 24, Span.WEEK: 168, Span.MONTH: 720}
_TITLES: Final = {Span.DAY: "24 hours", Span.WEEK: "7 days", Span.MONTH: "30 days"}

# A claim that was given back is neither: its task goes on.
_MEASURES: Final = """
select queue, count(*) filter (where status = 'success') as succeeded,
       count(*) filter (where status in ('failure', 'dead')) as failed,
       percentile_cont(array[0.5, 0.95]) within group (order by runtime_s) as run_s,
       percentile_cont(array[0.5, 0.95]) within group (
           order by extract(epoch from started_at - queued_at)::double precision
       ) as wait_s
from celery_task_results
where owner = %(owner)s and finished_at >= now() - %(reach)s
group by queue
"""

# The oldest that waited at the end of a bar: claims that began later, and tasks that
# still wait. Whole bars, so that a picture that is drawn again moves by whole bars.
_SERIES: Final = """
with bars as (
    select at as begins_at, at + %(bucket)s as ends_at,
           least(at + %(bucket)s, now()) as seen_at
    from generate_series(
        date_bin(%(bucket)s, now(), 'epoch') - (%(bars)s - 1) * %(bucket)s,
        date_bin(%(bucket)s, now(), 'epoch'), %(bucket)s) at
), claims as (
    select status, queue, queued_at, started_at, finished_at
    from celery_task_results
    where owner = %(owner)s and finished_at >= (select min(begins_at) from bars)
      and (%(queue)s::text is null or queue = %(queue)s)
), ended as (
    select date_bin(%(bucket)s, finished_at, 'epoch') as at,
           count(*) filter (where status = 'success') as succeeded,
           count(*) filter (where status in ('failure', 'dead')) as failed,
           percentile_cont(0.95) within group (
               order by extract(epoch from started_at - queued_at)::double precision
           ) as wait_p95_s
    from claims group by 1
), waited as (
    select queued_at as since, started_at as until from claims
    union all
    select due_at, 'infinity' from tasks
    where owner = %(owner)s and status = 'queued' and due_at <= now()
      and (%(queue)s::text is null or queue = %(queue)s)
), backlog as (
    select bars.begins_at as at,
           extract(epoch from bars.seen_at - min(waited.since))::double precision
               as age_s
    from bars join waited
      on waited.since <= bars.seen_at and waited.until > bars.seen_at
    group by bars.begins_at, bars.seen_at
)
select bars.begins_at, bars.ends_at, coalesce(ended.succeeded, 0) as succeeded,
       coalesce(ended.failed, 0) as failed, ended.wait_p95_s, backlog.age_s
from bars left join ended on ended.at = bars.begins_at
left join backlog on backlog.at = bars.begins_at
order by bars.begins_at
"""


@dataclass(frozen=True)
class Measures:
    """What was measured of a queue; None where nothing was."""

    succeeded: int = 0
    failed: int = 0
    run_p50_s: float | None = None
    run_p95_s: float | None = None
    wait_p50_s: float | None = None
    wait_p95_s: float | None = None


@dataclass(frozen=True)
class Bar:
    """One part of the time of a picture."""

    begins_at: datetime
    ends_at: datetime
    succeeded: int
    failed: int
    #: Of the claims that ended in it; None if none did.
    wait_p95_s: float | None
    #: Of the oldest task that waited at its end; None if none did.
    age_s: float | None


def measures(connection: Db, span: Span, *, owner: str) -> dict[str, Measures]:
    """The owner's tasks by queue, of the time of a picture."""
    rows = connection.execute(
        _MEASURES, {"owner": owner, "reach": timedelta(hours=span.hours)}
    ).fetchall()
    return {
        row["queue"]: Measures(
            row["succeeded"], row["failed"], *row["run_s"], *row["wait_s"]
        )
        for row in rows
    }


def series(
    connection: Db, span: Span, *, owner: str, queue: str | None = None
) -> list[Bar]:
    """The owner's tasks over time, of one queue or of all."""
    rows = connection.execute(
        _SERIES,
        {"owner": owner, "queue": queue, "bucket": span.bucket, "bars": BARS},
    ).fetchall()
    return [Bar(**row) for row in rows]
