"""The books, checked: what was lost, done twice, stuck, run again, or went back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from prsnl.core.db import Db

_LOST: Final = """
select count(*) as n from unnest(%(ids)s::uuid[]) as wanted (id)
left join tasks t on t.id = wanted.id where t.id is null
"""

_STUCK: Final = """
select count(*) as n from tasks
where id = any(%(ids)s) and status in ('queued', 'running', 'parked', 'waiting')
"""

_FAILED: Final = """
select count(*) as n from tasks
where id = any(%(ids)s) and status in ('failure', 'dead', 'revoked')
"""

_DOUBLED: Final = """
select (select count(*) from proving_effects where n > 1)
     + (select count(*) from (
            select task_id from celery_task_results where status = 'success'
            group by task_id having count(*) > 1) twice) as n
"""

#: Effects that a finished task should have had and has not.
_MISSING: Final = """
select coalesce(
    sum(greatest(0, (t.result ->> 'effects')::integer - coalesce(e.n, 0))), 0) as n
from tasks t
left join lateral (
    select count(*) as n from proving_effects e where e.task_id = t.id) e on true
where t.id = any(%(ids)s) and t.status = 'success' and t.result ? 'effects'
"""

#: A unit that began after its commit: finished work thrown away.
_AGAIN: Final = """
select count(*) as n from proving_begun b
join task_stages s on s.task_id = b.task_id and s.stage = b.stage and s.unit = b.unit
where b.claim_no > s.claim_no
"""

#: A commit by a claim after a newer one had begun: the fence has a hole.
_STALE: Final = """
select count(*) as n from task_stages s
where exists (
    select 1 from celery_task_results r
    where r.task_id = s.task_id and r.claim_no > s.claim_no
      and r.started_at < s.committed_at)
"""

_BACK: Final = """
select count(*) as n from (
    select current, lag(current) over (partition by task_id order by seq, id) as before
    from task_progress) p
where current < before
"""


@dataclass(frozen=True)
class Audit:
    """Every number but the first is to be zero."""

    tasks: int
    lost: int
    doubled: int
    missing: int
    stuck: int
    failed: int
    stages_run_again: int
    stale_writes: int
    progress_back: int

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not any(
            getattr(self, field.name) for field in fields(self) if field.name != "tasks"
        )


def audit(connection: Db, ids: Sequence[UUID]) -> Audit:
    """Check the books over the tasks that were submitted."""

    def count(statement: str) -> int:
        row = connection.execute(statement, {"ids": list(ids)}).fetchone()
        assert row is not None
        return int(row["n"])

    return Audit(
        tasks=len(ids),
        lost=count(_LOST),
        doubled=count(_DOUBLED),
        missing=count(_MISSING),
        stuck=count(_STUCK),
        failed=count(_FAILED),
        stages_run_again=count(_AGAIN),
        stale_writes=count(_STALE),
        progress_back=count(_BACK),
    )
