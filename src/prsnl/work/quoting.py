"""What a run would take, before it is made: requests, tokens, money and time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from prsnl.core.db import Db
from prsnl.engines.prices import Prices
from prsnl.engines.reach import Endpoint
from prsnl.work import calls, spending
from prsnl.work.limits import Limits

#: So many of the last answers tell how long one takes.
_LAST: Final = 200

# What the model took of what was expected, and its seconds: by this machine's own book.
_MEASURED: Final = """
select count(*) as answers,
       sum(tokens_in)::float8 / nullif(sum(tokens_in_estimate), 0) as of_in,
       sum(tokens_out)::float8 / nullif(sum(tokens_out_estimate), 0) as of_out,
       percentile_cont(0.5) within group (order by extract(epoch from
           finished_at - starts_at)::float8) as p50_s,
       percentile_cont(0.9) within group (order by extract(epoch from
           finished_at - starts_at)::float8) as p90_s
from (select * from calls
      where model = %s and provider = %s and purpose = %s and outcome = 'answered'
      order by id desc limit %s) last
"""


@dataclass(frozen=True)
class Planned:
    """One request that would be made."""

    tokens_in: int
    #: The most that may come back.
    tokens_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a run would take."""

    endpoint: Endpoint
    requests: int
    tokens_in: int
    #: As many as answers of this model had before; of a new one the most.
    tokens_out: int
    #: About, and at the most; None where the price is not known.
    usd: Decimal | None
    usd_at_most: Decimal | None
    #: From the shortest to the longest; None as long as nothing was measured here.
    seconds: tuple[float, float] | None
    #: So many answers are behind these numbers.
    measured_answers: int
    #: What is left of today's budget; None without one.
    budget_left_usd: Decimal | None

    @property
    def is_within_budget(self) -> bool | None:
        """Whether it can be done today; None without a budget, or a price."""
        if self.budget_left_usd is None or self.usd is None:
            return None
        return self.usd <= self.budget_left_usd


@dataclass(frozen=True, kw_only=True)
class Quoter:
    """Tells what a run would take, by what the gate would say of it."""

    limits: Limits
    prices: Prices
    budget_usd: Decimal | None = None

    def quote(
        self,
        connection: Db,
        endpoint: Endpoint,
        planned: Sequence[Planned],
        *,
        purpose: str,
        at_once: int = 1,
    ) -> Quote:
        """What these requests would take; nothing is sent.

        Args:
            connection: To the database.
            endpoint: Who would be asked.
            planned: The requests; none of what is kept already.
            purpose: As the calls' book has it: answers of one kind are alike.
            at_once: So many of them would be made at a time.
        """
        row = connection.execute(
            _MEASURED, [endpoint.model, endpoint.provider, purpose, _LAST]
        ).fetchone()
        assert row is not None
        most_in = sum(one.tokens_in for one in planned)
        most_out = sum(one.tokens_out for one in planned)
        tokens_in = math.ceil(most_in * (row["of_in"] or 1.0))
        tokens_out = math.ceil(most_out * _or_one(row["of_out"]))
        known_as = calls.answered_by(connection, endpoint)

        def price(sent: int, received: int) -> Decimal | None:
            return self.prices.price(
                endpoint, tokens_in=sent, tokens_out=received, model=known_as
            )

        return Quote(
            endpoint=endpoint,
            requests=len(planned),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            usd=price(tokens_in, tokens_out),
            usd_at_most=price(max(most_in, tokens_in), max(most_out, tokens_out)),
            seconds=(
                None
                if row["p50_s"] is None
                else self._seconds(
                    math.ceil(len(planned) / min(at_once, self.limits.at_once)),
                    (row["p50_s"], row["p90_s"]),
                    self._least_s(len(planned), tokens_in + tokens_out),
                )
            ),
            measured_answers=row["answers"],
            budget_left_usd=self._left(connection),
        )

    def _least_s(self, requests: int, tokens: int) -> float:
        """What the limits alone make of it, in seconds."""
        return max(
            max(0, requests - self.limits.burst) * self.limits.request_every_s,
            tokens * self.limits.token_every_s,
        )

    @staticmethod
    def _seconds(
        rounds: int, one_s: tuple[float, float], least_s: float
    ) -> tuple[float, float]:
        """From the usual time of an answer, and from a slow one's."""
        usual_s, slow_s = one_s
        return max(least_s, rounds * usual_s), max(least_s, rounds * slow_s)

    def _left(self, connection: Db) -> Decimal | None:
        if self.budget_usd is None:
            return None
        return max(Decimal(0), self.budget_usd - spending.spent_today(connection))


def _or_one(share: float | None) -> float:
    return 1.0 if share is None else share
