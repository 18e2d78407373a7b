"""Failure families: what failed for one cause, over all tasks.

A cause is an error's category and code, the stage that it ended and what was at work.
A family is open while one of its tasks is a dead letter or is tried again; resolved
when its owner says so, or when all that failed was done later; and reopened when it
happens again after that. Failures are read from the log, so that a family is known as
long as its tasks are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import Category, NotFoundError
from prsnl.work import advice
from prsnl.work.dead_letters import FINGERPRINT, OPEN, Cause, values

#: More causes are not told at once; the most frequent ones are.
MOST: Final = 200

_FAMILIES: Final = f"""
with open as (
    select {FINGERPRINT.format("t")} as fingerprint,
           count(*) as count,
           min(coalesce(t.finished_at, t.updated_at)) as first_seen,
           (array_agg(t.error_message order by t.id desc))[1] as example,
           (array_agg(t.id order by t.id desc))[:3] as example_ids
    from tasks t where {OPEN} group by 1
), failures as (
    select id, task_id, task_name, queue, owner, finished_at, error_category,
           error_code, error_stage, error_engine, error_message
    from celery_task_results
    where owner = %(owner)s and status in ('failure', 'dead')
    union all
    select 0, id, name, queue, owner, coalesce(finished_at, updated_at),
           error_category, error_code, error_stage, error_engine, error_message
    from tasks f
    where owner = %(owner)s and status in ('failure', 'dead') and not exists (
        select from celery_task_results l
        where l.task_id = f.id and l.claim_no = f.claim_no
          and l.status in ('failure', 'dead'))
), logged as materialized (
    select r.*, {FINGERPRINT.format("r")} as fingerprint,
           t.status as now, t.attachment_id,
           case when t.status = 'success' then t.finished_at else (
               select min(later.finished_at) from tasks later
               where later.attachment_id = t.attachment_id and later.name = t.name
                 and later.owner = t.owner and later.id > t.id
                 and later.status = 'success') end as done_at
    from failures r join tasks t on t.id = r.task_id
    where (%(code)s::text is null or r.error_code = %(code)s)
      and (%(queue)s::text is null or r.queue = %(queue)s)
      and (%(name)s::text is null or r.task_name = %(name)s)
), known as (
    select l.fingerprint, l.error_category as category, l.error_code as code,
           l.error_stage as stage, l.error_engine as engine, count(*) as seen,
           count(distinct l.task_id) filter (where l.now in (
               'queued', 'running', 'parked', 'waiting')) as retrying,
           array_agg(distinct l.task_name) as names,
           array_agg(distinct l.queue) as queues,
           min(l.finished_at) as first_seen, max(l.finished_at) as last_seen,
           min(l.done_at) as first_done, max(l.done_at) as last_done,
           (array_agg(l.error_message order by l.id desc))[1] as example,
           (array_agg(l.task_id order by l.id desc))[:3] as example_ids
    from logged l
    where %(fingerprint)s::text is null or l.fingerprint = %(fingerprint)s
    group by 1, 2, 3, 4, 5
)
select fingerprint, k.category, k.code, k.stage, k.engine,
       coalesce(o.count, 0) as count, k.retrying,
       k.seen, k.names, k.queues, k.first_seen, k.last_seen,
       coalesce(o.example, k.example) as example,
       coalesce(o.example_ids, k.example_ids) as example_ids,
       case when o.count is null then greatest(f.resolved_at, k.last_done)
            else greatest(f.resolved_at, case when k.first_done < o.first_seen
                then k.first_done end) end as resolved_at,
       f.resolved_at is not null as is_by_hand
from known k
left join open o using (fingerprint)
left join (
    select fingerprint, resolved_at from failure_families where owner = %(owner)s
) f using (fingerprint)
order by coalesce(o.count, 0) desc, k.last_seen desc, fingerprint limit {MOST}
"""

_RESOLVE: Final = """
insert into failure_families (owner, fingerprint) values (%s, %s)
on conflict (owner, fingerprint) do update set resolved_at = now()
"""

_UNRESOLVE: Final = """
delete from failure_families where owner = %s and fingerprint = %s
"""


class State(StrEnum):
    """How a family is."""

    OPEN = "open"
    #: By its owner, or since all that failed was done later.
    RESOLVED = "resolved"
    #: It was resolved, and has happened again.
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class Family:
    """What failed for one cause."""

    fingerprint: str
    state: State
    category: str | None
    code: str | None
    #: The stage that it ended, and what was at work; null where it was neither.
    stage: str | None
    engine: str | None
    #: The kinds of task that it happened to, and their queues.
    names: list[str]
    queues: list[str]
    #: Tasks that are open, that are tried again now, and failures in all.
    count: int
    retrying: int
    seen: int
    first_seen: datetime
    last_seen: datetime
    #: When it was last resolved.
    resolved_at: datetime | None
    #: What the newest one said.
    example: str | None
    #: The newest ones, at most three.
    example_ids: list[UUID]

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return advice.of(self.code).sentence

    @property
    def what_to_do(self) -> str:
        """What a person does about it."""
        return advice.of(self.code).what_to_do

    @property
    def may_end_well(self) -> bool:
        """Whether trying again may help without anything else being done."""
        return self.category != Category.PERMANENT


def families(
    connection: Db, cause: Cause, *, owner: str, with_resolved: bool = False
) -> list[Family]:
    """The owner's families, the one with the most open tasks first."""
    rows = connection.execute(_FAMILIES, values(cause, owner)).fetchall()
    found = [_family(row) for row in rows]
    if with_resolved:
        return found
    return [one for one in found if one.state is not State.RESOLVED]


def resolve(connection: Db, fingerprint: str, *, owner: str) -> Family:
    """Count what failed by a cause so far no more.

    Raises:
        NotFoundError: Nothing of this owner failed by it.
    """
    return _said(connection, fingerprint, _RESOLVE, owner=owner)


def unresolve(connection: Db, fingerprint: str, *, owner: str) -> Family:
    """Count it again, if its owner had resolved it; else it stays as it is.

    Raises:
        NotFoundError: Nothing of this owner failed by it.
    """
    return _said(connection, fingerprint, _UNRESOLVE, owner=owner)


def _said(connection: Db, fingerprint: str, statement: str, *, owner: str) -> Family:
    """A family, after its owner has said something of it."""
    cause = Cause(fingerprint=fingerprint)
    with connection.transaction():
        if not families(connection, cause, owner=owner, with_resolved=True):
            raise NotFoundError("There is no such family of failures.")
        connection.execute(statement, [owner, fingerprint])
    return families(connection, cause, owner=owner, with_resolved=True)[0]


def _family(row: Row) -> Family:
    is_by_hand = row.pop("is_by_hand")
    return Family(state=_state(row, is_by_hand=is_by_hand), **row)


def _state(row: Row, *, is_by_hand: bool) -> State:
    if row["count"]:
        return State.OPEN if row["resolved_at"] is None else State.REOPENED
    if row["retrying"] and not is_by_hand:
        return State.OPEN
    return State.RESOLVED
