"""Providers that are away: their tasks are parked, and come back a few at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from prsnl.core.db import Db

_LONGEST_WAIT_S: Final = 300.0
LARGEST_BATCH: Final = 64
_USUAL_WAIT_S: Final = 5.0

# A failed try doubles the wait; several tasks that fail together count as one. What has
# answered since it was away is away anew: its wait is the first again.
_NEXT_WAIT: Final = """
case providers.state when 'down' then providers.wait_s
                     when 'recovering' then excluded.wait_s
                     else least(providers.wait_s * 2, %(longest)s) end
"""
_DOWN: Final = f"""
insert into providers (name, state, reason, next_try_at, wait_s)
values (%(name)s, 'down', %(reason)s, now() + %(wait)s, extract(epoch from %(wait)s))
on conflict (name) do update
set reason = excluded.reason, batch = 1, state = 'down',
    wait_s = {_NEXT_WAIT},
    next_try_at = case when providers.state = 'down' then providers.next_try_at
                       else now() + make_interval(secs => {_NEXT_WAIT}) end
"""

_WAKE: Final = """
with ready as (
    select name, batch from providers where next_try_at <= now()
    for update skip locked
), freed as (
    update tasks t set status = 'queued', due_at = now(), sent_at = null,
           updated_at = now(), seq = seq + 1
    from ready r, lateral (
        select id from tasks p where p.status = 'parked' and p.provider = r.name
          and not exists (select from queue_pauses q where q.queue = p.queue)
        order by p.due_at, p.id limit r.batch for update skip locked
    ) chosen
    where t.id = chosen.id
    returning t.id, t.owner, t.seq, t.current, t.total, t.provider
), event as (
    insert into task_progress (task_id, owner, seq, status, current, total, message)
    select id, owner, seq, 'queued', current, total, 'Tries ' || provider || ' again'
    from freed
), probing as (
    update providers p
    set state = case when p.state = 'down' then 'probing' else p.state end,
        next_try_at = now() + make_interval(secs => p.wait_s)
    from ready where p.name = ready.name and exists (
        select 1 from freed where freed.provider = p.name)
)
delete from providers p using ready
where p.name = ready.name
  and not exists (select 1 from freed where freed.provider = p.name)
  and not exists (select 1 from tasks where status = 'parked' and provider = p.name)
  and not exists (select 1 from tasks where status in ('queued', 'running')
                  and provider = p.name)
returning p.name
"""

# The first answer of a batch doubles the next one; `next_try_at` is in the future from
# the moment that a batch is freed until then. By the clock: the transaction of another
# answer may have begun before the first one's was over.
_ANSWERED: Final = """
update providers
set batch = case when state <> 'recovering' then 1
                 when next_try_at > clock_timestamp() then least(batch * 2, %(largest)s)
                 else batch end,
    state = 'recovering', next_try_at = least(next_try_at, clock_timestamp())
where name = %(name)s
"""

# A parked task whose provider nobody knows (any more) would wait for ever.
_ADOPT: Final = """
insert into providers (name, state, reason, next_try_at, wait_s)
with recursive parked as (
    (select provider from tasks where status = 'parked' order by provider limit 1)
    union all
    select (select t.provider from tasks t
            where t.status = 'parked' and t.provider > p.provider
            order by t.provider limit 1)
    from parked p where p.provider is not null
)
select provider, 'down', 'It did not answer.', now(), %(wait_s)s
from parked
where provider is not null
  and not exists (select 1 from providers where name = provider)
on conflict do nothing
"""

_RELEASE: Final = """
update providers set next_try_at = now() where %(name)s::text is null or name = %(name)s
"""


def went_away(connection: Db, name: str, reason: str, *, first_wait: timedelta) -> None:
    """Note that a provider did not answer; its next try comes after a growing wait."""
    connection.execute(
        _DOWN,
        {
            "name": name,
            "reason": reason,
            "wait": first_wait,
            "longest": _LONGEST_WAIT_S,
        },
    )


def answered(connection: Db, name: str) -> None:
    """Note that a task got its answer: the next batch is twice as large."""
    connection.execute(_ANSWERED, {"name": name, "largest": LARGEST_BATCH})


def wake(connection: Db) -> bool:
    """Free the next parked tasks of every provider whose time has come.

    One task is the probe; when it gets its answer 1, 2, 4 ... follow. A provider that
    nobody waits for any more is forgotten.

    Returns:
        Whether any provider is still known, so that the caller looks again soon.
    """
    connection.execute(_ADOPT, {"wait_s": _USUAL_WAIT_S})
    connection.execute(_WAKE)
    row = connection.execute(
        "select exists (select 1 from providers) as any"
    ).fetchone()
    return bool(row and row["any"])


def release(connection: Db, name: str | None = None) -> None:
    """Try a provider now (all of them without a name): a person or a setting asked."""
    connection.execute(_RELEASE, {"name": name})
