"""What pages show, each read in few statements; every one carries the owner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.dashboard.moving import Moving, moving
from prsnl.items import store
from prsnl.items.models import AttachmentView, ItemView
from prsnl.work import dead_letters, ledger
from prsnl.work.dead_letters import Cause
from prsnl.work.eta import History
from prsnl.work.ledger import TaskView

#: So many lines make a part of a list.
LISTED: Final = 30
_CHILDREN_SHOWN: Final = 50
_TRIES_SHOWN: Final = 20

#: A long history must not slow every page down: so many tasks are counted, the newest.
_COUNTED: Final = 5_000
_COUNTS: Final = """
select count(*) filter (where status in ('running', 'waiting')) as running,
       count(*) filter (where status in ('queued', 'parked')) as waiting,
       count(*) < %(most)s as is_all
from (
    select status from tasks where owner = %(owner)s order by id desc limit %(most)s
) newest
"""

#: Nobody reads more exactly how many have failed, and it is told on every page.
_FAILED_COUNTED: Final = 1_000
_FAILED: Final = f"""
select count(*) as failed
from (select from tasks t where {dead_letters.OPEN} limit %(most)s) found
"""


@dataclass(frozen=True)
class Entry:
    """One line of a list: an item, a task, or an item with its newest task."""

    item: ItemView | None
    task: TaskView | None
    #: How far the task is, while it goes on.
    moving: Moving | None = None

    @property
    def file(self) -> AttachmentView | None:
        """The file that the line is about."""
        if self.item is None or not self.item.attachments:
            return None
        wanted = self.task.attachment_id if self.task else None
        files = self.item.attachments
        return next((file for file in files if file.id == wanted), files[0])

    @property
    def version(self) -> str:
        """Differs when the line would read differently."""
        parts: list[object] = []
        if self.item is not None:
            parts += [self.item.id, self.item.updated_at, self.item.deleted_at]
        if self.file is not None:
            parts += [self.file.processing_status, self.file.has_thumbnail]
        if self.task is not None:
            parts += [self.task.task_id, self.task.seq, self.task.waiting_because]
        if self.moving is not None:
            parts += [self.moving.left]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Listed:
    """A part of a list, and where the next one begins."""

    entries: list[Entry]
    next: str | None

    @classmethod
    def of(cls, entries: list[Entry], ids: Callable[[Entry], UUID]) -> Listed:
        """One part of *entries*, of which one more than is shown was read."""
        shown = entries[:LISTED]
        is_more = len(entries) > len(shown)
        return cls(shown, str(ids(shown[-1])) if is_more else None)


@dataclass(frozen=True)
class Counts:
    """How many tasks of an owner run, wait, have failed and were not done since."""

    #: Those that run, and those whose parts do.
    running: int
    waiting: int
    failed: int
    #: All that run or wait were counted.
    is_all: bool

    @property
    def told_failed(self) -> str:
        """How many have failed, for the eye; empty of none."""
        more = "+" if self.failed == _FAILED_COUNTED else ""
        return f"{self.failed:,}{more}" if self.failed else ""

    def told(self, count: int) -> str:
        """A number for the eye; "12+" where older tasks were not counted."""
        return f"{count:,}" if self.is_all else f"{count:,}+"


@dataclass(frozen=True)
class TaskStory:
    """One task with everything that is known of it."""

    entry: Entry
    stages: list[ledger.StageView]
    #: One row a claim, the newest first.
    tries: list[Row]
    children: list[TaskView]
    peak_memory_bytes: int | None


def counts(connection: Db, *, owner: str) -> Counts:
    """How many tasks run, wait, have failed."""
    values = {"owner": owner, "most": _COUNTED}
    row = connection.execute(_COUNTS, values).fetchone()
    assert row is not None
    failed = connection.execute(
        _FAILED, {**dead_letters.values(Cause(), owner), "most": _FAILED_COUNTED}
    ).fetchone()
    assert failed is not None
    return Counts(**row, **failed)


def library(
    connection: Db,
    *,
    owner: str,
    before: UUID | None,
    limit: int,
    history: History,
) -> list[Entry]:
    """Items, newest first, each with its newest task."""
    items = store.items(connection, owner=owner, before=before, limit=limit)
    return listed_items(connection, items, owner=owner, history=history)


def listed_items(
    connection: Db, items: Sequence[ItemView], *, owner: str, history: History
) -> list[Entry]:
    """Items as lines of a list: each with its newest task, and how far it is."""
    newest = _newest_tasks(connection, items, owner)
    told = moving(connection, newest.values(), history)
    return [
        Entry(item, task, told.get(task.task_id) if task else None)
        for item in items
        for task in [newest.get(item.id)]
    ]


def entries(
    connection: Db, tasks: Sequence[TaskView], *, owner: str, history: History
) -> list[Entry]:
    """Tasks as lines of a list: each with its item, and how far it is."""
    told = moving(connection, tasks, history)
    return [
        replace(entry, moving=told.get(entry.task.task_id) if entry.task else None)
        for entry in _with_items(connection, tasks, owner)
    ]


def item_tasks(connection: Db, item: ItemView, *, owner: str) -> list[TaskView]:
    """The tasks that worked on an item's files, newest first."""
    found = [
        task
        for file in item.attachments
        for task in ledger.of_attachment(connection, file.id, owner=owner)
    ]
    return sorted(found, key=lambda task: task.task_id, reverse=True)


def story(connection: Db, task_id: UUID, *, owner: str, history: History) -> TaskStory:
    """One task, its stages, tries and parts.

    Raises:
        NotFoundError: No such task of this owner.
    """
    task = ledger.task(connection, task_id, owner=owner)
    (entry,) = entries(connection, [task], owner=owner, history=history)
    tries = connection.execute(
        "select claim_no, status, started_at, runtime_s, error_message "
        "from celery_task_results where task_id = %s order by claim_no desc limit %s",
        [task_id, _TRIES_SHOWN],
    ).fetchall()
    children = connection.execute(
        "select id from tasks where parent_id = %s and owner = %s order by id limit %s",
        [task_id, owner, _CHILDREN_SHOWN],
    ).fetchall()
    return TaskStory(
        entry,
        ledger.stages(connection, task_id),
        tries,
        ledger.some(connection, [row["id"] for row in children], owner=owner),
        ledger.peak_memory_bytes(connection, task_id),
    )


def _newest_tasks(
    connection: Db, items: Sequence[ItemView], owner: str
) -> dict[UUID, TaskView]:
    files = {file.id: item.id for item in items for file in item.attachments}
    rows = connection.execute(
        "select newest.id from unnest(%s::uuid[]) as file (id) cross join lateral ("
        "select t.id from tasks t where t.attachment_id = file.id and t.owner = %s "
        "order by t.id desc limit 1) newest",
        [list(files), owner],
    ).fetchall()
    tasks = ledger.some(connection, [row["id"] for row in rows], owner=owner)
    # Newest last, so that of an item with several files the newest stays.
    return {files[task.attachment_id]: task for task in reversed(tasks)}  # type: ignore[index]


def _with_items(connection: Db, tasks: Sequence[TaskView], owner: str) -> list[Entry]:
    wanted = list({task.attachment_id for task in tasks if task.attachment_id})
    rows = connection.execute(
        "select id, item_id from attachments where id = any(%s) and owner = %s",
        [wanted, owner],
    ).fetchall()
    items = store.items_of(connection, [row["item_id"] for row in rows], owner=owner)
    known = {item.id: item for item in items}
    of_file = {row["id"]: known.get(row["item_id"]) for row in rows}
    return [
        Entry(of_file.get(task.attachment_id) if task.attachment_id else None, task)
        for task in tasks
    ]
