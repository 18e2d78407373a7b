"""The books, checked: what was lost, done twice, stuck, run again, or went back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from prsnl.ai_processing.prompt_specs import PROCESS_WITH_LLM
from prsnl.core.db import Db
from prsnl.proving import archive
from prsnl.proving.load import PutIn
from prsnl.proving.provider import SAID

_LOST: Final = """
select count(*) as n from unnest(%(ids)s::uuid[]) as wanted (id)
left join tasks t on t.id = wanted.id where t.id is null
"""

# Of all tasks, also those that others have made.
_STUCK: Final = """
select count(*) as n from tasks
where status in ('queued', 'running', 'parked', 'waiting')
"""

_FAILED: Final = """
select count(*) as n from tasks where status in ('failure', 'dead', 'revoked')
"""

_DOUBLED: Final = """
select (select count(*) from proving_effects where n > 1)
     + (select count(*) from (
            select task_id from celery_task_results where status = 'success'
            group by task_id having count(*) > 1) twice)
     + (select count(*) from (
            select key from calls where outcome = 'answered'
            group by key having count(*) > 1) twice)
     + (select count(*) from (
            select attachment_id from chunks
            group by attachment_id, page_from, start_offset
            having count(*) > 1) twice)
     + (select count(*) from (
            select owner from embeddings
            group by owner, content, space having count(*) > 1) twice) as n
"""

#: Effects that a finished task should have had and has not; texts without a vector.
_MISSING: Final = """
select coalesce(
    sum(greatest(0, (t.result ->> 'effects')::integer - coalesce(e.n, 0))), 0)
    + (select count(*) from chunks c where not exists (
           select 1 from embeddings v
           where v.owner = c.owner and v.content = c.content))
    + (select count(*) from task_embeddings w where not exists (
           select 1 from embeddings v
           where v.owner = w.owner and v.content = w.content and v.space = w.space))
    as n
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

#: Summaries that the provider has not written: a lie that was taken for an answer.
_MADE_UP: Final = f"""
select (select count(*) from tasks
        where status = 'success' and name = '{PROCESS_WITH_LLM.name}'
          and result ->> 'summary' is distinct from '{SAID}')
     + (select count(*) from items where summary <> '{SAID}') as n
"""


@dataclass(frozen=True)
class Audit:
    """Every number but the first two is to be zero.

    Attributes:
        tasks: Those that were submitted, and those that these have made.
        items: Files, notes and recordings that were put in.
        lost: Tasks and items that were accepted, and are not there.
        doubled: Effects, results, answers, passages, vectors and items.
        missing: Effects and vectors that should be there.
        spoiled: Items whose text is not what was put in, and answers that the
            provider has not given.
        opened_pickles: A forged message was more than data.
    """

    tasks: int
    items: int
    lost: int
    doubled: int
    missing: int
    spoiled: int
    stuck: int
    failed: int
    stages_run_again: int
    stale_writes: int
    progress_back: int
    opened_pickles: int

    @property
    def broken(self) -> dict[str, int]:
        """The promises that were not kept."""
        found = {one.name: int(getattr(self, one.name)) for one in fields(self)}
        return {name: n for name, n in found.items() if n and name not in _COUNTS}

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken


_COUNTS: Final = ("tasks", "items")


def audit(
    connection: Db,
    ids: Sequence[UUID],
    put_in: Sequence[PutIn] = (),
    *,
    opened_pickles: int = 0,
) -> Audit:
    """Check the books over the tasks and items that were submitted."""

    def count(statement: str) -> int:
        row = connection.execute(statement, {"ids": list(ids)}).fetchone()
        assert row is not None
        return int(row["n"])

    kept = archive.look(connection, put_in)
    return Audit(
        tasks=count("select count(*) as n from tasks"),
        items=len(put_in),
        lost=count(_LOST) + kept.lost,
        doubled=count(_DOUBLED) + kept.doubled,
        missing=count(_MISSING) + kept.missing,
        spoiled=count(_MADE_UP) + kept.spoiled,
        stuck=count(_STUCK),
        failed=count(_FAILED),
        stages_run_again=count(_AGAIN),
        stale_writes=count(_STALE),
        progress_back=count(_BACK),
        opened_pickles=opened_pickles,
    )


_UNFINISHED: Final = """
select id, name, status, retries, crashes,
       coalesce(error_code, '') as code, coalesce(error_message, message) as why
from tasks where status <> 'success' order by id limit %s
"""
_TOLD: Final = 5


def unfinished(connection: Db) -> list[str]:
    """Some tasks that have not succeeded, a sentence each."""
    return [
        f"{row['name']} {row['id']} is {row['status']} after {row['retries']} retries "
        f"and {row['crashes']} crashes: {row['code']} {row['why']}".strip()
        for row in connection.execute(_UNFINISHED, [_TOLD])
    ]
