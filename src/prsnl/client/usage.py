"""The client's calls for what models took."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.wire.usage import UsageBody
from prsnl.work.usage import By


class UsageCalls(Connection):
    """What was asked of models, and what it cost."""

    def usage(
        self,
        by: By = By.DAY,
        *,
        from_day: date | None = None,
        to_day: date | None = None,
        task_id: UUID | str | None = None,
        item_id: UUID | str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> UsageBody:
        """Calls, tokens and money, added up by day, model, task, item ...

        Args:
            by: What is added up by.
            from_day: The first day, in UTC.
            to_day: The last day.
            task_id: Of this task only.
            item_id: Of this item only: its shares of the calls that it was in.
            before: `next` of the page before.
            limit: Most entries in one answer.
        """
        wanted = {
            "by": str(by),
            "from_day": from_day,
            "to_day": to_day,
            "task_id": task_id,
            "item_id": item_id,
            "before": before,
            "limit": limit,
        }
        params = {name: str(one) for name, one in wanted.items() if one is not None}
        return parsed(UsageBody, self._ask("GET", "/api/usage", params=params))
