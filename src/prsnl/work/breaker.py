"""Tells a request that failed from a provider that is down.

One failure is the request's own, and is tried again. The third in a row, of more than
one task, or the first that could not be sent at all, is the provider's: its tasks are
parked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.work.providers import LARGEST_BATCH

#: So many failures in a row, with no answer between them, are the provider's.
IN_A_ROW: Final = 3
#: Older ones are another story: longer than the waits of a task's three tries.
_WITHIN: Final = timedelta(minutes=15)

_AWAY: Final = """
select reason from providers
where name = %(provider)s and not (state = 'recovering' and batch >= %(largest)s)
"""

_LAST: Final = """
select count(*) as failed, count(distinct task_id) as tasks
from (select outcome, task_id from calls
      where provider = %(provider)s and finished_at > now() - %(within)s
        and outcome not in ('unsent', 'cancelled')
      order by finished_at desc limit %(count)s) last
where outcome in ('failed', 'silent', 'down', 'unreachable')
"""

# It answered others since it last failed this task: the task is at fault.
_ANSWERS_OTHERS: Final = """
select exists (
    select 1 from calls
    where provider = %(provider)s and outcome in ('answered', 'refused', 'limited')
      and task_id is distinct from %(task)s and finished_at > (
        select max(finished_at) from calls
        where provider = %(provider)s and finished_at > now() - %(within)s
          and task_id = %(task)s and id <> %(call)s
          and outcome in ('failed', 'silent'))) as any
"""


def away_because(connection: Db, provider: str) -> str | None:
    """Why a provider is away or being tried; None while everybody may ask it."""
    row = connection.execute(
        _AWAY, {"provider": provider, "largest": LARGEST_BATCH}
    ).fetchone()
    return None if row is None else str(row["reason"])


def is_down(
    connection: Db, provider: str, *, task_id: UUID | None, call_id: UUID
) -> bool:
    """Whether the failure of a call, which is written down already, is the provider's.

    While a provider is away or coming back each is, unless it answers others: a file
    that every model server dies of keeps no other file from being read.
    """
    values = {
        "provider": provider,
        "task": task_id,
        "call": call_id,
        "within": _WITHIN,
        "count": IN_A_ROW,
    }
    row = connection.execute(_ANSWERS_OTHERS, values).fetchone()
    if row is not None and row["any"]:
        return False
    if away_because(connection, provider) is not None:
        return True
    row = connection.execute(_LAST, values).fetchone()
    return row is not None and row["failed"] >= IN_A_ROW and row["tasks"] > 1
