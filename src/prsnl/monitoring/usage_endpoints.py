"""GET /api/usage."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.db import Db
from prsnl.core.texts import Day, StorableText
from prsnl.monitoring.engine_endpoints import Engines, engines_of
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.usage import BudgetBody, UsageBody, UsageGroup, UsageTotal, money
from prsnl.work import spending, usage
from prsnl.work.usage import By, Group, Taken, Which

router = APIRouter(prefix="/api", tags=["Engines"])


class UsageQuery(BaseModel):
    """Which calls, added up by what, which page."""

    model_config = ConfigDict(extra="forbid")

    by: By = Field(By.DAY, description="Added up by this.")
    from_day: Day | None = Field(None, description="The first day (UTC).")
    to_day: Day | None = Field(None, description="The last day.")
    task_id: UUID | None = Field(None, description="Of this task.")
    item_id: UUID | None = Field(None, description="Of this item: its shares.")
    limit: int = Field(50, ge=1, le=200, description="Most entries in one answer.")
    before: StorableText | None = Field(
        None, max_length=400, description="`next` of the page before."
    )

    @property
    def which(self) -> Which:
        """Which calls."""
        return Which(
            from_day=self.from_day,
            to_day=self.to_day,
            task_id=self.task_id,
            item_id=self.item_id,
        )


@router.get("/usage")
def show_usage(
    parts: Parts,
    owner: Caller,
    query: Annotated[UsageQuery, Query()],
    known: Annotated[Engines, Depends(engines_of)],
) -> UsageBody:
    """What the caller's requests to models took: calls, tokens, money, bytes.

    Of a call for several items each has its share. What nobody knows, as after a crash,
    counts as it was expected; a price that is not known counts as nothing, and is said.
    """

    def read(connection: Db) -> UsageBody:
        return _body(
            query,
            usage.total(connection, query.which, owner=owner),
            usage.groups(
                connection,
                query.by,
                query.which,
                owner=owner,
                before=query.before,
                limit=query.limit,
            ),
            BudgetBody(
                usd_per_day=known.settings.now().llm.llm_budget_per_day_usd,
                spent_today_usd=float(spending.spent_today(connection)),
            ),
        )

    return parts.database.run(read)


def _body(
    query: UsageQuery, total: Taken, groups: list[Group], budget: BudgetBody
) -> UsageBody:
    return UsageBody(
        sentence=_sentence(total),
        total=UsageTotal.of(total),
        **query.model_dump(include={"by", "from_day", "to_day", "task_id", "item_id"}),
        budget=budget,
        items=[
            UsageGroup(key=one.key, **UsageTotal.of(one.taken).model_dump())
            for one in groups
        ],
        next=groups[-1].key if len(groups) == query.limit else None,
    )


def _sentence(total: Taken) -> str:
    if total.calls == 0:
        return "No model was asked."
    told = (
        f"{_count(total.calls, 'request')}, {total.tokens_in:,} tokens out and "
        f"{total.tokens_out:,} back: {money(float(total.usd))}"
    )
    if total.unpriced_calls:
        told += f", without {_count(total.unpriced_calls, 'request')} of unknown price"
    if total.unknown_calls:
        told += (
            f"; of {_count(total.unknown_calls, 'request')} nobody knows what came: "
            "they count as expected"
        )
    return f"{told}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
