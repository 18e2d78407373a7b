"""Limits that every worker of every host shares: requests, tokens, and at once.

A bucket is one row for each provider and model. It says when the next request and the
next token are free (the generic cell rate algorithm: ITU-T I.371, annex A), and one
UPDATE takes from it. All times are the database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.reach import Endpoint

#: A request that has to wait no longer waits where it is; else its worker is released.
WAITS_INSIDE: Final = timedelta(seconds=2)
#: Of a limit so much is used. A provider's minute is not ours, and what is sent on time
#: by a busy machine arrives late: up to three seconds of that change no minute.
_USED: Final = 0.95
_LONGEST_PAUSE_S: Final = 3600.0
_LONGEST_GUESS_S: Final = 60.0

_KNOW: Final = """
insert into limits (name, provider, at_once, request_every_s, token_every_s, burst_s)
values (%(name)s, %(provider)s, %(at_once)s, %(request)s, %(token)s, %(burst)s)
on conflict (name) do update
set provider = excluded.provider, at_once = excluded.at_once,
    request_every_s = excluded.request_every_s, token_every_s = excluded.token_every_s,
    burst_s = excluded.burst_s
"""

_IS_KNOWN: Final = """
select 1 from limits
where name = %(name)s and provider = %(provider)s and at_once = %(at_once)s
  and request_every_s = %(request)s and token_every_s = %(token)s
  and burst_s = %(burst)s
"""

_START: Final = """
greatest(now(), requests_free_at - make_interval(secs => burst_s), tokens_free_at,
         blocked_until)
"""

TAKE: Final = f"""
update limits
set taken_at = {_START},
    requests_free_at = greatest(requests_free_at, {_START})
        + make_interval(secs => request_every_s),
    tokens_free_at = greatest(tokens_free_at, {_START})
        + make_interval(secs => token_every_s * %(tokens)s)
where name = %(name)s and {_START} <= now() + %(inside)s
returning taken_at, greatest(0, extract(epoch from taken_at - clock_timestamp()))
    as wait_s
"""

_WHY: Final = f"""
select extract(epoch from {_START} - now()) as wait_s,
       blocked_until = {_START} and blocked_until > now() as is_blocked,
       tokens_free_at = {_START} and tokens_free_at > now() as is_tokens
from limits where name = %(name)s
"""

# A worker that died has freed its place as soon as the reaper ends its claim.
_FREE: Final = """
(s.call_id is null or s.lease_until < now() or (s.task_id is not null and not exists (
    select 1 from tasks t
    where t.id = s.task_id and t.claim_no = s.claim_no and t.status = 'running')))
"""

PLACE: Final = f"""
update slots set call_id = %(call)s, task_id = %(task)s, claim_no = %(claim_no)s,
                 lease_until = now() + %(lease)s
where (name, number) = (
    select s.name, s.number from slots s
    where s.name = %(provider)s and s.number < %(at_once)s and {_FREE}
    order by s.number limit 1 for update skip locked)
returning number
"""

_MAKE_PLACES: Final = """
insert into slots (name, number)
select %(provider)s, n from generate_series(0, %(at_once)s - 1) n
on conflict do nothing
"""

_SETTLE: Final = """
update limits
set tokens_free_at = tokens_free_at + make_interval(secs => token_every_s * %(more)s),
    refused_in_a_row = case when %(is_answer)s then 0 else refused_in_a_row end,
    blocked_until = greatest(blocked_until, now() + make_interval(secs => %(pause)s))
where name = %(name)s
"""

# Without a word of the provider the pause doubles: 1, 2, 4 ... 60 s.
_REFUSED: Final = """
update limits
set refused_in_a_row = refused_in_a_row + 1,
    blocked_until = greatest(blocked_until, now() + make_interval(secs => coalesce(
        %(asked)s::float8, least(power(2, least(refused_in_a_row, 10)), %(longest)s))))
where name = %(name)s
"""

# Whoever waits is freed in the owners' turn, and as many as there is room for within
# the time that a request may wait where it is. Those on their way are counted.
_WAKE: Final = f"""
with room as (
    select l.name, greatest(0, least(
        case when l.blocked_until > now() + %(inside)s
                  or l.tokens_free_at > now() + %(inside)s then 0
             when l.request_every_s <= 0 then l.at_once
             else floor(extract(epoch from now() + %(inside)s - greatest(
                      l.requests_free_at - make_interval(secs => l.burst_s),
                      now() - make_interval(secs => l.burst_s)))
                  / l.request_every_s) + 1 end,
        l.at_once - (select count(*) from slots s where s.name = l.provider
                     and s.number < l.at_once and not {_FREE})
    ) - (select count(*) from tasks t
         where t.status = 'queued' and t.waits_for = l.name
           and not exists (select from queue_pauses q where q.queue = t.queue))
    )::integer as free
    from limits l
    where %(name)s::text is null or l.name = %(name)s
    union all
    -- The budget, and what nobody knows (any more) a limit of.
    select w.waits_for, 16
    from (select distinct waits_for from tasks
          where status = 'parked' and waits_for is not null) w
    where not exists (select 1 from limits l where l.name = w.waits_for)
), chosen as materialized (
    select w.id
    from room r
    cross join lateral (
        select p.id, row_number() over (
            partition by p.owner order by p.priority desc, p.due_at, p.id) as place,
            p.priority, p.due_at
        from tasks p
        where p.status = 'parked' and p.waits_for = r.name and p.due_at <= now()
          and not exists (select from queue_pauses q where q.queue = p.queue)
        order by place, p.priority desc, p.due_at, p.id limit r.free
    ) w
    where r.free > 0
), mine as materialized (
    select t.id from tasks t join chosen using (id)
    where t.status = 'parked' for update of t skip locked
), freed as (
    update tasks t
    set status = 'queued', due_at = least(t.due_at, now()), sent_at = null,
        updated_at = now(), seq = seq + 1, message = 'Has its turn'
    from mine where t.id = mine.id
    returning t.id, t.owner, t.seq, t.status, t.current, t.total, t.message
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from freed
returning task_id
"""

#: What waits for another day's budget.
BUDGET: Final = "budget"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one model of a provider may be asked."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    #: So many requests may go together after a pause.
    burst: int = 1
    #: Requests to a provider at once.
    at_once: int = 4
    #: What a minute is, in seconds.
    minute_s: float = 60.0

    @property
    def request_every_s(self) -> float:
        """Seconds between two requests; 0 without a limit."""
        return self._every_s(self.requests_per_minute)

    @property
    def token_every_s(self) -> float:
        """Seconds for one token; 0 without a limit."""
        return self._every_s(self.tokens_per_minute)

    def _every_s(self, per_minute: int | None) -> float:
        return 0.0 if per_minute is None else self.minute_s / (per_minute * _USED)


@dataclass(frozen=True)
class Full:
    """There is no room now."""

    #: As a sentence.
    reason: str
    #: A place may be free at any moment; a limit takes its time.
    is_place: bool = False


@dataclass(frozen=True)
class Holder:
    """Who takes a place: a call of a claim, or of nobody's."""

    call_id: UUID
    task_id: UUID | None
    claim_no: int | None
    lease: timedelta


def know(connection: Db, endpoint: Endpoint, limits: Limits) -> None:
    """Have the row of an endpoint's limits say what the settings do."""
    values = {
        "name": endpoint.name,
        "provider": endpoint.provider,
        "at_once": limits.at_once,
        "request": limits.request_every_s,
        "token": limits.token_every_s,
        "burst": limits.request_every_s * (limits.burst - 1),
    }
    if connection.execute(_IS_KNOWN, values).fetchone() is None:
        connection.execute(_KNOW, values)


def take(
    connection: Db,
    endpoint: Endpoint,
    limits: Limits,
    *,
    tokens: int,
    inside: timedelta = WAITS_INSIDE,
) -> float | Full:
    """Reserve one request and its tokens; seconds until it may go, or why not.

    Only what may go within *inside* is reserved. A request larger than the bucket
    goes alone, and those after it wait for it.
    """
    values = {"name": endpoint.name, "tokens": tokens, "inside": inside}
    row = connection.execute(TAKE, values).fetchone()
    if row is not None:
        return float(row["wait_s"])
    why = connection.execute(_WHY, values).fetchone()
    assert why is not None, "known before"
    name = endpoint.name
    if why["is_blocked"]:
        return Full(f"Waits for {name}, which has asked for a pause.")
    if why["is_tokens"]:
        told = _count(limits.tokens_per_minute, "token")
    else:
        told = _count(limits.requests_per_minute, "request")
    return Full(f"Waits for the limit of {told} a minute of {name}.")


def _count(number: int | None, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number or 0:,} {noun}s"


def place(
    connection: Db, endpoint: Endpoint, limits: Limits, holder: Holder
) -> Full | None:
    """Take one of the places among those that ask a provider at once."""
    values = {
        "provider": endpoint.provider,
        "at_once": limits.at_once,
        "call": holder.call_id,
        "task": holder.task_id,
        "claim_no": holder.claim_no,
        "lease": holder.lease,
    }
    for _ in range(2):
        if connection.execute(PLACE, values).fetchone() is not None:
            return None
        if not connection.execute(_MAKE_PLACES, values).rowcount:
            break
    return Full(
        f"Waits for one of the {limits.at_once} requests that {endpoint.provider} "
        "is asked at once.",
        is_place=True,
    )


def leave(connection: Db, call_id: UUID, provider: str) -> None:
    """Free a call's place."""
    connection.execute(
        "update slots set call_id = null where name = %s and call_id = %s",
        [provider, call_id],
    )


def settle(
    connection: Db, name: str, *, more_tokens: int, is_answer: bool, pause_s: float = 0
) -> None:
    """Count what a call took more, or less, than was reserved for it."""
    connection.execute(
        _SETTLE,
        {
            "name": name,
            "more": more_tokens,
            "is_answer": is_answer,
            "pause": min(pause_s, _LONGEST_PAUSE_S),
        },
    )


def refused(connection: Db, name: str, *, retry_after_s: float | None) -> None:
    """Keep everybody from asking until the provider takes requests again."""
    asked = None if retry_after_s is None else min(retry_after_s, _LONGEST_PAUSE_S)
    connection.execute(
        _REFUSED, {"name": name, "asked": asked, "longest": _LONGEST_GUESS_S}
    )


def others_wait(connection: Db, name: str) -> bool:
    """Whether tasks are parked for a limit: who comes new stands behind them."""
    row = connection.execute(
        "select exists (select 1 from tasks where status = 'parked' and waits_for = %s)"
        " as any",
        [name],
    ).fetchone()
    return bool(row and row["any"])


def wake(
    connection: Db, name: str | None = None, *, inside: timedelta = WAITS_INSIDE
) -> int:
    """Free as many parked tasks as there is room for, of one limit or of all.

    Returns:
        How many were freed.
    """
    if not _anybody_waits(connection):
        return 0
    return connection.execute(_WAKE, {"name": name, "inside": inside}).rowcount


def _anybody_waits(connection: Db) -> bool:
    row = connection.execute(
        "select exists (select 1 from tasks where status = 'parked' "
        "and waits_for is not null) as any"
    ).fetchone()
    return bool(row and row["any"])


def release(connection: Db, name: str) -> None:
    """Let what waits for a limit try now: its setting may have changed."""
    connection.execute(
        "update tasks set due_at = least(due_at, now()) "
        "where status = 'parked' and waits_for = %s",
        [name],
    )
