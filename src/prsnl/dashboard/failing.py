"""What failed for good, by cause: what it means, what to do, and the newest of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.dashboard.store import Entry, entries
from prsnl.work import ledger
from prsnl.work.dead_letters import Cause
from prsnl.work.eta import History
from prsnl.work.families import Family
from prsnl.work.families import families as known_families

#: A program's file is told by its place in it: where it lies on the server is nobody's.
_PACKAGES: Final = re.compile(r'File "[^"]*/(?:site-packages|src|python3\.\d+)/')
_FOLDERS: Final = re.compile(r'File "/[^"]*/')

_TRACES: Final = """
select distinct on (task_id) task_id, traceback from celery_task_results
where task_id = any(%s) and owner = %s and traceback is not null
order by task_id, id desc
"""


@dataclass(frozen=True)
class ShownFamily:
    """What failed for one cause, with the newest that did."""

    told: Family
    examples: list[Entry]
    #: Where it went wrong in the program; None if nobody kept it.
    trace: str | None


def families(connection: Db, *, owner: str, history: History) -> list[ShownFamily]:
    """Every open cause, the most frequent one first."""
    found = known_families(connection, Cause(), owner=owner)
    ids = [each for family in found for each in family.example_ids]
    views = ledger.some(connection, ids, owner=owner)
    shown = entries(connection, views, owner=owner, history=history)
    by_id = {entry.task.task_id: entry for entry in shown if entry.task}
    traces = _traces(connection, ids, owner=owner)
    return [
        ShownFamily(
            family,
            [by_id[each] for each in family.example_ids if each in by_id],
            next((traces[each] for each in family.example_ids if each in traces), None),
        )
        for family in found
    ]


def _traces(connection: Db, task_ids: Sequence[UUID], *, owner: str) -> dict[UUID, str]:
    """The newest trace of each of some tasks, without the server's folders."""
    rows = connection.execute(_TRACES, [list(task_ids), owner]).fetchall()
    return {row["task_id"]: without_folders(row["traceback"]) for row in rows}


def without_folders(traceback: str) -> str:
    """A trace whose files are told by their place in the program."""
    return _FOLDERS.sub('File "', _PACKAGES.sub('File "', traceback))


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
