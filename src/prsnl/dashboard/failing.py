"""What failed for good, by cause: what it means, what to do, and the newest of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.dashboard.store import Entry, entries
from prsnl.work import dead_letters, ledger
from prsnl.work.dead_letters import Cause, Group
from prsnl.work.eta import History

#: A program's file by its place in it: where it lies on the server is nobody's.
_PLACE: Final = re.compile(r'File "[^"]*?((?:prsnl|[\w.-]+)/[^"/]*(?:/[^"/]*)*)"')
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
