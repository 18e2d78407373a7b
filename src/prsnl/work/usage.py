"""What calls took: read from their book, by whatever one wants to know it by.

A call without an outcome whose claim has ended is one of which nobody knows: it counts
as it was expected to. Of a call for several items each has its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db


class By(StrEnum):
    """What the calls are added up by."""

    DAY = "day"
    MODEL = "model"
    PROVIDER = "provider"
    PURPOSE = "purpose"
    TASK = "task"
    ITEM = "item"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What some calls took together."""

    calls: int
    #: Of these nobody knows what came of them; they count as expected.
    unknown_calls: int
    tokens_in: int
    tokens_out: int
    sent_bytes: int
    usd: Decimal
    #: The price of so many calls is not known: they are not in `usd`.
    unpriced_calls: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """The calls of one day, model, item ..."""

    key: str
    taken: Taken


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which calls; what is None does not narrow."""

    from_day: date | None = None
    to_day: date | None = None
    task_id: UUID | None = None
    item_id: UUID | None = None


_KEYS: Final = {
    By.DAY: "day::text",
    By.MODEL: "provider || '/' || model",
    By.PROVIDER: "provider",
    By.PURPOSE: "purpose",
    By.TASK: "task_id::text",
    By.ITEM: "item_id::text",
}

# `open` is under way as long as its claim runs.
_COUNTED: Final = """
select c.day, c.provider, c.model, c.purpose, c.task_id, {item}
       {share} as share, c.sent_bytes,
       c.outcome is null and not exists (
           select 1 from tasks t where t.id = c.task_id and t.claim_no = c.claim_no
           and t.status = 'running') or c.outcome = 'silent' as is_unknown,
       case when c.outcome is null or c.outcome in ('silent', 'cancelled')
            then c.tokens_in_estimate else coalesce(c.tokens_in, 0) end as tokens_in,
       case when c.outcome is null or c.outcome in ('silent', 'cancelled')
            then c.tokens_out_estimate else coalesce(c.tokens_out, 0) end as tokens_out,
       case when c.outcome is null then c.usd_estimate else c.usd end as usd,
       case when c.outcome is null then c.usd_estimate is null
            when c.outcome in ('answered', 'silent', 'cancelled') then c.usd is null
            else false end as is_unpriced
from calls c {joined}
where c.owner = %(owner)s
  and (c.outcome is null or c.outcome not in ('unsent', 'unreachable'))
  and (%(from_day)s::date is null or c.day >= %(from_day)s)
  and (%(to_day)s::date is null or c.day <= %(to_day)s)
  and (%(task_id)s::uuid is null or c.task_id = %(task_id)s)
  and (%(item_id)s::uuid is null or {of_item})
"""

_SUMS: Final = """
count(*) as calls, count(*) filter (where is_unknown) as unknown_calls,
coalesce(round(sum(tokens_in * share)), 0)::bigint as tokens_in,
coalesce(round(sum(tokens_out * share)), 0)::bigint as tokens_out,
coalesce(round(sum(sent_bytes * share)), 0)::bigint as sent_bytes,
coalesce(sum(usd * share), 0) as usd,
count(*) filter (where is_unpriced) as unpriced_calls
"""

_OF_ITEM: Final = (
    "exists (select 1 from call_items i where i.call_id = c.id "
    "and i.item_id = %(item_id)s)"
)


def total(connection: Db, which: Which, *, owner: str) -> Taken:
    """What the owner's calls took in all."""
    of_items = which.item_id is not None
    row = connection.execute(
        f"select {_SUMS} from ({_counted(of_items=of_items)}) counted",
        {**vars(which), "owner": owner},
    ).fetchone()
    assert row is not None
    return Taken(**row)


def groups(
    connection: Db,
    by: By,
    which: Which,
    *,
    owner: str,
    before: str | None = None,
    limit: int = 50,
) -> list[Group]:
    """The same added up, the highest key first: the newest day, task or item.

    Args:
        connection: To the database.
        by: What is added up by; calls that belong to none are left out.
        which: Which calls.
        owner: Whose.
        before: The key after which the page begins.
        limit: At most so many.
    """
    of_items = by is By.ITEM or which.item_id is not None
    rows = connection.execute(
        f"select {_KEYS[by]} as key, {_SUMS} "
        f"from ({_counted(of_items=of_items)}) counted "
        f"where {_KEYS[by]} is not null "
        f"and (%(before)s::text is null or {_KEYS[by]} < %(before)s) "
        "group by 1 order by 1 desc limit %(limit)s",
        {**vars(which), "owner": owner, "before": before, "limit": limit},
    ).fetchall()
    return [Group(key=row.pop("key"), taken=Taken(**row)) for row in rows]


def of_task(connection: Db, task_id: UUID, *, owner: str) -> Taken | None:
    """What a task's calls took; None if it has made none."""
    taken = total(connection, Which(task_id=task_id), owner=owner)
    return taken if taken.calls else None


def of_items(
    connection: Db, item_ids: Sequence[UUID], *, owner: str
) -> dict[UUID, Taken]:
    """What each of some items took; those that took nothing are left out."""
    found = {}
    for item_id in item_ids:
        taken = total(connection, Which(item_id=item_id), owner=owner)
        if taken.calls:
            found[item_id] = taken
    return found


def _counted(*, of_items: bool) -> str:
    if not of_items:
        return _COUNTED.format(item="", share="1", joined="", of_item=_OF_ITEM)
    return _COUNTED.format(
        item="i.item_id,",
        share="1.0 / greatest(1, c.items_count)",
        joined="join call_items i on i.call_id = c.id",
        of_item="i.item_id = %(item_id)s",
    )
