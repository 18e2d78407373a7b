"""What failed for good, by cause: what it means, what to do, and the newest of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from prsnl.core.db import Db
from prsnl.dashboard.store import Entry, entries
from prsnl.dashboard.telling import category_words
from prsnl.work import dead_letters, ledger
from prsnl.work.dead_letters import Cause, Group
from prsnl.work.eta import History

#: A program's file is told by its place in it: where it lies on the server is nobody's.
_PACKAGES: Final = re.compile(r'File "[^"]*/(?:site-packages|src|python3\.\d+)/')

_TRACE: Final = """
select traceback from celery_task_results
where task_id = any(%s) and owner = %s and traceback is not null
order by id desc limit 1
"""


@dataclass(frozen=True)
class Family:
    """Dead letters of one cause."""

    group: Group
    examples: list[Entry]
    #: Where it went wrong in the program; None if nobody kept it.
    trace: str | None

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"{self.group.name}-{self.group.code}"

    @property
    def sentence(self) -> str:
        """What happened."""
        return self.group.example or "It failed, and said nothing."

    @property
    def what_to_do(self) -> str:
        """What a person does about it."""
        return category_words(self.group.category)

    @property
    def first_seen(self) -> datetime | None:
        """When the oldest that is left failed."""
        return self.group.oldest_at

    @property
    def last_seen(self) -> datetime | None:
        """When the newest failed."""
        return self.group.newest_at

    @property
    def body(self) -> dict[str, Any]:
        """What the API is asked to try again."""
        return {"code": self.group.code}

    @property
    def action(self) -> str:
        """The same without a script."""
        return f"/failures/requeue?{urlencode({'code': self.group.code})}"


def families(connection: Db, *, owner: str, history: History) -> list[Family]:
    """Every cause, the most frequent one first."""
    groups = dead_letters.groups(connection, Cause(), owner=owner)
    ids = [each for group in groups for each in group.example_ids]
    views = ledger.some(connection, ids, owner=owner)
    shown = entries(connection, views, owner=owner, history=history)
    by_id = {entry.task.task_id: entry for entry in shown if entry.task}
    return [
        Family(
            group,
            [by_id[each] for each in group.example_ids if each in by_id],
            trace(connection, group.example_ids, owner=owner),
        )
        for group in groups
    ]


def trace(connection: Db, task_ids: Sequence[UUID], *, owner: str) -> str | None:
    """The newest trace of some tasks, without the server's folders."""
    row = connection.execute(_TRACE, [list(task_ids), owner]).fetchone()
    return without_folders(row["traceback"]) if row else None


def without_folders(traceback: str) -> str:
    """A trace whose files are told by their place in the program."""
    return _PACKAGES.sub('File "', traceback)


@dataclass(frozen=True)
class Outage:
    """A provider that is away, or a budget that is used up, and what waits for it."""

    provider: str
    reason: str
    count: int
    #: One of the tasks: when it is tried now and ends well, the others follow.
    task_id: UUID


_PARKED: Final = """
select coalesce(provider, waits_for) as provider, count(*) as count,
       (array_agg(id order by id))[1] as task_id
from tasks where owner = %s and status = 'parked' group by 1 order by 2 desc
"""


def outages(connection: Db, *, owner: str) -> list[Outage]:
    """What the owner's parked tasks wait for."""
    rows = connection.execute(_PARKED, [owner]).fetchall()
    views = ledger.some(connection, [row["task_id"] for row in rows], owner=owner)
    reasons = {view.task_id: view.waiting_because for view in views}
    return [
        Outage(
            provider=row["provider"] or "somebody else",
            reason=reasons.get(row["task_id"]) or "",
            count=row["count"],
            task_id=row["task_id"],
        )
        for row in rows
    ]
