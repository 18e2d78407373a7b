"""What goes over HTTP of what calls took, and of what a run would take."""

from __future__ import annotations

from datetime import date
from typing import Self
from uuid import UUID

from prsnl.engines.reach import Reach
from prsnl.wire.base import Body
from prsnl.work.quoting import Quote
from prsnl.work.usage import By, Taken


class UsageTotal(Body):
    """What some requests to providers took together."""

    calls: int
    #: Of these nobody knows what came, as after a crash; they count as expected.
    unknown_calls: int
    tokens_in: int
    tokens_out: int
    sent_bytes: int
    #: US dollars; of calls whose price is not known nothing.
    usd: float
    #: The price of so many calls is not known.
    unpriced_calls: int

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """As the book has it; to a millionth of a cent."""
        return cls(**{**vars(taken), "usd": round(float(taken.usd), 8)})


class UsageGroup(UsageTotal):
    """The same of one day, model, provider, purpose, task or item."""

    #: `2026-03-01`, `openai/gpt-5`, an id ...
    key: str


class BudgetBody(Body):
    """The day's budget, over all owners; a day is one of UTC."""

    #: Null without a budget.
    usd_per_day: float | None
    #: With what is under way.
    spent_today_usd: float


class UsageBody(Body):
    """What the caller's requests to providers took."""

    #: What people want to know, first.
    sentence: str
    total: UsageTotal
    by: By
    from_day: date | None
    to_day: date | None
    task_id: UUID | None
    item_id: UUID | None
    budget: BudgetBody
    #: The highest key first.
    items: list[UsageGroup]
    #: Give it as `before` for the next page; null at the end.
    next: str | None = None


class QuoteBody(Body):
    """What a request would take; nothing was sent or queued."""

    #: What people want to know, first.
    sentence: str
    #: `openai/gpt-5`, and where it is; null where everything is done in this program.
    model: str | None
    host: str | None
    reach: Reach | None
    #: Parts that the text is read in; each is one request.
    chunks: int
    tokens_in: int
    tokens_out: int
    #: Null where the price is not known.
    usd: float | None
    usd_at_most: float | None
    #: From the shortest to the longest, by what was measured here; null before.
    seconds_from: float | None
    seconds_to: float | None
    #: Answers that the numbers come from.
    measured_answers: int
    #: Null without a budget.
    budget_left_usd: float | None
    is_within_budget: bool | None

    @classmethod
    def of(cls, quote: Quote) -> Self:
        """A quote as it goes over HTTP."""
        seconds = quote.seconds or (None, None)
        return cls(
            sentence=_sentence(quote),
            model=quote.endpoint.name,
            host=quote.endpoint.host,
            reach=quote.endpoint.reach,
            chunks=quote.requests,
            tokens_in=quote.tokens_in,
            tokens_out=quote.tokens_out,
            usd=_usd(quote.usd),
            usd_at_most=_usd(quote.usd_at_most),
            seconds_from=seconds[0],
            seconds_to=seconds[1],
            measured_answers=quote.measured_answers,
            budget_left_usd=_usd(quote.budget_left_usd),
            is_within_budget=quote.is_within_budget,
        )

    @classmethod
    def of_this_program(cls, chunks: int) -> Self:
        """Of what no provider is asked for."""
        return cls(
            sentence="Nothing leaves this machine, and it costs nothing.",
            model=None,
            host=None,
            reach=None,
            chunks=chunks,
            tokens_in=0,
            tokens_out=0,
            usd=0.0,
            usd_at_most=0.0,
            seconds_from=None,
            seconds_to=None,
            measured_answers=0,
            budget_left_usd=None,
            is_within_budget=None,
        )


def money(usd: float) -> str:
    """Dollars as people read them, with as many digits as it takes."""
    if usd == 0:
        return "0 USD"
    return f"{usd:.2f} USD" if usd >= 1 else f"{usd:.4g} USD"


def _sentence(quote: Quote) -> str:
    count = "1 request" if quote.requests == 1 else f"{quote.requests} requests"
    if quote.usd is None:
        cost = "its price is not known"
    elif quote.endpoint.reach is not Reach.CLOUD:
        cost = "it costs nothing"
    else:
        cost = f"about {money(float(quote.usd))}"
    told = f"{count} to {quote.endpoint.name} at {quote.endpoint.host}: {cost}"
    if quote.seconds is None:
        return f"{told}; how long it takes was not measured here yet."
    low, high = quote.seconds
    return f"{told}, {low:.0f} to {high:.0f} s."


def _usd(value: object) -> float | None:
    return None if value is None else round(float(str(value)), 8)
