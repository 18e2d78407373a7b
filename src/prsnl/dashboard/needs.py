"""The activity by need: what wants a person, what goes on, what waits, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.dashboard.store import Counts, Entry, entries
from prsnl.work import dead_letters, ledger
from prsnl.work.dead_letters import Cause
from prsnl.work.eta import History
from prsnl.work.ledger import Narrowing, TaskView
from prsnl.work.queues import QUEUES
from prsnl.work.specs import DEAD_LETTERS, Status

#: So many of each need stand on the page; a link leads to the rest.
_SHOWN: Final = 8
_DONE_SHOWN: Final = 12


class Show(StrEnum):
    """Which tasks the activity lists."""

    ALL = "all"
    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"


STATUSES: Final[dict[Show, Sequence[Status]]] = {
    Show.ALL: (),
    Show.FAILED: DEAD_LETTERS,
    Show.RUNNING: (Status.RUNNING, Status.WAITING),
    Show.WAITING: (Status.QUEUED, Status.PARKED),
    Show.DONE: (Status.SUCCESS, Status.REVOKED),
}
TITLES: Final = {
    Show.ALL: "By need",
    Show.FAILED: "Needs attention",
    Show.RUNNING: "In progress",
    Show.WAITING: "Queued",
    Show.DONE: "Done",
}
#: What stands where there is nothing.
EMPTY: Final = {
    Show.FAILED: "Nothing has failed.",
    Show.RUNNING: "Nothing is in progress.",
    Show.WAITING: "Nothing waits.",
    Show.DONE: "Nothing is done yet.",
}

# What a worker takes next stands first; each part of it is in a small index.
_NEXT: Final = """
select id from (
    select sent.* from (
        select id, 0 as turn, sent_at as at from tasks
        where owner = %(owner)s and status = 'queued' and sent_at is not null
        order by sent_at limit %(limit)s) sent
    union all
    select due.* from unnest(%(queues)s::text[]) as q (name) cross join lateral (
        select id, 1, due_at from tasks
        where queue = q.name and owner = %(owner)s and status = 'queued'
          and sent_at is null and not held
        order by priority desc, due_at, id limit %(limit)s) due
    union all
    select parked.* from (
        select id, 2, due_at from tasks
        where owner = %(owner)s and status = 'parked' order by id limit %(limit)s
    ) parked
    union all
    select later.* from (
        select id, 3, due_at from tasks
        where owner = %(owner)s and status = 'queued' and held
        order by id limit %(limit)s
    ) later
) as waiting (id, turn, at) order by turn, at, id limit %(limit)s
"""


@dataclass(frozen=True)
class Need:
    """One group of the activity."""

    show: Show
    entries: list[Entry]
    #: How many there are; empty where nobody counts them.
    told: str
    #: There are more than stand here.
    has_more: bool

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.show]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which ended tasks, where a picture's point leads to its rows."""

    queue: str | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it leaves nothing out."""
        return not (self.queue or self.ended_from or self.ended_to)

    def query(self) -> str:
        """As it stands in an address, with what separates it from what follows."""
        given = {
            "queue": self.queue,
            "from": self.ended_from and self.ended_from.isoformat(),
            "to": self.ended_to and self.ended_to.isoformat(),
        }
        return "".join(
            f"{name}={str(value).replace('+', '%2B')}&"
            for name, value in given.items()
            if value
        )


def needs(
    connection: Db, *, owner: str, counts: Counts, history: History
) -> list[Need]:
    """What stands on the activity, the most urgent first."""
    failed = dead_letters.page(
        connection, Cause(), owner=owner, before=None, limit=_SHOWN + 1
    )
    running = ledger.tasks(
        connection, owner=owner, statuses=STATUSES[Show.RUNNING], limit=_SHOWN + 1
    )
    queued = _next(connection, owner=owner)
    done = ledger.tasks(
        connection, owner=owner, statuses=STATUSES[Show.DONE], limit=_DONE_SHOWN + 1
    )
    told = {
        Show.FAILED: counts.told_failed,
        Show.RUNNING: counts.told(counts.running),
        Show.WAITING: counts.told(counts.waiting),
        Show.DONE: "",
    }
    found = {
        Show.FAILED: failed,
        Show.RUNNING: running,
        Show.WAITING: queued,
        Show.DONE: done,
    }
    return [
        _need(connection, show, tasks, told[show], owner=owner, history=history)
        for show, tasks in found.items()
    ]


def rows(
    connection: Db,
    show: Show,
    window: Window,
    *,
    owner: str,
    before: UUID | None,
    limit: int,
    history: History,
) -> list[Entry]:
    """One list of the activity, newest first."""
    if show is Show.FAILED and window.is_open:
        tasks = dead_letters.page(
            connection, Cause(), owner=owner, before=before, limit=limit
        )
    else:
        tasks = ledger.tasks(
            connection,
            owner=owner,
            statuses=STATUSES[show],
            queue=window.queue,
            before=before,
            limit=limit,
            narrowing=Narrowing(
                finished_from=window.ended_from, finished_to=window.ended_to
            ),
        )
    return entries(connection, tasks, owner=owner, history=history)


def _need(
    connection: Db,
    show: Show,
    tasks: list[TaskView],
    told: str,
    *,
    owner: str,
    history: History,
) -> Need:
    most = _DONE_SHOWN if show is Show.DONE else _SHOWN
    listed = entries(connection, tasks[:most], owner=owner, history=history)
    return Need(show, listed, told, len(tasks) > most)


def _next(connection: Db, *, owner: str) -> list[TaskView]:
    """What waits, in the order in which it is likely to be taken."""
    found = connection.execute(
        _NEXT,
        {
            "owner": owner,
            "queues": [str(spec.queue) for spec in QUEUES],
            "limit": _SHOWN + 1,
        },
    ).fetchall()
    ids = [row["id"] for row in found]
    known = {task.task_id: task for task in ledger.some(connection, ids, owner=owner)}
    return [known[each] for each in ids if each in known]
