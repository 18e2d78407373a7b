"""A day's money: what was spent, what is about to be, and the budget to keep.

A day is one of UTC, the same for every host.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from prsnl.core.db import Db

_SPEND: Final = """
insert into spending as s (day, usd)
select (now() at time zone 'utc')::date, %(usd)s
where %(budget)s::numeric is null or %(usd)s <= %(budget)s
on conflict (day) do update set usd = s.usd + excluded.usd
where %(budget)s::numeric is null or s.usd + excluded.usd <= %(budget)s
returning usd
"""

_CORRECT: Final = """
update spending set usd = greatest(0, usd + %(usd)s) where day = %(day)s
"""


def spend(connection: Db, usd: Decimal, *, budget_usd: Decimal | None) -> bool:
    """Count *usd* as spent today; not, if the budget would be passed."""
    row = connection.execute(_SPEND, {"usd": usd, "budget": budget_usd}).fetchone()
    return row is not None


def correct(connection: Db, day: object, usd: Decimal) -> None:
    """Count so much more, or less, for a day: the estimate was another one."""
    if usd:
        connection.execute(_CORRECT, {"usd": usd, "day": day})


def spent_today(connection: Db) -> Decimal:
    """What today has cost, in US dollars, with what is under way."""
    row = connection.execute(
        "select usd from spending where day = (now() at time zone 'utc')::date"
    ).fetchone()
    return Decimal(row["usd"]) if row else Decimal(0)


def seconds_of_today(connection: Db) -> float:
    """How long today lasts still, by the database's clock."""
    row = connection.execute(
        "select extract(epoch from date_trunc('day', now() at time zone 'utc') "
        "+ interval '1 day' - (now() at time zone 'utc')) as s"
    ).fetchone()
    assert row is not None
    return float(row["s"])
